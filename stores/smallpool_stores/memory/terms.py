"""Terms of every row, both ways round: a matrix with a line of terms for each row, and for each term a list of its rows.

In: rows as they are born and buried. Out: the sum of a query's weights over the terms of each row.

A pool's rows are answered from the matrix: one cache line a row, whatever the pool, so that a pool is no more than a list of rows
and a cold one is as fast as a hot one. Where the query's terms are rare against the rows asked, as in the whole marketplace, the
lists are read instead. Measured, see benchmarks/layouts.py.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpool_core.terms import MAX_TERMS_PER_ITEM
from smallpool_stores.memory.arrays import FIRST_CAPACITY, Column, RowList, Rows
from smallpool_stores.memory.interned import Interned

Sums = NDArray[np.int16] | NDArray[np.int32]

LINE = 16
"""Terms in a row's line, 64 bytes; an item with more has a second line, kept apart."""
ENTRIES_PER_ROW = 7
"""Reading this many entries of lists takes as long as reading one line of the matrix. Measured, see benchmarks/layouts.py."""
_NARROW_MOST = 2**15 - 1
_BLANK = array("i", [0]) * LINE


class Lines(NamedTuple):
    """Lines of n rows, (n, 16); places of those that go on in a second line, (m,); these second lines, (m, 16)."""

    first: NDArray[np.int32]
    full: NDArray[np.intp]
    second: NDArray[np.int32]


class RowTerms:
    """Rows whose terms are asked for, maybe more than once: their lines are gathered when first needed, and kept.

    True until the rows change.
    """

    __slots__ = ("lines", "rows")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.lines: Lines | None = None


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
        self._per_term_narrow = Column(np.int16)
        self._terms_capacity = FIRST_CAPACITY
        self._totals = Column(np.int32)

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        for column in (self._lines, self._second, self._totals):
            column.grow(capacity)

    def put(self, row: int, terms: Iterable[str]) -> None:
        """Gives a row without terms its terms, each once, at most `MAX_TERMS_PER_ITEM` of them."""
        numbers = self._terms.take_all(list(dict.fromkeys(terms))[:MAX_TERMS_PER_ITEM])
        lists = self._lists
        while len(lists) < len(self._terms):
            lists.append(RowList())
        for number in numbers:
            lists[number].rows.append(row)
        if len(numbers) > LINE:
            self._put_second(row, numbers[LINE:])
            del numbers[LINE:]
        start = row * LINE
        self._lines.cells[start : start + len(numbers)] = array("i", numbers)

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

    def matching(self, some: RowTerms, weights: Mapping[str, int]) -> tuple[NDArray[np.intp], Sums]:
        """Places of those of the rows that have one of the terms or more, in their order, and for each the sum of its weights."""
        asked = self._numbered(weights)
        entries = sum([len(self._lists[number].rows) for number in asked])
        by_lists = entries < ENTRIES_PER_ROW * len(some.rows)
        sums = self._sums_by_lists(some.rows, asked) if by_lists else self._sums_by_lines(some, asked)
        found = (sums != 0).nonzero()[0]
        return found, sums.take(found)

    def shared(self, rows: Rows, terms: Iterable[str]) -> list[tuple[str, ...]]:
        """For each of the rows those of `terms` (at most 31) that it has, in the order of `terms`."""
        asked = {number: term for term in terms if (number := self._terms.find(term)) is not None}
        sets = self._sums_by_lines(RowTerms(rows), {number: 1 << place for place, number in enumerate(asked)}).tolist()
        names = list(asked.values())
        members = {bits: tuple([names[place] for place in _places(bits)]) for bits in set(sets)}
        return [members[bits] for bits in sets]

    def _sums_by_lines(self, some: RowTerms, asked: Mapping[int, int]) -> Sums:
        if some.lines is None:
            some.lines = self._gathered(some.rows)
        first, full, second = some.lines
        with self._by_term(asked) as weights:
            sums: Sums = np.einsum("ij->i", weights.take(first, mode="clip"))
            if full.size:
                sums[full] += np.einsum("ij->i", weights.take(second, mode="clip"))
        return sums

    def _gathered(self, rows: Rows) -> Lines:
        first = self._lines.values.take(rows, axis=0)
        full = (first[:, LINE - 1] != 0).nonzero()[0]
        return Lines(first, full, self._second_lines.values.take(self._second.values.take(rows.take(full)), axis=0))

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
    def _by_term(self, values: Mapping[int, int]) -> Iterator[NDArray[Any]]:
        """The values as an array over all terms, zero for the others; valid inside the block.

        It is as narrow as any sum of the values allows, since it is read all over: so it stays in the processor's cache.
        """
        if len(self._terms) > self._terms_capacity:
            self._terms_capacity = len(self._terms) * 3 // 2
            self._per_term.grow(self._terms_capacity)
            self._per_term_narrow.grow(self._terms_capacity)
        is_narrow = sum(values.values()) <= _NARROW_MOST
        numbers, by_term = list(values), (self._per_term_narrow if is_narrow else self._per_term).values
        try:
            by_term[numbers] = list(values.values())
            yield by_term
        finally:
            by_term[numbers] = 0

    def _numbered(self, weights: Mapping[str, int]) -> dict[int, int]:
        return {number: weight for term, weight in weights.items() if (number := self._terms.find(term)) is not None}

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


def _places(bits: int) -> Iterator[int]:
    """The places of the bits that are set, rising."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
