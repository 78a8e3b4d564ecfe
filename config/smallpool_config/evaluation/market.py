"""A site of public data as a marketplace in process: items on sale, pools, and what people did, in the stores of the embedded wiring.

In: a `Site`, pools drawn from it, an empty `Embedded` whose clock stands. Out: everything that the read path asks, as the write path
would have left it.

What the data do not say is the same for all items: quality and seller. An item is published when it first comes up in training. Training
is spread evenly over `TRAINED_MS` until now, in its order, since most of these files have no times.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import exp2
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from smallpool_config.bench.report import tracked
from smallpool_config.wiring import Embedded
from smallpool_core.behaviour import apply_event
from smallpool_core.item_parts import parts_of
from smallpool_core.items import VECTORS, WideItem
from smallpool_core.normalise import normalise, path_key
from smallpool_core.pages import ClaimRequest, Entry
from smallpool_core.pools import PoolDraft, PoolSettings
from smallpool_core.statistics import StatDelta
from smallpool_core.terms import kind_of
from smallpool_core.users import Identity, TriggerState, UserEvent
from smallpool_core.vectors import stored_vector
from smallpool_indexer.terms import PRIOR_KINDS, popularity_of, static_score, terms_of
from smallpool_models.evaluation.drawn_pools import DrawnPool
from smallpool_models.evaluation.sessions import Session, Site

T = TypeVar("T")
HOUR_MS: Final = 3_600_000
TRAINED_MS: Final = 24 * HOUR_MS
"""Over so long is what people did for training spread: the half-life of popularity, so that the first acts count half."""
STEP_MS: Final = 30_000
"""Time between two items of a session of the test, the last of which was touched so long ago."""
UNSAID: Final = 500
"""Quality and seller score of every item, in thousandths."""
ACT: Final = "click"
AT_ONCE: Final = 2_000


class SiteMarket:
    """A site in an open system; `now` (ms) is the time of the system's clock. `open` comes first."""

    def __init__(self, system: Embedded, site: Site, pools: Sequence[DrawnPool]) -> None:
        self.system = system
        self.site = site
        self.pools = pools
        self.now = system.clock.now_ms()
        self.items: dict[str, WideItem] = {}
        self._weights = self._popularity()

    def at(self, place: int) -> int:
        """When the act at this place in training was (ms)."""
        return self.now - TRAINED_MS + TRAINED_MS * place // max(1, len(self.site.acts))

    async def open(self) -> None:
        """Lists the items, opens the pools, and counts what people did in training."""
        self._list_items()
        await self._open_pools()
        self._train()

    def _list_items(self) -> None:
        """Puts every item into the wide table, on sale and tagged with its pools; with a vector where the settings have a model."""
        tagged: defaultdict[str, list[str]] = defaultdict(list)
        for pool in self.pools:
            for item_id in pool.item_ids:
                tagged[item_id].append(pool.pool_id)
        first = self.site.first_seen
        self.items = {item_id: self._wide_item(item_id, self.at(first[item_id]), tagged[item_id]) for item_id in self.site.items}
        for batch in _batches(tracked(self.items.values(), "items", len(self.items))):
            with self.system.atomic.atomic():
                self.system.wide.append(self._embedded(batch))

    async def _open_pools(self) -> None:
        """Saves the pools, whose tags the items carry already, and fills what the read path has in memory."""
        system, upto = self.system, self.system.wide.end()
        with system.durable_database.atomic():
            for pool in self.pools:
                rule = {"field": "tags", "op": "has", "value": pool.pool_id}
                revision = await system.pools.put(
                    pool.pool_id, PoolDraft(rule=rule, settings=PoolSettings(own_relations=True)), None, "evaluation", "drawn", self.now
                )
                system.pools.set_tagged(pool.pool_id, revision.pool.epoch, upto)
        system.load()

    def _train(self) -> None:
        """Counts what people did in training: for the statistics of items and terms, on the site and what of it fell on a pool's items in
        that pool; and for related items, as the daily computation does from a file of events.
        """
        self._relate()
        stats = self.system.stats
        scopes = [("", self.site.items.keys()), *((pool.pool_id, pool.item_ids) for pool in self.pools)]
        for place, (pool_id, item_ids) in enumerate(tracked(scopes, "statistics", len(scopes))):
            deltas = [self._delta(item_id, pool_id) for item_id in item_ids if item_id in self._weights]
            stats.add(deltas, 0, place)

    def _relate(self) -> None:
        file = self.system.directory / "trained.jsonl"
        with file.open("wb") as events:
            for place, (person, item_id) in enumerate(tracked(self.site.acts, "events", len(self.site.acts))):
                events.write(msgspec.json.encode({"user": person, "item": item_id, "event": ACT, "at": self.at(place)}) + b"\n")
        for _ in tracked(["all"], "related items", 1):
            self.system.relater.rebuild([str(file)])
        file.unlink()

    async def come(self, identity: Identity, session: Session, pool: DrawnPool) -> None:
        """A person of the test comes: with their behaviour, and with those of its items that lie in the pool on their seen list."""
        events = [
            (item_id, self.now - STEP_MS * (len(session.history) - place))
            for place, item_id in enumerate(session.history)
            if item_id in self.items
        ]
        state = TriggerState()
        for item_id, at in events:
            item = self.items[item_id]
            event = UserEvent(ACT, at, user_id=identity.user_id, item_id=item_id)
            state = apply_event(state, event, item.terms, self.system.settings.behaviour, self.now, item)
        self.system.triggers.save(identity.key, state, self.now)
        inside = [item_id for item_id, _ in dict(events).items() if pool.pool_id in self.items[item_id].pools]
        if inside:
            await self.system.seen.claim(_seen(identity, pool.pool_id, inside, self.now))

    def _embedded(self, items: Sequence[WideItem]) -> Sequence[WideItem]:
        models = self.system.vector_models
        if models is None:
            return items
        encoder = models.encoders.items
        vectors = encoder.encode([parts_of(item) for item in items])
        return [
            replace(item, vector=stored_vector(vector, encoder.dimensions) if vector else b"", versions={VECTORS: encoder.model})
            for item, vector in zip(items, vectors, strict=True)
        ]

    def _popularity(self) -> Mapping[str, float]:
        """Decayed weight of each item's acts as of now."""
        half_life_ms = self.system.settings.statistics.popularity_half_life_h * HOUR_MS
        weight = self.system.settings.behaviour.weight_of(ACT)
        sums: defaultdict[str, float] = defaultdict(float)
        for place, (_, item_id) in enumerate(self.site.acts):
            sums[item_id] += weight * exp2((self.at(place) - self.now) / half_life_ms)
        return sums

    def _wide_item(self, item_id: str, published_at: int, pools: Sequence[str]) -> WideItem:
        """The row of an item, with its terms made of what the data say, and with the popularity that the rescorer would bring."""
        told = self.site.items[item_id]
        category = path_key(told.category)
        tags = tuple(dict.fromkeys(normalise(tag) for tag in told.tags))
        bare = WideItem(item_id, 1, 0, "on_sale", category=category, tags=tags)
        popularity = popularity_of(self._weights.get(item_id, 0.0))
        return WideItem(
            item_id=item_id,
            version=1,
            enrich=0,
            state="on_sale",
            category=category,
            spread_key=category,
            tags=(*tags, *pools),
            quality=UNSAID,
            seller_score=UNSAID,
            published_at=published_at,
            pools=tuple(pools),
            terms=terms_of(bare),
            static_score=static_score(UNSAID, UNSAID, popularity),
            popularity=popularity,
        )

    def _delta(self, item_id: str, pool_id: str) -> StatDelta:
        """All acts on an item as one of now: forward decay makes the same sum of them."""
        prior = tuple(name for name in self.items[item_id].terms if kind_of(name) in PRIOR_KINDS)
        return StatDelta(item_id, pool_id, ACT, self._weights[item_id], self.now, prior)


def _seen(identity: Identity, pool_id: str, item_ids: Sequence[str], now: int) -> ClaimRequest:
    """The claim of a page that held these items."""
    return ClaimRequest(
        identity=identity.key,
        pool_id=pool_id,
        request_id="before",
        round=0,
        ordered=tuple(Entry(item_id, item_id, None, b"{}") for item_id in item_ids),
        n=len(item_ids),
        cap=1,
        seen_size=200,
        allow_seen=False,
        now=now,
        deadline=now + 1_000,
        final=True,
        fingerprint="",
    )


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(values)
    while batch := list(islice(iterator, AT_ONCE)):
        yield batch
