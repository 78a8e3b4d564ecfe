"""The rows that a question is about, dead ones and those not yet or no longer on sale included.

In: the rows of a pool, or any rows. Out: those that a question ranks, each with what it is ranked by.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Places, Rows
from smallpool_stores.memory.best import Scores
from smallpool_stores.memory.pool_index import PoolIndex
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, ItemRows
from smallpool_stores.memory.terms import Asked, Marks, RowTerms, TermColumns, weights_of

STATIC_RANGE = 512
"""Σ of weights counts this many times a static score of 0 … 511 (design, section 4)."""


class Ranked(NamedTuple):
    """Rows in no order, and what each is ranked by, descending: (n,) int32 and (n,) integers; and its marks, where terms were asked for."""

    rows: Rows
    scores: Scores
    marks: Marks | None = None

    def at(self, places: Places) -> "Ranked":
        """The rows at some places, in that order."""
        marks = None if self.marks is None else self.marks.take(places)
        return Ranked(self.rows.take(places), self.scores.take(places), marks)


class InScope:
    """`newer` rows are read where they lie; before them come the rows of an index, all of them or those that are `held` now.

    The lines of the newer rows are gathered once, however many questions are asked.
    """

    def __init__(
        self, base: ItemRows, terms: TermColumns, newer: Rows, index: PoolIndex | None = None, held: NDArray[np.bool_] | None = None
    ) -> None:
        self._base = base
        self._terms = terms
        self._newer = RowTerms(newer)
        self._index = index
        self._held = held

    def matching(self, asked: Asked) -> Ranked:
        """Rows that have one of the terms or more, by 512 · the sum of their weights + the static score."""
        if self._index is None:
            return self._newer_matching(asked)
        indexed = self._indexed_matching(self._index, asked)
        return _joined(indexed, self._newer_matching(asked)) if self._newer.rows.size else indexed

    def all(self, by: Literal["newest", "static"]) -> Ranked:
        """Every row, by publication (ms) or by static score."""
        if self._index is None:
            return self._newer_by(by)
        indexed = Ranked(self._index.rows, self._index.published if by == "newest" else self._index.static)
        if self._held is not None:
            indexed = indexed.at(self._held.nonzero()[0])
        return _joined(indexed, self._newer_by(by)) if self._newer.rows.size else indexed

    def _newer_by(self, by: Literal["newest", "static"]) -> Ranked:
        rows = self._newer.rows
        return Ranked(rows, self._base.facts_of(rows)[:, LIVE_FROM if by == "newest" else STATIC])

    def _newer_matching(self, asked: Asked) -> Ranked:
        found, marks = self._terms.matching(self._newer, asked)
        rows = self._newer.rows.take(found)
        return Ranked(rows, weights_of(marks) * STATIC_RANGE + self._base.facts_of(rows)[:, STATIC], marks)

    def _indexed_matching(self, index: PoolIndex, asked: Asked) -> Ranked:
        found, marks = index.matching(asked)
        ranked = Ranked(index.rows.take(found), weights_of(marks) * STATIC_RANGE + index.static.take(found), marks)
        return ranked if self._held is None else ranked.at(self._held.take(found).nonzero()[0])


def _joined(indexed: Ranked, newer: Ranked) -> Ranked:
    marks = None if indexed.marks is None or newer.marks is None else np.concatenate([indexed.marks, newer.marks])
    return Ranked(np.concatenate([indexed.rows, newer.rows]), np.concatenate([indexed.scores, newer.scores]), marks)
