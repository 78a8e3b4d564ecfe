"""The consumer of user events: behaviour -> triggers and statistics, each event once.

In: the log `user-events`. Out: the trigger state of each person, the statistics of each item, dead letters. A batch is
one transaction: marks, states, statistics and the place in the log move together or not at all. What a person did before
they were erased is passed over, also where the erasure overtook it. The first event of a user on a device links the two, and what the
device did until then is the user's.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from smallpool_core.behaviour import BehaviourSettings, apply_event, resolve_pending
from smallpool_core.events import BEHAVIOUR_GROUP, parse_user_event
from smallpool_core.items import DeadLetter, Given, WideItem
from smallpool_core.linking import Link, Links, owner_of
from smallpool_core.market_ports import Understander
from smallpool_core.places import Places
from smallpool_core.ports import Atomic, Clock, EventLog, ItemLookup, ItemStats, LogRecord, TriggerStore
from smallpool_core.row_reader import Rejection, shown
from smallpool_core.statistics import StatDelta
from smallpool_core.terms import kind_of, term
from smallpool_core.users import Identity, TriggerState, UserEvent
from smallpool_indexer.dead_letters import dead_letter
from smallpool_indexer.settings import IndexerSettings
from smallpool_indexer.stage import Staged, StageObserver, Stages, Unobserved
from smallpool_indexer.terms import PRIOR_KINDS, query_terms


class Act(Struct, frozen=True):
    """A user event on its way, the record it came in, and the terms of its query if it is a search."""

    record: LogRecord
    event: UserEvent
    asked: tuple[str, ...] = ()


class UserEventConsumer:
    """The one writer of triggers and statistics. Not safe for threads: one owner."""

    def __init__(
        self,
        *,
        clock: Clock,
        atomic: Atomic,
        log: EventLog,
        items: ItemLookup,
        triggers: TriggerStore,
        links: Links,
        stats: ItemStats,
        understander: Understander,
        behaviour: BehaviourSettings | None = None,
        settings: IndexerSettings | None = None,
        observer: StageObserver | None = None,
    ) -> None:
        self._clock = clock
        self._atomic = atomic
        self._log = log
        self._items = items
        self._triggers = triggers
        self._links = links
        self._stats = stats
        self._understander = understander
        self._behaviour = behaviour or BehaviourSettings()
        self._settings = settings or IndexerSettings()
        self._observer = observer or Unobserved()

    def run_once(self) -> int:
        """Applies one batch; returns how many records it took. Store errors pass through, nothing is half applied."""
        records = self._log.poll("user-events", BEHAVIOUR_GROUP, self._settings.user_batch_size)
        if not records:
            return 0
        now = self._clock.now_ms()
        stages = Stages(self._observer)
        parsed = stages.run("parse_user_events", lambda taken: parse(taken, now), records)
        acts = stages.run("understand_queries", lambda taken: understand_queries(taken, self._understander, now), parsed)
        stages.run("apply", lambda taken: self._apply(taken, stages.letters, records[-1], now), acts)
        return len(records)

    def drain(self) -> int:
        """Runs until no event waits; returns how many there were."""
        total = 0
        while taken := self.run_once():
            total += taken
        return total

    def _apply(self, batch: Sequence[Act], letters: Sequence[DeadLetter], upto: LogRecord, now: int) -> Staged[str]:
        """Applies the events in order; gives back whose state has changed."""
        counts: Counter[str] = Counter()
        with self._atomic.atomic():
            items = self._items.get({act.event.item_id for act in batch if act.event.item_id is not None})
            # Devices are read before their links: one that a page links in between is not as it was read, and the batch is taken again.
            loaded = self._loaded({act.event.identity.key for act in batch if not act.event.user_id})
            links, fresh = self._linked(batch)
            owned = [(act, owner_of(act.event, links)) for act in batch]
            owners = {owner for _, owner in owned if owner is not None}
            loaded |= self._loaded(owners - (loaded.keys() - {Identity(None, device_id).key for device_id in fresh}))
            loaded = {owner: loaded[owner] for owner in sorted(owners)}
            states = self._resolved(loaded, now)
            # What waited of a device that was erased is nobody's, also where the device has got a link, to another perhaps, since.
            erased = {identity: self._triggers.erased(identity) for identity in owners | {act.event.identity.key for act in batch}}
            marked: set[str] = set()
            for act, identity in owned:
                if identity is None or any(_is_covered(act.record, erased[one]) for one in (identity, act.event.identity.key)):
                    counts["erased"] += 1
                    continue
                if not self._triggers.mark(identity, act.event, act.record.offset):
                    counts["dup"] += 1
                    continue
                marked.add(identity)
                terms = terms_of_event(act, items)
                item = items.get(act.event.item_id or "")
                states[identity] = apply_event(states[identity], act.event, terms, self._behaviour, now, item)
                self._count(act, items)
            changed = [identity for identity, state in states.items() if state is not loaded[identity]]
            for identity in sorted(marked.union(changed)):  # a mark is stored with the state, also where that stayed the same
                self._triggers.save(identity, states[identity], now)
            if letters:
                self._log.dead_letter(letters)
            self._log.commit("user-events", BEHAVIOUR_GROUP, {upto.partition: upto.offset})
        return Staged(changed, counts=counts)

    def _loaded(self, identities: Collection[str]) -> dict[str, TriggerState]:
        return {identity: self._triggers.load(identity) for identity in sorted(identities)}

    def _linked(self, batch: Sequence[Act]) -> tuple[dict[str, Link], set[str]]:
        """The links of the batch's devices, and which of them may be new: a device gets its own by the first event that names its user,
        unless that is erased.
        """
        devices = {act.event.device_id for act in batch if act.event.device_id}
        links = self._links.known(devices) if devices else {}
        fresh: set[str] = set()
        for act in batch:
            user_id, device_id = act.event.identity
            if not user_id or not device_id or device_id in links or device_id in fresh:
                continue
            if not any(_is_covered(act.record, self._triggers.erased(one.key)) for one in _both(act.event)):
                self._links.link_now(device_id, user_id, act.event.at)
                fresh.add(device_id)
        return (links | self._links.known(fresh) if fresh else links), fresh

    def _resolved(self, states: Mapping[str, TriggerState], now: int) -> dict[str, TriggerState]:
        """The states with what was pending applied, as far as its items are known by now."""
        waiting = {touched.item_id for state in states.values() for touched in state.pending}
        items = self._items.get(waiting) if waiting else {}
        return {identity: resolve_pending(state, items, self._behaviour, now) for identity, state in states.items()}

    def _count(self, act: Act, items: Mapping[str, WideItem]) -> None:
        if act.event.item_id is not None:
            item = items.get(act.event.item_id)
            delta = stat_delta(act.event, act.event.item_id, item, self._behaviour)
            self._stats.add([delta], act.record.partition, act.record.offset)


def _is_covered(record: LogRecord, erased: Places) -> bool:
    """Whether an erasure up to these places takes the record with it."""
    return record.offset <= erased.get(record.partition, -1)


def _both(event: UserEvent) -> tuple[Identity, Identity]:
    """The user and the device, each alone."""
    return Identity(event.user_id, None), Identity(None, event.device_id)


def parse(records: Sequence[LogRecord], now: int) -> Staged[Act]:
    """The events in their order; whether `at` lies ahead is judged by when the record was appended."""
    acts, letters, counts = [], [], Counter[str]()
    for record in records:
        event = parse_user_event(record.value, record.at, counts=counts)
        if isinstance(event, Rejection):
            letters.append(dead_letter(record, event, now))
        else:
            acts.append(Act(record, event))
    return Staged(acts, letters, counts)


def understand_queries(batch: Sequence[Act], understander: Understander, now: int) -> Staged[Act]:
    """Searches get the terms that their words stand for; a query the understander cannot bear is a dead letter."""
    out, letters = [], []
    for act in batch:
        if act.event.type != "search" or act.event.query is None:
            out.append(act)
            continue
        try:
            understood = understander.understand([Given(title=act.event.query)])[0]
        except Exception as error:  # noqa: BLE001, an understander is a plugin and may raise anything
            rejection = Rejection("query", shown(f"{type(error).__name__}: {error}"), "the understander must bear any text")
            letters.append(dead_letter(act.record, rejection, now))
        else:
            out.append(Act(act.record, act.event, query_terms(understood)))
    return Staged(out, letters)


def terms_of_event(act: Act, items: Mapping[str, WideItem]) -> tuple[str, ...] | None:
    """What the event says of the person's taste; None while its item is not indexed."""
    event = act.event
    if event.type == "search":
        return act.asked
    if event.type == "follow" and event.seller_id is not None:
        return (term("seller", event.seller_id),)
    item = items.get(event.item_id or "")
    return None if item is None else item.terms


def stat_delta(event: UserEvent, item_id: str, item: WideItem | None, settings: BehaviourSettings) -> StatDelta:
    """The event's effect on the statistics. Only an item on sale gains popularity: one that is gone must not come back."""
    weight = settings.weight_of(event.type) if item is not None and item.state == "on_sale" else 0.0
    terms = item.terms if item is not None and weight > 0 else ()
    prior = tuple(name for name in terms if kind_of(name) in PRIOR_KINDS)
    return StatDelta(item_id, event.pool_id or "", event.type, weight, event.at, prior)
