"""Terms of an item, by which recall finds it, and its static score, by which recall orders what is equally wanted.

In: normalised fields of a wide item. Out: at most 32 terms, the most telling first; an integer in 0 … 511.
"""

from collections.abc import Iterator

from smallpool_core.items import THOUSAND, Understood, WideItem
from smallpool_core.normalise import PATH_SEPARATOR, path_key
from smallpool_core.terms import MAX_TERMS_PER_ITEM, term

STATIC_WEIGHTS = {"quality": 0.6, "seller_score": 0.25, "popularity": 0.15}
"""Parts of the static score; an item is born with popularity 0 and gains by re-enrichment."""
POPULARITY_HALF = 5.0
"""Decayed weight of events at which popularity is one half."""
MAX_STATIC_SCORE = 511
PRIOR_KINDS = frozenset({"category", "brand", "point", "tag"})
"""Kinds of which a pool's trigger prior is made: what an item is, not who sells it, where, or at what price."""


def terms_of(item: WideItem) -> tuple[str, ...]:
    """The item's terms, each once: category, brand, seller, points, ancestors of the category, tags, price band, city.

    When there are more than 32 the end is cut, so what a person is most likely to be after comes first; the seller comes
    early because a follow has nothing else to match. A band means a price only within a category, so its key is
    `"{top category}:{band}"`.
    """
    return tuple(dict.fromkeys(_terms(item)))[:MAX_TERMS_PER_ITEM]


def query_terms(understood: Understood) -> tuple[str, ...]:
    """What a search asks for: the category, brand, points and tags that its words stand for."""
    asked = [term("category", path_key(understood.category))]
    asked += [term("brand", understood.brand)] if understood.brand else []
    asked += [term("point", point) for point in understood.points]
    asked += [term("tag", tag) for tag in understood.tags]
    return tuple(dict.fromkeys(asked))[:MAX_TERMS_PER_ITEM]


def static_score(quality: int, seller_score: int, popularity: int = 0) -> int:
    """`round(511 · (0.6 q + 0.25 s + 0.15 p))`, all three given in thousandths; free of time."""
    mixed = STATIC_WEIGHTS["quality"] * quality / THOUSAND + STATIC_WEIGHTS["seller_score"] * seller_score / THOUSAND
    return round(MAX_STATIC_SCORE * min(1.0, mixed + STATIC_WEIGHTS["popularity"] * popularity / THOUSAND))


def popularity_of(weight: float) -> int:
    """`p / (p + 5)` in thousandths, p the item's decayed weight of events on the whole site."""
    return round(THOUSAND * weight / (weight + POPULARITY_HALF))


def _terms(item: WideItem) -> Iterator[str]:
    path = item.category.split(PATH_SEPARATOR)
    yield term("category", item.category)
    if item.brand:
        yield term("brand", item.brand)
    if item.seller_id:
        yield term("seller", item.seller_id)
    for point in item.points:
        yield term("point", point)
    for length in range(len(path) - 1, 0, -1):
        yield term("category", PATH_SEPARATOR.join(path[:length]))
    for tag in item.tags:
        yield term("tag", tag)
    if item.price_band is not None:
        yield term("price_band", f"{path[0]}:{item.price_band}")
    if item.city:
        yield term("city", item.city)
