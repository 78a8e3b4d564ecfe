"""Stage sellers: understood listings -> the same with what their seller is worth; and who keeps that up to date.

In: the log `seller-events`; events with what their listings mean. Out: records of sellers; listings with a seller score and its parts; for
the listings of a seller whose score moved, `enrich seller` events, sent where listings are taken in.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from smallpool_core.errors import StoreError
from smallpool_core.events import INDEXER_GROUP, SELLER_GROUP, encode_item_event, parse_seller_event
from smallpool_core.items import THOUSAND, DeadLetter, ItemEvent, WideItem
from smallpool_core.market_ports import SellerRecords
from smallpool_core.places import Places, has_reached
from smallpool_core.ports import Atomic, Clock, EventLog, LogRecord, WideTable
from smallpool_core.row_reader import Rejection
from smallpool_core.sellers import SellerEvent, SellerRecord, SellerScore, SellerSettings, add_event, score_of
from smallpool_core.versions import MAX_ENRICH
from smallpool_indexer.dead_letters import dead_letter
from smallpool_indexer.parse import Taken
from smallpool_indexer.settings import IndexerSettings
from smallpool_indexer.stage import Staged, StageObserver, Stages, Unobserved

LOOK_EVERY_MS: Final = 2_000
OVERLAP_MS: Final = 10_000
"""How far clocks of two processes may differ for a move not to be missed."""
PAUSE_MS: Final = 30_000
SELLERS_AT_ONCE: Final = 100
REASON: Final = "seller"

log = logging.getLogger("smallpool.indexer")


class SellerEventConsumer:
    """The one writer of a seller's record. Not safe for threads: one owner."""

    def __init__(
        self,
        *,
        clock: Clock,
        atomic: Atomic,
        log: EventLog,
        records: SellerRecords,
        settings: SellerSettings | None = None,
        sizes: IndexerSettings | None = None,
        observer: StageObserver | None = None,
    ) -> None:
        self._clock = clock
        self._atomic = atomic
        self._log = log
        self._records = records
        self._settings = settings or SellerSettings()
        self._size = (sizes or IndexerSettings()).user_batch_size
        self._observer = observer or Unobserved()

    def run_once(self) -> int:
        """Applies one batch; returns how many records it took. Store errors pass through, and the batch comes again."""
        records = self._log.poll("seller-events", SELLER_GROUP, self._size)
        if not records:
            return 0
        now = self._clock.now_ms()
        stages = Stages(self._observer)
        parsed = stages.run("parse_seller_events", lambda taken: _parsed(taken, now), records)
        stages.run("apply_seller_events", lambda taken: self._apply(taken, stages.letters, records[-1], now), parsed)
        return len(records)

    def _apply(
        self, batch: Sequence[tuple[LogRecord, SellerEvent]], letters: Sequence[DeadLetter], upto: LogRecord, now: int
    ) -> Staged[str]:
        """Writes the records of the sellers in the batch; gives back whose score moved."""
        with self._atomic.atomic():
            before = self._records.load({event.seller_id for _, event in batch})
            after: dict[str, SellerRecord] = {}
            for record, event in batch:
                known = after.get(event.seller_id) or before.get(event.seller_id) or SellerRecord()
                after[event.seller_id] = add_event(known, event, record.partition, record.offset, self._settings)
            moved = [seller_id for seller_id, record in after.items() if self._has_moved(record, now)]
            for seller_id in moved:
                after[seller_id] = replace(after[seller_id], told=score_of(after[seller_id], now, self._settings).score)
            changed = {seller_id: record for seller_id, record in after.items() if record != before.get(seller_id)}
            if changed:
                self._records.save(before, changed, moved, now)
            if letters:
                self._log.dead_letter(letters)
            self._log.commit("seller-events", SELLER_GROUP, {upto.partition: upto.offset})
        return Staged(moved)

    def _has_moved(self, record: SellerRecord, now: int) -> bool:
        told = round(THOUSAND * self._settings.prior) if record.told is None else record.told
        return abs(score_of(record, now, self._settings).score - told) >= round(THOUSAND * self._settings.moved)


class SellerScorer:
    """Judges the sellers of listings that are taken in, and has the others judged again when a seller's score moved.

    One thread looks for sellers that moved, another judges and sends, which therefore waits for the records of sellers in `judge` alone.
    """

    def __init__(
        self,
        *,
        records: SellerRecords,
        log: EventLog,
        wide: WideTable,
        settings: SellerSettings | None = None,
        sizes: IndexerSettings | None = None,
    ) -> None:
        self._records = records
        self._log = log
        self._wide = wide
        self._settings = settings or SellerSettings()
        self._size = (sizes or IndexerSettings()).rescore_size
        self._asks_again_at = 0
        self._looked_at: int | None = None
        self._owned: frozenset[int] = frozenset()
        self._is_new_owner = True
        self._since = 0
        self._dealt_with: dict[str, int] = {}
        self._page: list[tuple[str, SellerScore]] = []
        self._after = ""
        self._awaited: Places = {}

    def judge(self, taken: Sequence[Taken], stored: Mapping[str, WideItem], now: int) -> Staged[Taken]:
        """The events in their order. Where the records cannot be read, a new listing's seller is worth what the prior says."""
        sellers = {place: _seller_of(one, stored) for place, one in enumerate(taken) if one.understood or one.event.reason == REASON}
        records, unknown = self._read({seller_id for seller_id in sellers.values() if seller_id is not None}, now)
        out = [*taken]
        for place, seller_id in sellers.items():
            score = score_of(records.get(seller_id or "", SellerRecord()), now, self._settings)
            one = taken[place]
            if one.understood is not None:
                out[place] = replace(one, understood=replace(one.understood, seller_score=score.score, seller_parts=score.parts))
            elif not unknown:
                out[place] = replace(one, seller=score)
        return Staged(out, counts={"sellers_unknown": unknown})

    def look(self, now: int) -> bool:
        """Takes up sellers whose score moved, where it is time to look and those before were dealt with; whether there are any."""
        is_early = self._looked_at is not None and 0 <= now - self._looked_at < LOOK_EVERY_MS
        if self._page or (is_early and not self._is_new_owner):
            return False
        if self._is_new_owner:  # what moved while another owned the items may not have reached them
            self._is_new_owner, self._since, self._dealt_with = False, now - self._settings.watched_s * 1000, {}
        self._looked_at = now
        moved = self._records.moved(self._since, SELLERS_AT_ONCE)
        waiting = [seller_id for seller_id, at in moved if self._dealt_with.get(seller_id) != at]
        records = self._records.load(waiting)
        self._dealt_with |= dict(moved)
        if len(moved) == SELLERS_AT_ONCE:
            self._since = moved[-1][1]
        else:
            self._since = max(self._since, now - OVERLAP_MS)
            self._dealt_with = {seller_id: at for seller_id, at in self._dealt_with.items() if at >= self._since}
        self._page = [(seller_id, score_of(records.get(seller_id, SellerRecord()), now, self._settings)) for seller_id in waiting]
        return bool(waiting)

    def send(self, now: int) -> bool:
        """Appends an event for each listing of the next of them that is worth something else by now; whether there was such a seller.

        The events that were sent before are taken in first, so that a slow pipeline is not handed the same work again.
        """
        owned = frozenset(self._wide.end())
        if owned != self._owned:
            self._owned, self._is_new_owner = owned, True
        if not self._page or not has_reached(self._log.committed("item-events", INDEXER_GROUP), self._awaited):
            return False
        seller_id, score = self._page[0]
        items = self._wide.of_seller(seller_id, self._after, self._size)
        events = [ItemEvent("enrich", item.item_id, 0, now, reason=REASON) for item in items if self._is_off(item, score)]
        if events:
            self._awaited = self._log.append_now("item-events", [(event.item_id, encode_item_event(event)) for event in events], now)
        self._after = items[-1].item_id if len(items) == self._size else ""
        if not self._after:
            self._page.pop(0)
        return True

    def _read(self, seller_ids: set[str], now: int) -> tuple[Mapping[str, SellerRecord], int]:
        """The records, and how many could not be read."""
        if not seller_ids:
            return {}, 0
        if now < self._asks_again_at <= now + PAUSE_MS:
            return {}, len(seller_ids)
        try:
            return self._records.load(seller_ids), 0
        except StoreError as error:
            self._asks_again_at = now + PAUSE_MS
            log.warning("%d sellers are judged by the prior alone: %s", len(seller_ids), error)
            return {}, len(seller_ids)

    def _is_off(self, item: WideItem, score: SellerScore) -> bool:
        return item.enrich < MAX_ENRICH and abs((item.seller_score or 0) - score.score) * 2 >= THOUSAND * self._settings.moved


def _seller_of(one: Taken, stored: Mapping[str, WideItem]) -> str | None:
    if one.given is not None:
        return one.given.seller_id
    item = stored.get(one.event.item_id)
    return None if item is None else item.seller_id


def _parsed(records: Sequence[LogRecord], now: int) -> Staged[tuple[LogRecord, SellerEvent]]:
    """The events in their order; whether `at` lies ahead is judged by when the record was appended."""
    out, letters, counts = [], [], Counter[str]()
    for record in records:
        event = parse_seller_event(record.value, record.at, counts=counts)
        if isinstance(event, SellerEvent) and record.key != event.seller_id:
            event = Rejection("(key)", repr(record.key), f"the record's key must be the seller's id, {event.seller_id!r}")
        if isinstance(event, Rejection):
            letters.append(dead_letter(record, event, now))
        else:
            out.append((record, event))
    return Staged(out, letters, counts)
