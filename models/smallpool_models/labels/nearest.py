"""What the labels of the nearest titles say: of those that a model learnt from, and that it remembers.

In: `Grams` of titles. Out: votes (titles, labels). A title is as near as the product of both rows of unit length, and votes by
the third power of that (a weighted vote of nearest neighbours; Dudani, 1976), for its label. The votes of a title are shares: one that is
near by itself has the whole say, however near it is.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.labels.grams import GramReader, Grams
from smallpool_models.labels.rows import LabelledTitle

NEAREST = 10
POWER = 3
"""Both measured, see docs/results/understanding.md."""
_LEAST = 0.1
"""What is less near than this has no vote: it shares what any two titles do."""
_ALIKE = 1e-6
"""Titles that differ by less are as near: which of them a sort would put first differs between processors, so all of them vote."""
_AT_ONCE = 1_000
"""Titles read together when a model is opened, so that what they are read into stays small."""
_MOST_TITLES = 500
"""Runs that more of the remembered titles have are left out: they are most of the work, and tell little of which titles are alike."""


class Remembered(Struct, frozen=True, forbid_unknown_fields=True):
    """Titles as they are read, the number of the label of each, and what their votes count beside scores."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    count: float

    def fits(self, labels: int) -> bool:
        """Whether each title has one of so many labels."""
        return len(self.labels) == len(self.texts) and all(0 <= label < labels for label in self.labels)


def remembered_titles(titles: Sequence[LabelledTitle], labels: Sequence[str], count: float) -> Remembered:
    """These titles, whose first label is among `labels`, with votes that count so much."""
    places = {label: place for place, label in enumerate(labels)}
    return Remembered(tuple(title.text for title in titles), tuple(places[title.labels[0]] for title in titles), count)


class NearestTitles:
    """The remembered titles, of so many labels, by their runs; asking keeps no state."""

    def __init__(self, remembered: Remembered, reader: GramReader, labels: int) -> None:
        title, numbers, weights = _runs_of(remembered.texts, reader)
        held = np.bincount(numbers)
        kept = held[numbers] <= _MOST_TITLES
        title, numbers, weights = title[kept], numbers[kept], weights[kept]
        order = np.argsort(numbers, kind="stable")
        self._titles = title[order]
        self._weights = weights[order]
        self._ends = np.cumsum(np.where(held <= _MOST_TITLES, held, 0))
        self._label_of = np.array(remembered.labels, dtype=np.int64)
        self._labels = labels
        self._count = remembered.count

    def votes(self, grams: Grams) -> NDArray[np.float32]:
        """(titles, labels): the shares of all votes times what they count; 0 throughout where no title is near."""
        found = np.zeros((len(grams.numbers), self._labels), dtype=np.float32)
        for row, (numbers, weights) in enumerate(zip(grams.numbers, grams.weights, strict=True)):
            known = (weights > 0) & (numbers < len(self._ends))
            alike = self._alike(numbers[known], weights[known])
            near = np.flatnonzero(alike > _LEAST)
            if len(near) > NEAREST:
                near = near[alike[near] > np.partition(alike[near], -NEAREST)[-NEAREST] - _ALIKE]
            votes = alike[near] ** POWER
            if len(near):
                found[row] = np.bincount(self._label_of[near], votes, minlength=self._labels) * (self._count / votes.sum())
        return found

    def _alike(self, numbers: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """How near each remembered title is, (titles,)."""
        ends = self._ends[numbers]
        lengths = ends - self._ends[numbers - 1]  # number 0 is no run and never asked for
        places = np.arange(int(lengths.sum())) + np.repeat(ends - lengths.cumsum(), lengths)
        counted = self._weights[places] * np.repeat(weights, lengths)
        return np.bincount(self._titles[places], counted, minlength=len(self._label_of)).astype(np.float64, copy=False)


def _runs_of(texts: Sequence[str], reader: GramReader) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Of each run of each title the title's place, the run's number and its weight, three of (runs,)."""
    titles, numbers, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for first in range(0, len(texts), _AT_ONCE):
        grams = reader.read(texts[first : first + _AT_ONCE])
        row, place = np.nonzero(grams.weights)
        titles.append(row + first)
        numbers.append(grams.numbers[row, place])
        weights.append(grams.weights[row, place])
    return np.concatenate(titles), np.concatenate(numbers), np.concatenate(weights)
