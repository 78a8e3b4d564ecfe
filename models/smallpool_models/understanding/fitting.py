"""How well a title fits the category that it is listed under: naive Bayes over pairs of characters (Maron, 1961), against all categories.

In: the words of a title and a category. Out: scores in [0, 1], 1/2 where nothing is known of the title, and how many of the words fit.
Pairs are those inside words: what two neighbours make together says where they stood, not what is sold.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, field

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.characters import pairs_of, shape_of
from smallpool_models.understanding.remembered import Remembered

SMOOTHED_BY: Final = 30.0
"""Pairs of all categories that each category is given beside its own."""
UNKNOWN: Final = 0.5
SLOPE: Final = 2.0
DOUBT: Final = 5.0
"""Pairs of which nothing is known that each title is given, so that a score rests on more than one or two."""
HEADS_SMOOTHED_BY: Final = 3.0
_MOST_WORDS: Final = 50_000
"""Words whose pairs are remembered, and words whose fit is, each under each category that it stood under: some 10 MB."""


class CategoryModel(Struct, frozen=True):
    """`grams` has for each pair of characters how often it occurs under which category, by the category's place in `names`. `heads` has
    for the last characters of words that were taught under which tops they were, by the place of these.
    """

    names: list[str]
    grams: dict[str, dict[int, int]]
    heads: dict[str, dict[int, int]] = field(default_factory=dict)


class Fit(NamedTuple):
    """`score` is above 1/2 where the title's pairs are more frequent under the category than under all, `belonging` the share of them that
    are, there or under its top. `own` words of the title are made of such pairs, or end as words do that were taught of the top; of
    `foreign` ones something is known, and none of that.
    """

    score: float
    belonging: float
    own: int
    foreign: int


class _Sums:
    """What a model says of one word; holds sums made of the counts once."""

    def __init__(self, model: CategoryModel) -> None:
        places = {name: place for place, name in enumerate(model.names)}
        tops = [places.get(top_of(name), place) for name, place in places.items()]
        totals = _totals(model.grams)
        every = max(1, totals.total())
        self.gains = {gram: _gains(counts, SMOOTHED_BY * sum(counts.values()) / every) for gram, counts in model.grams.items()}
        self.bases = [math.log(SMOOTHED_BY / (totals[place] + SMOOTHED_BY)) for place in range(len(model.names))]
        self.both = [tuple({place, top}) for place, top in enumerate(tops)]
        self._tops, self._heads, self._headed = tops, model.heads, _totals(model.heads)

    def pairs(self, word: str) -> tuple[str, ...]:
        """The word's pairs that are known, in order."""
        return tuple(sorted(gram for gram in grams_of(shape_of(word)) if gram in self.gains))

    def fits(self, asked: tuple[str, int]) -> bool | None:
        """Whether the word fits the category of this place; None: who knows."""
        word, place = asked
        known = [self.gains[gram] for gram in self.pairs(word)]
        gained = [sum(one.get(at, 0.0) for one in known) + len(known) * self.bases[at] for at in self.both[place]] if known else []
        head = self._heads.get(word[-1]) if word.isalpha() else None
        if head is not None and self._headed[self._tops[place]]:
            gained.append(self._as_head(head, self._tops[place]))
        return max(gained) > 0 if gained else None

    def _as_head(self, head: Mapping[int, int], top: int) -> float:
        """How much more often words that end so are of this top than words are: a logarithm."""
        share = self._headed[top] / self._headed.total()
        return math.log((head.get(top, 0) + HEADS_SMOOTHED_BY * share) / (sum(head.values()) + HEADS_SMOOTHED_BY) / share)


class Fitting:
    """Scores titles."""

    def __init__(self, model: CategoryModel) -> None:
        self._places = {name: place for place, name in enumerate(model.names)}
        # What remembers must not be held by what it asks: a circle is never freed by a process that has frozen its garbage collector.
        sums = _Sums(model)
        self._gains, self._bases, self._both = sums.gains, sums.bases, sums.both
        self._pairs = Remembered[str, tuple[str, ...]](sums.pairs, _MOST_WORDS)
        self._fits = Remembered[tuple[str, int], bool | None](sums.fits, _MOST_WORDS)

    @property
    def names(self) -> Sequence[str]:
        """The categories that the model knows."""
        return tuple(self._places)

    def fit(self, words: Iterable[str], category: str) -> Fit:
        """Of a title's words; what nothing is known of is 1/2, and a word of which nothing is known neither fits nor does not.

        Under a category of which the model knows nothing the title is held against the one that it fits best: that still tells a title of
        one thing from one of many.
        """
        distinct = dict.fromkeys(words)
        pairs = self._pairs
        grams = [self._gains[gram] for gram in dict.fromkeys([gram for word in distinct for gram in pairs[word]])]
        if not self._places:
            return Fit(UNKNOWN, UNKNOWN, 0, 0)
        place = self._places.get(category)
        if place is None:
            if not grams:
                return Fit(UNKNOWN, UNKNOWN, 0, 0)
            place = self._best(grams)
        base = self._bases[place]
        gained = [gains[place] + base for gains in grams if place in gains]
        ratio = (len(grams) - len(gained)) * base + sum(gained)
        belong = [gains for gains in grams if any(gains.get(at, 0.0) + self._bases[at] > 0 for at in self._both[place])]
        fits = self._fits
        told = [fits[word, place] for word in distinct if len(word) > 1]
        return Fit(
            1 / (1 + math.exp(-SLOPE * ratio / (len(grams) + DOUBT))),
            (len(belong) + UNKNOWN * DOUBT) / (len(grams) + DOUBT),
            told.count(True),
            told.count(False),
        )

    def _best(self, grams: Sequence[Mapping[int, float]]) -> int:
        """The place of the category that these fit best."""
        ratios = [len(grams) * base for base in self._bases]
        for gains in grams:
            for place, gain in gains.items():
                ratios[place] += gain
        return ratios.index(max(ratios))


def top_of(category: str) -> str:
    """The first element of a category's key."""
    return category.split(PATH_SEPARATOR, 1)[0]


def _totals(counts: Mapping[str, Mapping[int, int]]) -> Counter[int]:
    totals: Counter[int] = Counter()
    for some in counts.values():
        totals.update(some)
    return totals


def _gains(counts: dict[int, int], added: float) -> dict[int, float]:
    """What the gram adds to the logarithm of the ratio under each category that has it."""
    return {place: math.log(1 + count / added) for place, count in counts.items()}


def train_fitting(rows: Iterable[tuple[str, str]], least: int = 2, words: Iterable[tuple[str, str]] = ()) -> CategoryModel:
    """Counts the pairs of folded titles by category, and by its top; a pair that occurs fewer than `least` times is left out.

    `words`, folded, with the category that each speaks for, count like titles of one word; how they end is counted by top.
    """
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    heads: defaultdict[str, Counter[int]] = defaultdict(Counter)
    places: dict[str, int] = {}
    taught = list(words)
    for title, category in (*rows, *taught):
        at = {places.setdefault(name, len(places)) for name in dict.fromkeys((category, top_of(category)))}
        for gram in grams_of(shape_of(title)):
            counts[gram].update(at)
    for word, category in taught:
        if word.isalpha() and not word[-1].isascii():
            heads[word[-1]][places[top_of(category)]] += 1
    kept = {gram: some for gram, some in counts.items() if some.total() >= least}
    return CategoryModel(list(places), _sorted(kept), _sorted(heads))


def _sorted(counts: Mapping[str, Mapping[int, int]]) -> dict[str, dict[int, int]]:
    return {key: dict(sorted(some.items())) for key, some in sorted(counts.items())}


def grams_of(shape: str) -> set[str]:
    """Pairs of neighbouring characters of a shape that are letters; numbers and Latin words stand for themselves only as such."""
    return set(filter(str.isalpha, pairs_of(shape)))
