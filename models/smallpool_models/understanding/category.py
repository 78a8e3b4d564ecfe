"""The category of a listing: the path that the seller gave, else the one that its words speak for, else its head noun.

In: the words heard in title and description. Out: `Placed`. Scores are sums of evidence, weighted as below.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from smallpool_core.items import CategorySource
from smallpool_core.normalise import PATH_SEPARATOR, normalise
from smallpool_models.understanding.lexicon import Reading
from smallpool_models.understanding.points import Heard

OTHER = "其他"
"""The top of what nothing is known of; below it stands the head noun."""

_USUAL = 1.0
_POSSIBLE = 0.7
"""Evidence of a product for its usual category, and for each other one."""
_MODEL = 1.0
_BRAND_FIRST = 0.4
_BRAND_OTHER = 0.3
_VARIETY = 0.9
_POINT = 0.5
"""Evidence of a variety, and of any other selling point, shared by the categories that it fits."""
_MODIFIER = 0.4
"""Factor of a product directly before another: in `手机支架` the last noun is the head."""
_DESCRIPTION = 0.25
"""Factor of all that stands only in the description."""
_ENOUGH = 0.3
"""A category with less evidence than this is not predicted."""


class Placed(NamedTuple):
    """A category path, never empty, where it comes from, and how sure that is, in [0, 1] (1 when given, 0 for a head noun)."""

    path: tuple[str, ...]
    source: CategorySource
    confidence: float

    @property
    def key(self) -> str:
        """The path as one key."""
        return PATH_SEPARATOR.join(self.path)


def given_path(path: Sequence[str]) -> tuple[str, ...]:
    """A seller's path, its elements normalised as a rule's are, without blank ones."""
    return tuple(element for element in map(normalise, path) if element.strip())


def place(
    given: Sequence[str],
    title: Sequence[Heard],
    description: Sequence[Heard],
    ranks: Mapping[str, int],
    head_noun: Callable[[], str | None],
) -> Placed:
    """The category; `ranks` breaks ties, and `head_noun` is asked only where nothing else says what the item is."""
    path = given_path(given)
    if path:
        return Placed(path, "given", 1.0)
    scores = evidence(title)
    for key, score in evidence(description).items():
        scores[key] = scores.get(key, 0.0) + _DESCRIPTION * score
    if scores:
        ranked = sorted(scores.items(), key=lambda pair: (-pair[1], ranks[pair[0]]))
        best, score = ranked[0]
        second = ranked[1][1] if len(ranked) > 1 else 0.0
        if score >= _ENOUGH:
            return Placed(tuple(best.split(PATH_SEPARATOR)), "predicted", round(min(1.0, score) * score / (score + second), 3))
    noun = head_noun()
    return Placed((OTHER, noun) if noun else (OTHER,), "head_noun", 0.0)


def evidence(heard: Sequence[Heard]) -> dict[str, float]:
    """Category path keys and how much the words speak for each; words set aside say nothing."""
    scores: dict[str, float] = {}
    for index, word in enumerate(heard):
        if word.aside:
            continue
        following = heard[index + 1] if index + 1 < len(heard) else None
        modifies = following is not None and word.kind == following.kind == "product" and following.start == word.end
        factor = _MODIFIER if modifies else 1.0
        for reading in word.readings:
            if not reading.ambiguous:
                _add(scores, reading, factor)
    return scores


def _add(scores: dict[str, float], reading: Reading, factor: float) -> None:
    if reading.kind == "product":
        weights = [_USUAL] + [_POSSIBLE] * (len(reading.categories) - 1)
    elif reading.kind == "brand":
        weights = [_BRAND_FIRST] + [_BRAND_OTHER] * (len(reading.categories) - 1)
    elif reading.kind == "model":
        weights = [_MODEL]
    elif reading.categories:
        weights = [(_VARIETY if reading.kind == "variety" else _POINT) / len(reading.categories)] * len(reading.categories)
    else:
        return
    for key, weight in zip(reading.categories, weights, strict=False):
        scores[key] = scores.get(key, 0.0) + factor * weight
