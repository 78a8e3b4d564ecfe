"""Stage order: the events of a batch on top of what is stored -> for each item that changes, its one new record.

An item's state is the record with the largest (version, enrich), whatever the order in which its events come in; of
equal pairs the first wins. Folding before pools are assigned spares records that the same batch outdates.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from smallpool_core.events import LISTING_TYPES
from smallpool_core.items import ItemEvent, WideItem
from smallpool_core.versions import ENRICH_EXPIRED, ENRICH_OF_STATE, ENRICH_STRIPPED, MAX_ENRICH
from smallpool_indexer.parse import Taken
from smallpool_indexer.stage import Staged
from smallpool_indexer.terms import static_score
from smallpool_indexer.widen import widen

EXPIRED_AFTER_MS = 3_600_000
"""An item leaves by the clock at its expiry; the record that says so follows an hour later."""

Verdict = Literal[
    "listed", "removed", "enriched", "expired", "stripped",
    "dup", "conflict", "stale", "unknown_item", "not_listed", "not_due", "enrich_exhausted", "not_understandable",
]  # fmt: skip
"""What became of one event; each is counted under its name. The second line changes nothing."""


class Folded(NamedTuple):
    """The item's record after one event, and what became of the event."""

    item: WideItem | None
    verdict: Verdict


def order(taken: Sequence[Taken], stored: Mapping[str, WideItem], now: int) -> Staged[WideItem]:
    """At most one record an item, newer than the stored one, in the order of the items' first events."""
    current: dict[str, WideItem | None] = {}
    counts: Counter[str] = Counter()
    notes = []
    for one in taken:
        item_id = one.event.item_id
        item, verdict = fold(current.get(item_id, stored.get(item_id)), one, now)
        current[item_id] = item
        counts[verdict] += 1
        if verdict == "conflict":
            notes.append(
                f"item {item_id!r}, version {one.event.version}: a second body (offset {one.record.offset}) is ignored, the first wins"
            )
    out = [item for item_id, item in current.items() if item is not None and item is not stored.get(item_id)]
    return Staged(out, counts=counts, notes=notes)


def fold(item: WideItem | None, taken: Taken, now: int) -> Folded:
    """One event on top of the item's newest record; the same object comes back where nothing changes."""
    event = taken.event
    if event.type in LISTING_TYPES:
        return _listing(item, taken)
    if event.type in ("sold", "withdrawn"):
        return _removal(item, event)
    if item is None:
        return Folded(None, "unknown_item")
    if event.reason == "strip":
        return _strip(item, event.version)
    if item.state != "on_sale":
        return Folded(item, "not_listed")
    if event.reason == "expired":
        return _expiry(item, now)
    if item.enrich >= MAX_ENRICH:
        return Folded(item, "enrich_exhausted")
    if event.reason == "rescore":
        return _rescore(item, event)
    if event.reason == "seller":
        return _rejudge(item, taken)
    return _retag(item) if event.reason == "retag" else _reunderstand(item, taken)


def _listing(item: WideItem | None, taken: Taken) -> Folded:
    event = taken.event
    if item is None or (event.version, 0) > item.order:
        if event.given is None or taken.understood is None:
            raise ValueError(f"item {event.item_id!r}, version {event.version}: the stages parse and understand come before order")
        popularity = item.popularity if item is not None and item.state == "on_sale" else 0
        return Folded(widen(event.item_id, event.version, 0, event.given, taken.understood, event.at, popularity), "listed")
    if event.version < item.version or item.state != "on_sale":
        return Folded(item, "stale")
    return Folded(item, "dup" if event.given == item.given else "conflict")


def _removal(item: WideItem | None, event: ItemEvent) -> Folded:
    """The record is in no pool, but keeps the fields of the listing before it, for what is still asked of it.

    A removal that overtakes its listing finds none to keep: those fields, unlike pair and state, depend on the order of events.
    """
    state: Literal["sold", "withdrawn"] = "sold" if event.type == "sold" else "withdrawn"
    pair = (event.version, ENRICH_OF_STATE[state])
    if item is None:
        return Folded(WideItem(event.item_id, *pair, state), "removed")
    if pair <= item.order:
        return Folded(item, "dup" if pair == item.order else "stale")
    return Folded(replace(item, version=pair[0], enrich=pair[1], state=state, pools=(), intervals={}), "removed")


def _retag(item: WideItem) -> Folded:
    """The next record of the same listing; the stage assign finds its pools, the stage record drops it if they stay."""
    return Folded(replace(item, enrich=item.enrich + 1), "enriched")


def _reunderstand(item: WideItem, taken: Taken) -> Folded:
    if item.given is None:
        return Folded(item, "not_understandable")
    if taken.understood is None or taken.given != item.given:
        return Folded(item, "dup")  # this very batch brought a newer listing, which is understood already
    published_at = taken.event.at if item.published_at is None else item.published_at
    item = widen(item.item_id, item.version, item.enrich + 1, item.given, taken.understood, published_at, item.popularity)
    return Folded(item, "enriched")


def _rescore(item: WideItem, event: ItemEvent) -> Folded:
    """The popularity was measured of one version: one that was listed meanwhile is measured by itself."""
    if item.version != event.version or event.popularity is None:
        return Folded(item, "not_due")
    score = static_score(item.quality or 0, item.seller_score or 0, event.popularity)
    return Folded(replace(item, enrich=item.enrich + 1, popularity=event.popularity, static_score=score), "enriched")


def _rejudge(item: WideItem, taken: Taken) -> Folded:
    """What the seller is worth now; a seller whose record could not be read stays what they were."""
    if taken.seller is None:
        return Folded(item, "not_due")
    score = static_score(item.quality or 0, taken.seller.score, item.popularity)
    seller = {"seller_score": taken.seller.score, "seller_parts": taken.seller.parts}
    return Folded(replace(item, enrich=item.enrich + 1, static_score=score, **seller), "enriched")


def _expiry(item: WideItem, now: int) -> Folded:
    if item.expires_at is None or item.expires_at + EXPIRED_AFTER_MS > now:
        return Folded(item, "not_due")
    return Folded(replace(item, enrich=ENRICH_EXPIRED, state="expired", pools=(), intervals={}), "expired")


def _strip(item: WideItem, version: int) -> Folded:
    """What is left of a removed item: enough that nothing older ever lists it again.

    The event is about one version: an item that was listed again meanwhile keeps its fields from its own removal on.
    """
    if item.state == "on_sale" or item.version != version:
        return Folded(item, "not_due")
    if item.enrich == ENRICH_STRIPPED:
        return Folded(item, "dup")
    return Folded(WideItem(item.item_id, item.version, ENRICH_STRIPPED, item.state), "stripped")
