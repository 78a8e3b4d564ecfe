"""How well a title fits the category that it is listed under: naive Bayes over pairs of characters (Maron, 1961), against all categories.

In: a title and a category. Out: the score in [0, 1], 1/2 where the model knows nothing of the title.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from smallpool_models.understanding.characters import pairs_of, shape_of

SMOOTHED_BY: Final = 30.0
"""Pairs of all categories that each category is given beside its own."""
UNKNOWN: Final = 0.5
SLOPE: Final = 2.0


class CategoryModel(Struct, frozen=True):
    """`grams` has for each pair of characters how often it occurs under which category, by the category's place in `names`."""

    names: list[str]
    grams: dict[str, dict[int, int]]


class Fitting:
    """Scores titles; holds sums made of the counts once."""

    def __init__(self, model: CategoryModel) -> None:
        self._places = {name: place for place, name in enumerate(model.names)}
        totals: Counter[int] = Counter()
        for counts in model.grams.values():
            totals.update(counts)
        every = max(1, totals.total())
        self._gains = {gram: _gains(counts, SMOOTHED_BY * sum(counts.values()) / every) for gram, counts in model.grams.items()}
        self._bases = [math.log(SMOOTHED_BY / (totals[place] + SMOOTHED_BY)) for place in range(len(model.names))]

    @property
    def names(self) -> Sequence[str]:
        """The categories that the model knows."""
        return tuple(self._places)

    def scores(self, shape: str, category: str) -> tuple[float, float]:
        """Of a title's shape, both in [0, 1] and 1/2 where nothing is known: the fit, and the share of its pairs that belong there.

        The fit is above 1/2 where its pairs are more frequent under this category than under all. Under a category of which the model
        knows nothing the title is held against the one that it fits best: that still tells a title of one thing from one of many.
        """
        grams = [self._gains[gram] for gram in grams_of(shape) if gram in self._gains]
        if not grams or not self._places:
            return UNKNOWN, UNKNOWN
        known = self._places.get(category)
        belonging = UNKNOWN
        if known is not None:
            base = self._bases[known]
            gained = [gains[known] + base for gains in grams if known in gains]
            ratio = (len(grams) - len(gained)) * base + sum(gained)
            belonging = sum([gain > 0 for gain in gained]) / len(grams)
        else:
            ratios = [len(grams) * base for base in self._bases]
            for gains in grams:
                for place, gain in gains.items():
                    ratios[place] += gain
            ratio = max(ratios)
        return 1 / (1 + math.exp(-SLOPE * ratio / len(grams))), belonging


def _gains(counts: dict[int, int], added: float) -> dict[int, float]:
    """What the gram adds to the logarithm of the ratio under each category that has it."""
    return {place: math.log(1 + count / added) for place, count in counts.items()}


def train_fitting(rows: Iterable[tuple[str, str]], least: int = 2) -> CategoryModel:
    """Counts the pairs of folded titles by category; a pair that occurs fewer than `least` times is left out."""
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    places: dict[str, int] = {}
    for title, category in rows:
        place = places.setdefault(category, len(places))
        for gram in grams_of(shape_of(title)):
            counts[gram][place] += 1
    return CategoryModel(list(places), {gram: dict(sorted(some.items())) for gram, some in sorted(counts.items()) if some.total() >= least})


def grams_of(shape: str) -> set[str]:
    """Pairs of neighbouring characters of a shape that are letters; numbers and Latin words stand for themselves only as such."""
    return set(filter(str.isalpha, pairs_of(shape)))
