"""What a net reads of a title to label it: its runs of one to three characters, and how much each says.

In: texts. Out: `Grams`, padded arrays. Weights are those of TF-IDF (sublinear, rows of unit length; Salton and Buckley, 1988).
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.ner.features import fold

LONGEST = 3
MOST_CHARACTERS = 200
"""Of a title are read; what stands beyond says nothing new of what it is."""
_EDGE = "\n"
_AS_IT_STANDS = "\t"
"""Before a run with the digits that stand there, where numbers are alike."""
_DIGITS_WEIGH = 0.7
"""Measured, see docs/results/understanding.md."""
_DIGIT = re.compile(r"[0-9]")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class GramVocabulary(Struct, frozen=True, forbid_unknown_fields=True):
    """The runs that a model knows, number 0 being none of them, and the inverse document frequency of each. Where `numbers_alike`, every
    number reads as 0: how much there is of a thing says little of what it is, and `240ml` is learnt from `330ml`. Runs with digits as they
    stand there are then read beside these, and weigh less: a shop's numbers say what it sells.
    """

    grams: tuple[str, ...]
    rarity: tuple[float, ...]
    numbers_alike: bool


class Grams(Struct, frozen=True):
    """Of each title the runs that are known: numbers, int64, and weights, float32, both (titles, most runs) and 0 beyond its last run."""

    numbers: NDArray[np.int64]
    weights: NDArray[np.float32]


def grams_in(folded: str) -> list[str]:
    """The runs of a folded text, its edges counting as characters, as often as they occur."""
    edged = f"{_EDGE}{folded}{_EDGE}"
    runs = list(folded)
    for size in range(2, LONGEST + 1):
        runs += [edged[start : start + size] for start in range(len(edged) - size + 1)]
    return runs


def learnt_vocabulary(texts: Sequence[str], fewest: int, *, numbers_alike: bool = False) -> GramVocabulary:
    """The runs that stand in at least `fewest` texts. Rarity is
    1 + ln((1 + texts) / (1 + texts that have it)); of runs with digits as they stand there, beside numbers alike, .7 times that.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(_runs_of(text, numbers_alike=numbers_alike)))
    grams = tuple(sorted(gram for gram, count in counts.items() if count >= fewest))
    weighs = (_DIGITS_WEIGH if gram[0] == _AS_IT_STANDS else 1.0 for gram in grams)
    rarity = tuple(round(one * (1 + math.log((1 + len(texts)) / (1 + counts[gram]))), 4) for gram, one in zip(grams, weighs, strict=True))
    return GramVocabulary(grams, rarity, numbers_alike)


def _runs_of(text: str, *, numbers_alike: bool) -> list[str]:
    """The runs of as much of a title as is read, as they are looked up."""
    folded = fold(text[:MOST_CHARACTERS])
    if not numbers_alike:
        return grams_in(folded)
    runs = grams_in(_NUMBER.sub("0", folded))
    if _DIGIT.search(folded):
        runs += [_AS_IT_STANDS + run for run in grams_in(folded) if len(run) > 1 and _DIGIT.search(run)]
    return runs


class GramReader:
    """Looks up the runs of texts in one vocabulary."""

    def __init__(self, vocabulary: GramVocabulary) -> None:
        self._numbers = {gram: number for number, gram in enumerate(vocabulary.grams, start=1)}
        self._rarity = np.array([0.0, *vocabulary.rarity], dtype=np.float32)
        self._numbers_alike = vocabulary.numbers_alike

    def read(self, texts: Iterable[str]) -> Grams:
        """The runs of each text, each once; a text in which none is known has none."""
        rows = [_runs_of(text, numbers_alike=self._numbers_alike) for text in texts]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        numbers_of = map(self._numbers.get, chain.from_iterable(rows), repeat(0))
        found = np.fromiter(numbers_of, dtype=np.int64, count=int(lengths.sum()))
        size = len(self._rarity)
        keys = (np.repeat(np.arange(len(rows)) * size, lengths) + found)[found > 0]
        once, counts = np.unique(keys, return_counts=True)
        row_of, number_of = once // size, once % size
        held = np.bincount(row_of, minlength=len(rows))
        places = np.arange(len(once)) - np.repeat(held.cumsum() - held, held)
        numbers = np.zeros((len(rows), max(int(held.max(initial=1)), 1)), dtype=np.int64)
        weights = np.zeros(numbers.shape, dtype=np.float32)
        numbers[row_of, places] = number_of
        weights[row_of, places] = (1 + np.log(counts)) * self._rarity[number_of]
        weights /= np.maximum(np.sqrt((weights**2).sum(axis=1, keepdims=True)), 1e-6)
        return Grams(numbers, weights)
