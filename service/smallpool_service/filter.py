"""Leaves out what this person may not be shown, or not now, each with its reason.

In: hits by source and what the live view knows of them. Out: hits by source and a `Dropped` for each item left out.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from smallpool_core.pages import Dropped, Hit, LiveItem, Scope
from smallpool_core.pools import BANNED
from smallpool_core.ports import LiveView
from smallpool_service.candidates import Lists

STAGE = "filter"

DETAILS = {
    "duplicate": "the source gave it twice",
    "seen": "it was served to this person in this pool",
    "bought": "this person bought it",
    "bought_alike": "this person bought one like it: of the same category and brand, with the same selling points",
    "blocked_seller": "this person wants to see nothing of its seller",
    "over_exposed": "it was shown too often without being touched, to this person or in this pool",
    "own": "this person sells it",
    "expired": "its time is over",
    "expiring": "it ends before it could be opened",
    "gone": "it is not on sale",
    "banned": "it is banned everywhere: the pool `banned` holds it",
    "cut": "the pool has a largest size, and its best items end before this one",
    "not_in_pool": "the pool's rule does not hold for it at this moment",
    "stale": "the item changed after the row was indexed, and the pool's tag is still being brought up to date",
}


class Screen(Struct, frozen=True):
    """What candidates are held against: the person's own lists, the clock (epoch ms) and what ends until `closing` is over too soon, what
    was shown too often, and what is banned without a tag that says it yet.
    """

    scope: Scope
    seen: AbstractSet[str]
    bought: AbstractSet[str]
    user_id: str | None
    now: int
    over_exposed: AbstractSet[str] = frozenset()
    banned: AbstractSet[str] = frozenset()
    alike: AbstractSet[str] = frozenset()
    blocked_sellers: AbstractSet[str] = frozenset()
    closing: int = 0


def live_reason(hit: Hit, live: LiveItem | None, scope: Scope, closing: int) -> str | None:
    """Why the live view forbids this item now, or None; what ends until `closing` (ms) ends too soon.

    A tag that is not trusted says nothing: there the row itself was held against the rule, so it must be the newest that the live
    view knows. The home pool has no tag; what is asked there is whether the item is in the pool of what is banned.
    """
    if live is None:
        return "gone"
    if not live.is_on_sale:
        return "expired" if live.is_expired else "gone"
    if live.expires_at is not None and live.expires_at <= closing:
        return "expiring"
    if scope.everything:
        return "banned" if live.in_pool else None
    if scope.trusted and not live.in_pool:
        return "not_in_pool"
    if live.is_cut:
        return "cut"
    if scope.trusted:
        return None
    return "stale" if (live.version, live.enrich) > (hit.version, hit.enrich) else None


def own_reasons(rows: Mapping[str, Hit], screen: Screen) -> dict[str, str]:
    """Why this person is not shown them, of those that they are not shown, by item; of several reasons the first one below."""
    lists = (
        ("banned", screen.banned),
        ("seen", screen.seen),
        ("bought", screen.bought),
        ("bought_alike", screen.alike),
        ("over_exposed", screen.over_exposed),
    )
    # Nearly all candidates have none, so lists are held against lists before anything is asked of one candidate.
    found = {item_id: reason for reason, listed in reversed(lists) if listed for item_id in rows.keys() & listed}
    own, blocked, now = screen.user_id, screen.blocked_sellers, screen.now
    for item_id, hit in rows.items():
        if item_id in found:
            continue
        seller = hit.seller_id
        if seller is not None and (seller == own or seller in blocked):
            found[item_id] = "own" if seller == own else "blocked_seller"
        elif hit.expires_at is not None and hit.expires_at <= now:
            found[item_id] = "expired"
    return found


def look_up(live: LiveView, item_ids: Sequence[str], scope: Scope, now: int) -> dict[str, LiveItem | None]:
    """What the live view knows of each item, by id, as seen from the scope's pool; from the one of what is banned, where it is all."""
    pool_id = BANNED if scope.everything else scope.pool_id
    return dict(zip(item_ids, live.look(item_ids, pool_id, now, scope.cut), strict=True))


def filter_hits(lists: Lists, screen: Screen, live: LiveView) -> Lists:
    """Drops duplicates within a source, the person's own items, what they bought (and its like), saw or were shown too often, what sellers
    sell whom they block, what is banned, and what the live view forbids.
    """
    rows = {hit.item_id: hit for hits in lists.by_source.values() for hit in hits}
    known = look_up(live, list(rows), screen.scope, screen.now)
    own, scope, closing = own_reasons(rows, screen), screen.scope, screen.closing
    reasons = {
        item_id: reason
        for item_id, hit in rows.items()
        if (reason := own.get(item_id) or live_reason(hit, known[item_id], scope, closing)) is not None
    }
    dropped = [Dropped(item_id, STAGE, reason, DETAILS[reason]) for item_id, reason in reasons.items()]
    kept = {source: _once([hit for hit in hits if hit.item_id not in reasons], dropped) for source, hits in lists.by_source.items()}
    return Lists(kept, tuple(dropped))


def _once(hits: list[Hit], dropped: list[Dropped]) -> list[Hit]:
    """The hits without those that came before in the same list."""
    if len({hit.item_id for hit in hits}) == len(hits):
        return hits
    taken: set[str] = set()
    kept = []
    for hit in hits:
        if hit.item_id in taken:
            dropped.append(Dropped(hit.item_id, STAGE, "duplicate", DETAILS["duplicate"]))
        else:
            taken.add(hit.item_id)
            kept.append(hit)
    return kept
