"""Terms of every row, both ways round: a matrix with a line of terms for each row, and for each term a list of its rows.

In: rows as they are born and buried. Out: the sum of a query's weights over the terms of each row.

A pool's rows are answered from the matrix: one cache line a row, whatever the pool, so that a pool is no more than a list of rows
and a cold one is as fast as a hot one. Where the query's terms are rare against the rows asked, as in the whole marketplace, the
lists are read instead. Measured, see benchmarks/layouts.py.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from smallpool_core.terms import MAX_TERMS_PER_ITEM
from smallpool_stores.memory.arrays import FIRST_CAPACITY, Column, RowList, Rows
from smallpool_stores.memory.interned import Interned

Sums = NDArray[np.int32]

LINE = 16
"""Terms in a row's line, 64 bytes; an item with more has a second line, kept apart."""
ENTRIES_PER_ROW = 8
"""Reading this many entries of lists takes as long as reading one line of the matrix. Measured, see benchmarks/layouts.py."""
_BLANK = array("i", [0]) * LINE


class TermColumns:
    """Terms by row, and rows by term. Term 0 is no term. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._terms = Interned(first=1)
        self._lists: list[RowList] = [RowList()]
        self._lines = Column(np.int32, LINE)
        self._second = Column(np.int32)
        self._second_lines = Column(np.int32, LINE)
        self._second_used = 1
        self._second_free: list[int] = []
        self._second_capacity = FIRST_CAPACITY
        self._per_term = Column(np.int32)
        self._terms_capacity = FIRST_CAPACITY
        self._totals = Column(np.int32)

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        for column in (self._lines, self._second, self._totals):
            column.grow(capacity)

    def put(self, row: int, terms: Iterable[str]) -> None:
        """Gives a row without terms its terms, each once, at most `MAX_TERMS_PER_ITEM` of them."""
        numbers = self._terms.take_all(list(dict.fromkeys(terms))[:MAX_TERMS_PER_ITEM])
        while len(self._lists) < len(self._terms):
            self._lists.append(RowList())
        for number in numbers:
            self._lists[number].rows.append(row)
        self._lines.cells[row * LINE : row * LINE + len(numbers[:LINE])] = array("i", numbers[:LINE])
        if len(numbers) > LINE:
            self._put_second(row, numbers[LINE:])

    def clear(self, row: int) -> None:
        """Takes all terms from a row; it stays in lists of terms that other rows have, until they are swept."""
        numbers = self._lines.cells[row * LINE : row * LINE + LINE].tolist()
        self._lines.cells[row * LINE : row * LINE + LINE] = _BLANK
        if second := self._second.cells[row]:
            numbers += self._second_lines.cells[second * LINE : second * LINE + LINE].tolist()
            self._second_lines.cells[second * LINE : second * LINE + LINE] = _BLANK
            self._second.cells[row] = 0
            self._second_free.append(second)
        for number in numbers:
            if number and self._terms.give_back(number):
                self._lists[number] = RowList()

    def lists(self) -> list[RowList]:
        """The rows of each term."""
        return self._lists

    def matching(self, rows: Rows, weights: Mapping[str, int]) -> tuple[Rows, Sums]:
        """Those of the rows that have one of the terms or more, in their order, and for each the sum of its weights."""
        asked = self._numbered(weights)
        entries = sum([len(self._lists[number].rows) for number in asked])
        sums = self._sums_by_lists(rows, asked) if entries < ENTRIES_PER_ROW * len(rows) else self._sums_by_lines(rows, asked)
        found = np.flatnonzero(sums)
        return rows.take(found), sums.take(found)

    def matching_anywhere(self, weights: Mapping[str, int]) -> tuple[Rows, Sums]:
        """The same of all rows, dead ones included."""
        with self._totals_of(self._numbered(weights)) as totals:
            found = np.flatnonzero(totals).astype(np.int32)
            return found, totals.take(found)

    def shared(self, rows: Rows, terms: Iterable[str]) -> list[tuple[str, ...]]:
        """For each of the rows those of `terms` that it has, in the order of `terms`."""
        asked = {term: number for term in terms if (number := self._terms.find(term)) is not None}
        places = dict(zip(asked.values(), range(len(asked), 0, -1), strict=True))
        with self._by_term(places) as place_of:
            found = place_of.take(self._all_lines(rows), mode="clip")
        found.sort(axis=1)
        most = int(np.count_nonzero(found, axis=1).max(initial=0))
        names = ["", *reversed(asked)]
        return [tuple([names[place] for place in line if place]) for line in found[:, : -most - 1 : -1].tolist()]

    def _sums_by_lines(self, rows: Rows, asked: Mapping[int, int]) -> Sums:
        with self._by_term(asked) as weights:
            sums: Sums = np.einsum("ij->i", weights.take(self._lines.values.take(rows, axis=0), mode="clip"))
            second = self._second.values.take(rows)
            having = np.flatnonzero(second)
            if having.size:
                lines = self._second_lines.values.take(second.take(having), axis=0)
                sums[having] += np.einsum("ij->i", weights.take(lines, mode="clip"))
        return sums

    def _sums_by_lists(self, rows: Rows, asked: Mapping[int, int]) -> Sums:
        with self._totals_of(asked) as totals:
            return totals.take(rows)

    @contextmanager
    def _totals_of(self, asked: Mapping[int, int]) -> Iterator[Sums]:
        """Sums of weights for every row, read from the lists; valid inside the block."""
        totals = self._totals.values
        lists = [self._lists[number].now() for number in asked]
        try:
            for rows, weight in zip(lists, asked.values(), strict=True):
                totals[rows] += weight
            yield totals
        finally:
            for rows in lists:
                totals[rows] = 0

    @contextmanager
    def _by_term(self, values: Mapping[int, int]) -> Iterator[Sums]:
        """The values as an array over all terms, zero for the others; valid inside the block."""
        if len(self._terms) > self._terms_capacity:
            self._terms_capacity = len(self._terms) * 3 // 2
            self._per_term.grow(self._terms_capacity)
        numbers, by_term = list(values), self._per_term.values
        try:
            by_term[numbers] = list(values.values())
            yield by_term
        finally:
            by_term[numbers] = 0

    def _numbered(self, weights: Mapping[str, int]) -> dict[int, int]:
        return {number: weight for term, weight in weights.items() if (number := self._terms.find(term)) is not None}

    def _all_lines(self, rows: Rows) -> NDArray[np.int32]:
        lines: NDArray[np.int32] = self._lines.values.take(rows, axis=0)
        second = self._second.values.take(rows)
        if not second.any():
            return lines
        return np.hstack([lines, self._second_lines.values.take(second, axis=0)])

    def _put_second(self, row: int, numbers: list[int]) -> None:
        if self._second_free:
            second = self._second_free.pop()
        else:
            second = self._second_used
            self._second_used += 1
            if second == self._second_capacity:
                self._second_capacity += self._second_capacity // 2
                self._second_lines.grow(self._second_capacity)
        self._second.cells[row] = second
        self._second_lines.cells[second * LINE : second * LINE + len(numbers)] = array("i", numbers)
