"""The next item among all items: who is asked about, what was theirs before, and the place at which a scorer puts what came next.

In: histories and targets as places in one list of items, and a scorer. Out: ranks from 1, as many as there are questions.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Places = NDArray[np.int32]
"""Items by their place in the list of all items, oldest first."""
Scores = NDArray[np.float32]
MISSED: Final = 1 << 31
"""The place of what is not recalled: among the first k of no list, however few items there are."""
BATCH: Final = 128
"""Questions that are scored at once: 128 × 43,000 items take 22 MB."""


class Questions(Struct, frozen=True):
    """One question a person or session: the history, never empty, and the item that came next."""

    histories: Sequence[Places]
    targets: Places

    def __len__(self) -> int:
        return len(self.histories)

    @property
    def activity(self) -> NDArray[np.int64]:
        """How many items each history has."""
        return np.array([history.size for history in self.histories], dtype=np.int64)

    def drawn(self, most: int, seed: int) -> "Questions":
        """At most so many of them, drawn by the seed, in their order."""
        if most >= len(self):
            return self
        places = np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False))
        return Questions([self.histories[place] for place in places], self.targets[places])


class Scorer(Protocol):
    """Scores every item for some histories. What it does not know, and would never recall, is −∞."""

    def scores(self, histories: Sequence[Places]) -> Scores:
        """(histories, items) float32, the higher the better, of any scale; the caller may write into it."""
        ...


def ranks(scorer: Scorer, asked: Questions, seed: int, *, without_history: bool = True) -> NDArray[np.int64]:
    """(questions,) the place of each target among all items, from 1. Items of the same score stand in an order that is drawn by the seed:
    12,101 products may have 3,120 distinct sets of attributes, and whoever puts a target before its equals flatters itself.

    `without_history` takes the items of a person's history out of their ranking. A target at −∞ is not recalled: its place is `MISSED`.
    """
    rng = np.random.default_rng(seed)
    found = [
        _placed(
            scorer.scores(asked.histories[first : first + BATCH]),
            asked.histories[first : first + BATCH] if without_history else (),
            asked.targets[first : first + BATCH],
            rng,
        )
        for first in range(0, len(asked), BATCH)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _placed(scores: Scores, left_out: Sequence[Places], targets: Places, rng: np.random.Generator) -> NDArray[np.int64]:
    for row, history in enumerate(left_out):
        scores[row, history] = -np.inf
    own = scores[np.arange(len(targets)), targets][:, None]
    before = np.count_nonzero(scores > own, axis=1)
    beside = np.count_nonzero(scores == own, axis=1) - 1
    placed = 1 + before + rng.integers(0, beside + 1)
    missed = np.isneginf(own[:, 0])
    found: NDArray[np.int64] = np.where(missed, MISSED, placed)
    return found
