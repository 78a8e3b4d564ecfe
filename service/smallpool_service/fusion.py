"""How highly the sources place a candidate, all of them together: reciprocal ranks, added up.

    rank(i) = Σ_s w_s · K / (K + r_s(i) - 1) / Σ_s w_s

over the sources s that gave anything, r_s(i) the item's rank (from 1) there, nothing where a source did not give it (reciprocal rank
fusion: Cormack, Clarke and Büttcher, *Reciprocal rank fusion outperforms Condorcet and individual rank learning methods*, 2009, scaled so
that what every source places first has 1). Sources score by measures that cannot be compared; their orders can.

In: candidates with their ranks. Out: one value each, in [0, 1].
"""

from collections.abc import Mapping, Sequence

from smallpool_service.candidates import Candidate

UNKNOWN_SOURCE = 0.5
"""Weight of a source that has none of its own, such as a plugin's."""


def fused(candidates: Sequence[Candidate], weights: Mapping[str, float], smoothing: float) -> list[float]:
    """The value of each candidate; `smoothing` is K above: the rank at which a source's say has fallen to about a half."""
    answered = {source for candidate in candidates for source in candidate.ranks}
    share = {source: weights.get(source, UNKNOWN_SOURCE) for source in answered}
    total = sum(share.values())
    if total <= 0:
        return [0.0] * len(candidates)
    scale = {source: weight * smoothing / total for source, weight in share.items()}
    before_first = smoothing - 1
    return [sum([scale[source] / (before_first + rank) for source, rank in candidate.ranks.items()]) for candidate in candidates]
