"""Terms of every row, both ways round: a matrix with a line of terms for each row, and for each term a list of its rows.

In: rows as they are born and buried. Out: for each row the sum of a query's weights over its terms, and which these are.

Rows that no index of a pool holds are answered from the matrix: one cache line a row, whatever the pool. Where the query's terms are
rare against the rows asked, as in the whole marketplace, the lists are read instead. Measured, see benchmarks/layouts.py.
"""

from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpool_core.terms import MAX_TERMS_PER_ITEM
from smallpool_stores.memory.arrays import FIRST_CAPACITY, Column, Places, RowList, Rows
from smallpool_stores.memory.interned import Interned
from smallpool_stores.memory.listing import Listing

Marks = NDArray[np.int64]
"""Of each of some rows the sum of the weights of those terms asked for that it has, and in the low bits which of them these are."""

LINE = 16
"""Terms in a row's line, 64 bytes; an item with more has a second line, kept apart."""
ENTRIES_PER_ROW = 7
"""Reading this many entries of lists takes as long as reading one line of the matrix. Measured, see benchmarks/layouts.py."""
_MARK_BITS = 32
"""Below them a bit for each term asked for, of which there are at most so many; above them the sum of weights."""
_BLANK = array("i", [0]) * LINE


class Lines(NamedTuple):
    """Lines of n rows, (n, 16); places of those that go on in a second line, (m,); these second lines, (m, 16)."""

    first: NDArray[np.int32]
    full: Places
    second: NDArray[np.int32]


class RowTerms:
    """Rows whose terms are asked for, maybe more than once: their lines are gathered when first needed, and kept.

    True until the rows change.
    """

    __slots__ = ("lines", "rows")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.lines: Lines | None = None


class Asked:
    """Terms asked for: `marks` gives the number of each its weight and its bit, so that one sum of them says both."""

    __slots__ = ("_names", "marks")

    def __init__(self, names: list[str], marks: dict[int, int]) -> None:
        self.marks = marks
        self._names = names

    def members(self, marks: Marks) -> list[tuple[str, ...]]:
        """For each of the sums the terms that are in it, in the order asked."""
        sets = (marks & ((1 << _MARK_BITS) - 1)).tolist()
        of_set = {bits: tuple([self._names[place] for place in _places(bits)]) for bits in set(sets)}
        return [of_set[bits] for bits in sets]


def weights_of(marks: Marks) -> Marks:
    """The sums of weights alone."""
    return marks >> _MARK_BITS


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
        self._per_term = Column(np.int64)
        self._terms_capacity = FIRST_CAPACITY
        self._totals = Column(np.int64)

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        for column in (self._lines, self._second, self._totals):
            column.grow(capacity)

    def put(self, row: int, item: Listing) -> None:
        """Gives a row without terms those of the item, each once, at most `MAX_TERMS_PER_ITEM` of them."""
        numbers = self._terms.take_all(list(dict.fromkeys(item.terms))[:MAX_TERMS_PER_ITEM])
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

    def change(self, row: int, item: Listing) -> None:
        """Nothing: the terms are the same."""

    def left(self, item: Listing) -> None:
        """Nothing: no row had its terms."""

    def clear(self, row: int, item_id: str) -> None:
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

    def asked(self, weights: Mapping[str, int]) -> Asked:
        """The terms as they are asked for below; those that no row has are left out."""
        known = [(term, number, weight) for term, weight in weights.items() if (number := self._terms.find(term)) is not None]
        marks = {number: weight << _MARK_BITS | 1 << place for place, (_, number, weight) in enumerate(known)}
        return Asked([term for term, _, _ in known], marks)

    def lines_of(self, rows: Rows) -> Lines:
        """The terms of each of the rows."""
        first = self._lines.values.take(rows, axis=0)
        full = (first[:, LINE - 1] != 0).nonzero()[0]
        return Lines(first, full, self._second_lines.values.take(self._second.values.take(rows.take(full)), axis=0))

    def matching(self, some: RowTerms, asked: Asked) -> tuple[Places, Marks]:
        """Places of those of the rows that have one of the terms or more, in their order, and their marks."""
        entries = sum([len(self._lists[number].rows) for number in asked.marks])
        by_lists = entries < ENTRIES_PER_ROW * len(some.rows)
        marks = self._marks_by_lists(some.rows, asked) if by_lists else self._marks_by_lines(some, asked)
        found = (marks != 0).nonzero()[0]
        return found, marks.take(found)

    def _marks_by_lines(self, some: RowTerms, asked: Asked) -> Marks:
        if some.lines is None:
            some.lines = self.lines_of(some.rows)
        first, full, second = some.lines
        with self._by_term(asked) as of_term:
            marks: Marks = np.einsum("ij->i", of_term.take(first, mode="clip"))
            if full.size:
                marks[full] += np.einsum("ij->i", of_term.take(second, mode="clip"))
        return marks

    def _marks_by_lists(self, rows: Rows, asked: Asked) -> Marks:
        with self._of_every_row(asked) as marks:
            return marks.take(rows)

    @contextmanager
    def _of_every_row(self, asked: Asked) -> Iterator[Marks]:
        """Marks of every row, read from the lists; valid inside the block."""
        marks = self._totals.values
        lists = [self._lists[number].now() for number in asked.marks]
        try:
            for rows, mark in zip(lists, asked.marks.values(), strict=True):
                marks[rows] += mark
            yield marks
        finally:
            for rows in lists:
                marks[rows] = 0

    @contextmanager
    def _by_term(self, asked: Asked) -> Iterator[Marks]:
        """The mark of every term, 0 of those not asked for; valid inside the block."""
        if len(self._terms) > self._terms_capacity:
            self._terms_capacity = len(self._terms) * 3 // 2
            self._per_term.grow(self._terms_capacity)
        numbers, of_term = list(asked.marks), self._per_term.values
        try:
            of_term[numbers] = list(asked.marks.values())
            yield of_term
        finally:
            of_term[numbers] = 0

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
