"""What the wide index must answer, by brute force over plain wide items: filter, sort, count. Slow, and meant to be read.

`items` are the newest records of all items, removed ones included. Tags and intervals on them are taken as given.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from smallpool_core.cuts import Cut, CutBy
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Answer, Hit, Query, Scope
from smallpool_core.pools import BANNED
from smallpool_core.rule_counts import PRICE_BOUNDS, Breakdown, Exclusion, Share
from smallpool_core.rules import Rule, matches


def recall(items: Iterable[WideItem], query: Query, weights: Mapping[str, int]) -> Answer:
    """Term recall: at least one of the terms, by 512·Σweight + static score, then by item_id as UTF-8."""

    def rank(item: WideItem) -> int:
        return 512 * sum(weight for term, weight in weights.items() if term in item.terms) + item.static_score

    rows = [item for item in items if is_allowed(item, query) and weights.keys() & set(item.terms)]
    return _answer(query, _in_order(rows, rank), rank, weights)


def browse(items: Iterable[WideItem], query: Query, by: str) -> Answer:
    """All rows by time of publication or by static score, then by item_id as UTF-8."""

    def rank(item: WideItem) -> int:
        return (item.published_at or 0) if by == "newest" else item.static_score

    return _answer(query, _in_order([item for item in items if is_allowed(item, query)], rank), rank, {})


def pick(items: Iterable[WideItem], query: Query, item_ids: Sequence[str]) -> Answer:
    """The items asked for, in the order in which they were first asked for."""
    known = {item.item_id: item for item in items}
    asked = [known[item_id] for item_id in dict.fromkeys(item_ids) if item_id in known]
    return _answer(query, [item for item in asked if is_allowed(item, query)], lambda _: 0, {})


def breakdown(items: Iterable[WideItem], rule: Rule, now: int, limit: int) -> Breakdown:
    """What the rule matches, by top category, category, seller and price band."""
    found = [item for item in items if is_on_sale(item, now) and matches(rule, item, now)]
    bands = Counter(sum(item.price_cents >= bound for bound in PRICE_BOUNDS) for item in found if item.price_cents is not None)
    return Breakdown(
        _most_frequent([item.category.split(PATH_SEPARATOR)[0] for item in found], limit),
        _most_frequent([item.category for item in found], limit),
        _most_frequent([item.seller_id for item in found if item.seller_id is not None], limit),
        tuple(bands[band] for band in range(len(PRICE_BOUNDS) + 1)),
        sum(item.price_cents is None for item in found),
    )


def exclusions(items: Iterable[WideItem], parts: Sequence[Rule], now: int) -> list[Exclusion]:
    """Who fails which of the parts."""
    failed = [{place for place, part in enumerate(parts) if not matches(part, item, now)} for item in items if is_on_sale(item, now)]
    return [Exclusion(sum(one == {place} for one in failed), sum(place in one for one in failed)) for place in range(len(parts))]


def cut_off(items: Iterable[WideItem], by: CutBy, size: int, now: int) -> Cut | None:
    """The value of the last of the first `size` items on sale, where there are more and it has one that says something."""

    def value(item: WideItem) -> int:
        return getattr(item, by.removeprefix("-")) or 0 if "price" not in by or item.price_cents is not None else -1

    falls = by.startswith("-")
    found = [item for item in items if is_on_sale(item, now)]
    ranked = sorted(found, key=lambda item: (value(item) == -1, -value(item) if falls else value(item)))
    if len(ranked) <= size:
        return None
    last = value(ranked[size - 1])
    return None if last == -1 or (last == 0 and "price" not in by) else Cut(by, last)


def _most_frequent(values: list[str], limit: int) -> tuple[Share, ...]:
    ranked = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0].encode()))
    return tuple(Share(key, count) for key, count in ranked[:limit])


def is_allowed(item: WideItem, query: Query) -> bool:
    """In scope, on sale at that instant, and not excluded."""
    is_excluded = item.item_id in query.excluded or item.seller_id in query.excluded_sellers
    return is_on_sale(item, query.now) and is_in_scope(item, query.scope, query.now) and not is_excluded


def is_on_sale(item: WideItem, now: int) -> bool:
    """Listed, published, and not expired at `now`."""
    is_published = item.published_at is None or item.published_at <= now
    is_expired = item.expires_at is not None and item.expires_at <= now
    return item.state == "on_sale" and is_published and not is_expired


def is_in_scope(item: WideItem, scope: Scope, now: int) -> bool:
    """Everything that is not tagged as banned, or the whole rule; where the tag is trusted, the tag too."""
    if scope.cut is not None and not scope.cut.holds(item):
        return False
    if scope.everything:
        return BANNED not in item.pools
    is_tagged = scope.pool_id in item.pools or not scope.trusted
    return is_tagged and matches(scope.rule, item, now)


def spread_key(item: WideItem, level: int | None) -> str:
    """The category path, or its first elements."""
    return PATH_SEPARATOR.join(item.category.split(PATH_SEPARATOR)[:level])


def _in_order(items: list[WideItem], rank: Callable[[WideItem], int]) -> list[WideItem]:
    return sorted(items, key=lambda item: (-rank(item), item.item_id.encode()))


def _answer(query: Query, rows: list[WideItem], rank: Callable[[WideItem], int], weights: Mapping[str, int]) -> Answer:
    taken: Counter[str] = Counter()
    under_cap = []
    for item in rows:
        key = spread_key(item, query.spread_level)
        taken[key] += 1
        if taken[key] <= query.cap:
            under_cap.append(item)
    hits = tuple(_hit(item, query, rank(item), weights) for item in under_cap[: query.limit])
    return Answer(hits, exhausted=len(under_cap) <= query.limit)


def _hit(item: WideItem, query: Query, rank_score: int, weights: Mapping[str, int]) -> Hit:
    return Hit(
        item_id=item.item_id,
        version=item.version,
        enrich=item.enrich,
        category=item.category,
        spread_key=spread_key(item, query.spread_level),
        seller_id=item.seller_id,
        price_cents=item.price_cents,
        quality=item.quality or 0,
        seller_score=item.seller_score or 0,
        published_at=item.published_at or 0,
        expires_at=item.expires_at,
        static_score=item.static_score,
        rank_score=rank_score,
        terms=tuple(term for term in weights if term in item.terms),
        sale=item.sale,
    )
