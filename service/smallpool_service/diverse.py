"""Maximal marginal relevance: of the best candidates, next comes what scores high and is unlike what came before.

In: candidates, best first. Out: the same, of which the first are arranged anew.

`next = argmax (1 - λ) · score / best score - λ · max similarity to what came before` (Carbonell and Goldstein 1998, equation 1), the
similarity of two being the Jaccard index of what they say: the terms of the person's that they match, their category at every level, their
seller. Deterministic; of equals the one that ranks higher comes first.
"""

from collections.abc import Sequence

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Hit
from smallpool_service.candidates import Scored


def diversified(ranked: Sequence[Scored], share: float, most: int) -> list[Scored]:
    """The first `most` of finite score arranged anew, with `share` (λ, in [0, 1)) for what is unlike; the others follow as they are. Takes
    `most`² comparisons at most.
    """
    first = [scored for scored in ranked[:most] if scored.is_finite]
    best = max((scored.score for scored in first), default=0.0)
    if share <= 0 or best <= 0:
        return list(ranked)
    worth = [(1 - share) * scored.score / best for scored in first]
    says = [_says(scored.candidate.hit) for scored in first]
    nearest = [0.0] * len(first)
    left, chosen = list(range(len(first))), list[int]()
    while left:
        following = max(left, key=lambda place: (worth[place] - share * nearest[place], -place))
        left.remove(following)
        chosen.append(following)
        for place in left:
            nearest[place] = max(nearest[place], _likeness(says[place], says[following]))
    return [*(first[place] for place in chosen), *ranked[len(first) :]]


def _says(hit: Hit) -> frozenset[str]:
    path = hit.category.split(PATH_SEPARATOR)
    levels = [f"category:{PATH_SEPARATOR.join(path[: depth + 1])}" for depth in range(len(path))]
    return frozenset((*hit.terms, *levels, *([f"seller:{hit.seller_id}"] if hit.seller_id is not None else ())))


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / len(left | right)
