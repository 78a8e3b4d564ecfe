"""How well a title fits the category that it is listed under: naive Bayes over pairs of characters (Maron, 1961), against all categories.

In: a title, its words and a category. Out: scores in [0, 1], 1/2 where the model knows nothing of the title, and how many of the words fit.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from msgspec import Struct

from smallpool_models.understanding.characters import pairs_of, shape_of
from smallpool_models.understanding.remembered import Remembered

SMOOTHED_BY: Final = 30.0
"""Pairs of all categories that each category is given beside its own."""
UNKNOWN: Final = 0.5
SLOPE: Final = 2.0
_MOST_WORDS: Final = 50_000
"""Words whose fit is remembered, each under each category that it stood under: some 10 MB."""


class CategoryModel(Struct, frozen=True):
    """`grams` has for each pair of characters how often it occurs under which category, by the category's place in `names`."""

    names: list[str]
    grams: dict[str, dict[int, int]]


class Fit(NamedTuple):
    """`score` is above 1/2 where the title's pairs are more frequent under the category than under all, `belonging` the share of them that
    are. `own` words of the title are made of pairs that are more frequent there, `foreign` ones of pairs that are not.
    """

    score: float
    belonging: float
    own: int
    foreign: int


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
        self._fits = Remembered[tuple[str, int], bool | None](partial(_fits, self._gains, self._bases), _MOST_WORDS)

    @property
    def names(self) -> Sequence[str]:
        """The categories that the model knows."""
        return tuple(self._places)

    def fit(self, shape: str, words: Iterable[str], category: str) -> Fit:
        """Of a title's shape and words; what nothing is known of is 1/2, and a word of no known pair neither fits nor does not.

        Under a category of which the model knows nothing the title is held against the one that it fits best: that still tells a title of
        one thing from one of many.
        """
        grams = [self._gains[gram] for gram in grams_of(shape) if gram in self._gains]
        if not grams or not self._places:
            return Fit(UNKNOWN, UNKNOWN, 0, 0)
        place = self._places.get(category)
        belonging = UNKNOWN
        if place is not None:
            base = self._bases[place]
            gained = [gains[place] + base for gains in grams if place in gains]
            ratio = (len(grams) - len(gained)) * base + sum(gained)
            belonging = sum([gain > 0 for gain in gained]) / len(grams)
        else:
            ratios = [len(grams) * base for base in self._bases]
            for gains in grams:
                for other, gain in gains.items():
                    ratios[other] += gain
            ratio = max(ratios)
            place = ratios.index(ratio)
        fits = self._fits
        told = [fits[word, place] for word in set(words) if len(word) > 1]
        return Fit(1 / (1 + math.exp(-SLOPE * ratio / len(grams))), belonging, told.count(True), told.count(False))


# No method: what remembers it would hold its owner in a circle, which a process that has frozen its garbage collector never frees.
def _fits(gains: Mapping[str, Mapping[int, float]], bases: Sequence[float], asked: tuple[str, int]) -> bool | None:
    """Whether the pairs of a word are, taken together, more frequent under the category of this place than under all; None: who knows."""
    word, place = asked
    known = [gains[gram] for gram in grams_of(shape_of(word)) if gram in gains]
    return sum(one.get(place, 0.0) for one in known) + len(known) * bases[place] > 0 if known else None


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
