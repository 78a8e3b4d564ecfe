"""What the labels of the nearest titles say: of those that a model learnt from, and that it remembers.

In: `Grams` of titles. Out: votes (titles, labels). A title is as near as the product of both rows of unit length, and votes by
the third power of that (a weighted vote of nearest neighbours; Dudani, 1976), for its label.
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
        grams = reader.read(remembered.texts)
        row, place = np.nonzero(grams.weights)
        numbers = grams.numbers[row, place]
        held = np.bincount(numbers)
        kept = held[numbers] <= _MOST_TITLES
        row, place, numbers = row[kept], place[kept], numbers[kept]
        order = np.argsort(numbers, kind="stable")
        self._titles = row[order]
        self._weights = grams.weights[row, place][order]
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
                near = near[np.argpartition(alike[near], -NEAREST)[-NEAREST:]]
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
