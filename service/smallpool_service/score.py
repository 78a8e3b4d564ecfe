"""Scores candidates in several dimensions, each in [0, 1], and adds them up by the pool's weights.

    match       Σ weight of the matched triggers / Σ over kinds of the heaviest trigger of that kind, at most 1: an item that
                matches the best trigger of every kind scores 1
    rank        how highly the sources place it, all together; see `fusion`
    vector      (1 + c) / 2, c the largest cosine of the item's vector with one of the person's interests, 0 where it has none
    quality     as stored; what is missing counts as 0
    freshness   2^(-age / h), age counted from publication; h is the half-life of the settings, or for an item with an end a share of its
                life (publication to end) where that is shorter: an auction of six hours is old at five
    seller      as stored; what is missing counts as 0
    price_fit   the smaller of the item's price and the person's usual price in its top category, over the larger; 0.5 where
                one of the two is not known
    popularity  what people do with it for how often it is shown, on the whole site: see `popularity.py`

In: candidates, what is known of the person, popularity. Out: the same candidates, scored. A dimension of which nothing is
known for the whole page (no triggers, no prices) is left out rather than filled with a guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import exp2
from statistics import median

from msgspec import Struct

from smallpool_core.items import THOUSAND
from smallpool_core.normalise import top_category
from smallpool_core.pages import Hit
from smallpool_core.pools import DIMENSIONS
from smallpool_core.terms import kind_of
from smallpool_core.users import Touched
from smallpool_service.candidates import Candidate, Scored
from smallpool_service.fusion import fused
from smallpool_service.popularity import Popularity

UNKNOWN_PRICE_FIT = 0.5


class Taste(Struct, frozen=True):
    """What a person's candidates are scored by: the pool's weights, the person's triggers (1 … 1024) and usual prices (cents).

    `now` and `half_life_ms` in ms; `life_share` of an item's life may its half-life be at most, 0 for as long as `half_life_ms` always.
    `source_weights` and `rank_smoothing` are those of `fusion`. `likeness` is the inner product of each item with the person's interests,
    None where nobody asked for it.
    """

    weights: Mapping[str, float]
    triggers: Mapping[str, int]
    prices: Mapping[str, float]
    now: int
    half_life_ms: int
    life_share: float
    source_weights: Mapping[str, float] = {}
    rank_smoothing: float = 15.0
    likeness: Mapping[str, float] | None = None

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that count for this page, in the order of a candidate's values."""
        known = {"rank", "quality", "freshness", "seller", "popularity"}
        known |= {"match"} if self.triggers else set()
        known |= {"vector"} if self.likeness is not None else set()
        known |= {"price_fit"} if self.prices else set()
        return tuple(name for name in DIMENSIONS if name in known and self.weights.get(name, 0.0) > 0)


def usual_prices(items: Iterable[Touched]) -> dict[str, float]:
    """Median price (cents) by top category of items that a person touched; free items tell nothing of a price."""
    prices: dict[str, list[int]] = {}
    for item in items:
        if item.price_cents:
            prices.setdefault(item.category, []).append(item.price_cents)
    return {category: median(values) for category, values in prices.items()}


def score(candidates: Sequence[Candidate], taste: Taste, popularity: Popularity) -> list[Scored]:
    """Values and the weighted mean of them, in [0, 1]; the order of the candidates stays."""
    names = taste.dimensions
    hits = [candidate.hit for candidate in candidates]
    columns = [_ranks(candidates, taste, popularity) if name == "rank" else values_of(name, hits, taste, popularity) for name in names]
    total = sum(taste.weights[name] for name in names)
    sums = [0.0] * len(candidates)
    for name, column in zip(names, columns, strict=True):
        share = taste.weights[name] / total
        sums = [before + share * value for before, value in zip(sums, column, strict=True)]
    rows = zip(*columns, strict=True) if columns else [()] * len(candidates)
    return list(map(Scored, candidates, rows, sums))


def _ranks(candidates: Sequence[Candidate], taste: Taste, popularity: Popularity) -> list[float]:
    matched = _match([candidate.hit for candidate in candidates], taste.triggers) if taste.triggers else [0.0] * len(candidates)
    return fused(candidates, matched, popularity.responses.weights, taste.source_weights, taste.rank_smoothing)


def values_of(name: str, hits: Sequence[Hit], taste: Taste, popularity: Popularity) -> list[float]:
    """One dimension of every hit, in their order."""
    match name:
        case "match":
            return _match(hits, taste.triggers)
        case "vector":
            likeness = taste.likeness or {}
            return [(1 + likeness.get(hit.item_id, 0.0)) / 2 for hit in hits]
        case "quality":
            return [hit.quality / THOUSAND for hit in hits]
        case "freshness":
            now, usual = taste.now, taste.half_life_ms
            halves = [usual if hit.expires_at is None else half_life_of(hit, taste) for hit in hits]
            return [exp2(min(0, hit.published_at - now) / half) for hit, half in zip(hits, halves, strict=True)]
        case "seller":
            return [hit.seller_score / THOUSAND for hit in hits]
        case "price_fit":
            return _price_fit(hits, taste.prices)
        case _:
            return popularity.of([hit.item_id for hit in hits])


def half_life_of(hit: Hit, taste: Taste) -> float:
    """Age (ms, above 0) at which an item is half as fresh as when it was published."""
    if hit.expires_at is None or taste.life_share <= 0:
        return taste.half_life_ms
    return min(taste.half_life_ms, max(1.0, taste.life_share * (hit.expires_at - hit.published_at)))


def _match(hits: Sequence[Hit], triggers: Mapping[str, int]) -> list[float]:
    heaviest: dict[str, int] = {}
    for term, weight in triggers.items():
        kind = kind_of(term)
        heaviest[kind] = max(weight, heaviest.get(kind, 0))
    perfect = sum(heaviest.values())
    shares = {terms: min(1.0, sum([triggers[term] for term in terms]) / perfect) for terms in {hit.terms for hit in hits}}
    return [shares[hit.terms] for hit in hits]


def _price_fit(hits: Sequence[Hit], prices: Mapping[str, float]) -> list[float]:
    usual_of = {category: prices.get(top_category(category)) for category in {hit.category for hit in hits}}
    pairs = [(hit.price_cents, usual_of[hit.category]) for hit in hits]
    return [UNKNOWN_PRICE_FIT if price is None or usual is None else min(price, usual) / max(price, usual) for price, usual in pairs]
