"""How highly the sources place a candidate, all of them together.

    rank(i) = Σ_s w_s · say_s(i) / Σ_s w_s

over the sources s that gave anything. A source says K / (K + r - 1) of what it gave at rank r (from 1), nothing of the rest: reciprocal
rank fusion (Cormack, Clarke and Büttcher, *Reciprocal rank fusion outperforms Condorcet and individual rank learning methods*, 2009),
scaled so that what every source places first has 1. Sources measure what cannot be compared; their orders can. Two say something else:

    terms    (m / M)², m the weight of the triggers that an item matches, M the largest on the page; ties by rank. In a pool where
             everything matches a little, its order is mostly ties
    popular  nothing of what nobody acted on: it tops up with that

Weights and forms were measured: `docs/results/recall.md`.

In: candidates with their ranks, and what they match. Out: one value each, in [0, 1].
"""

from collections.abc import Container, Mapping, Sequence
from typing import Final

from smallpool_service.candidates import Candidate

TERMS: Final = "terms"
POPULAR: Final = "popular"
TIE: Final = 1e-6
"""What a rank takes from the say of `terms`, so that it decides between equals alone."""
UNKNOWN_SOURCE: Final = 0.5
"""Weight of a source that has none of its own, such as a plugin's."""


def fused(
    candidates: Sequence[Candidate],
    matched: Sequence[float],
    acted_on: Container[str],
    weights: Mapping[str, float],
    smoothing: float,
) -> list[float]:
    """The value of each candidate; `matched` is its m above, on any scale, `acted_on` the ids of items that people acted on.

    `smoothing` is K: at this rank a source's say has fallen to about a half.
    """
    answered = {source for candidate in candidates for source in candidate.ranks}
    share = {source: weights.get(source, UNKNOWN_SOURCE) for source in answered}
    total = sum(share.values())
    if total <= 0:
        return [0.0] * len(candidates)
    of_terms, most = share.pop(TERMS, 0.0) / total, max(matched, default=0.0) or 1.0
    scale = {source: weight * smoothing / total for source, weight in share.items()}
    before_first = smoothing - 1
    values = []
    for candidate, weight in zip(candidates, matched, strict=True):
        value = 0.0
        for source, rank in candidate.ranks.items():
            if source == TERMS:
                value += of_terms * (weight / most) ** 2 * (1 - TIE * rank)
            elif source != POPULAR or candidate.hit.item_id in acted_on:
                value += scale[source] / (before_first + rank)
        values.append(value)
    return values
