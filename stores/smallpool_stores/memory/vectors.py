"""Learned vectors beside the rows: those of the model in force, those of a model that is gathered to take its place.

In: listings as rows are born, changed and buried. Out: the vectors of one model, by row; which model is in force.

A new model comes item by item, as stored listings are embedded anew, and is of use only when it has them all: so its vectors are gathered
beside the others, and change places with them between two questions. An item whose record brings a vector of one model keeps that of the
other meanwhile.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

import numpy as np

from smallpool_core.errors import VectorRefused
from smallpool_core.source_ports import REPLACED_KEPT_S
from smallpool_core.vectors import check_stored
from smallpool_stores.memory.arrays import FIRST_CAPACITY, Column, RowList
from smallpool_stores.memory.category_rows import CategoryRows
from smallpool_stores.memory.gone import REMEMBERED, Gone
from smallpool_stores.memory.listing import Listing
from smallpool_stores.memory.vector_generation import VectorGeneration

MOST_KEPT: Final = 3
"""Models of which vectors are gathered at once; of a further one only when the smallest that is not in force is let go."""
FEWEST_DIMENSIONS: Final = 2
_HAS: Final = (1 << MOST_KEPT) - 1
"""The bits that say which generations a row has a vector of."""

log = logging.getLogger("smallpool.vectors")


class Kept(NamedTuple):
    """How many items have a vector of a model, and what becomes of these."""

    model: str
    dimensions: int
    items: int
    state: Literal["in force", "gathered", "replaced"]


class VectorColumns:
    """The rows' vectors beside their other columns, under the same lock. `now_s` counts seconds from anywhere.

    Until somebody asks which model is in force it is the one of which most items have a vector: what a start loads may come in any order.
    A vector that is none is not kept, counted in `refused`, and costs its item nothing else.
    """

    def __init__(self, remembered: int = REMEMBERED, now_s: Callable[[], float] = time.monotonic) -> None:
        self.categories = CategoryRows()
        self.refused = 0
        self._slots: list[VectorGeneration | None] = [None] * MOST_KEPT
        self._in_force: int | None = None
        self._was_asked = False
        self._replaced: VectorGeneration | None = None
        self._replaced_until = 0.0
        self._capacity = FIRST_CAPACITY
        # Of each row, and of each item that left, a bit for each generation that it has a vector of, and above these the slot of the one
        # that its newest record brought; and how many rows have which bits.
        self._bits = Column(np.uint8)
        self._gone_bits = bytearray(remembered)
        self._counts = [0] * (MOST_KEPT << MOST_KEPT)
        self._gone = Gone(remembered)
        self._now_s = now_s

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        self._capacity = capacity
        self._bits.grow(capacity)
        self.categories.grow(capacity)
        for generation in self._living():
            generation.grow(capacity)

    def put(self, row: int, item: Listing) -> None:
        """The row, which has none, begins to have the item's vector; and those of other models that the item had before."""
        self.categories.put(row, item.category)
        place = self._gone.take_back(item.item_id)
        if place is not None:
            for generation in self._living():
                generation.bring_back(row, place)
            self._mark(row, self._gone_bits[place])
        self._embed(row, item)

    def change(self, row: int, item: Listing) -> None:
        """The row has the vector of the item's newer record."""
        self.categories.change(row, item.category)
        self._embed(row, item)

    def clear(self, row: int, item_id: str) -> None:
        """The row has no vector any more; what it had is remembered of the item."""
        self.categories.clear(row)
        place = self._gone.put(item_id)
        self._gone_bits[place] = self._bits.cells[row]
        for generation in self._living():
            generation.bury(row, place)
        self._mark(row, 0)
        self._switch_if_complete()

    def left(self, item: Listing) -> None:
        """The vector that an item left with is remembered, unless something is remembered of it: a start reads what was sold before it."""
        if self._gone.find(item.item_id) is not None:
            return
        slot = self._slot_for(item, begins=not self._was_asked and None in self._slots)
        if slot is None:
            return
        place = self._gone.put(item.item_id)
        self._gone_bits[place] = 1 << slot | slot << MOST_KEPT
        for generation in self._living():
            generation.remember(place, item.vector if generation is self._slots[slot] else b"")

    def lists(self) -> Iterable[RowList]:
        """The rows of each category."""
        return self.categories.lists()

    @property
    def in_force(self) -> VectorGeneration | None:
        """The vectors that are searched; None while no item has any."""
        if not self._was_asked:
            self._was_asked = True
            counts = [self._count(slot) for slot in range(MOST_KEPT)]
            if any(counts):
                self._in_force = counts.index(max(counts))
                for slot in [slot for slot, count in enumerate(counts) if not count]:
                    self._let_go(slot)  # of what was sold alone
        return None if self._in_force is None else self._slots[self._in_force]

    def of(self, model: str) -> VectorGeneration:
        """The vectors of the model in force, or of the one that it replaced a moment ago; raises `VectorRefused` for any other."""
        for generation in (self.in_force, self._replaced):
            if generation is not None and generation.model == model:
                return generation
        found = self.in_force
        holds = "no item has a vector yet" if found is None else f"the index holds those of {found.model!r}"
        raise VectorRefused(f"the vectors are of model {model!r}, {holds}: make them anew")

    def place_of_gone(self, item_id: str) -> int | None:
        """Where the vectors of an item that left lately are, None where it did not or is forgotten."""
        return self._gone.find(item_id)

    def kept(self) -> list[Kept]:
        """What is kept of each model."""
        found = [
            Kept(generation.model, generation.dimensions, self._count(slot), "in force" if slot == self._in_force else "gathered")
            for slot, generation in enumerate(self._slots)
            if generation is not None
        ]
        replaced = self._replaced
        return found if replaced is None else [*found, Kept(replaced.model, replaced.dimensions, 0, "replaced")]

    def _embed(self, row: int, item: Listing) -> None:
        if self._replaced is not None and self._now_s() >= self._replaced_until:
            self._replaced = None
        slot = self._slot_for(item, begins=True)
        if slot is None:
            self._forget(row)
            return
        if self._in_force is None:
            self._in_force = slot
        generation, bit = self._slots[slot], 1 << slot
        if generation is not None:
            generation.put(row, item.vector)
        self._mark(row, self._bits.cells[row] & _HAS | bit | slot << MOST_KEPT)
        self._switch_if_complete()

    def _forget(self, row: int) -> None:
        """What changed and has no vector now is like nothing, by any model."""
        if self._bits.cells[row]:
            for generation in self._living():
                generation.clear(row)
            self._mark(row, 0)
            self._switch_if_complete()

    def _slot_for(self, item: Listing, *, begins: bool) -> int | None:
        """Where the item's vector goes; None where it has none that could, or one of a model that is not kept and is not to begin."""
        model, vector = item.vector_model, item.vector
        if not (model and vector):
            return None
        slots = [slot for slot, generation in enumerate(self._slots) if generation is not None and generation.model == model]
        known = self._slots[slots[0]] if slots else None
        try:
            check_stored(vector, model, max(FEWEST_DIMENSIONS, len(vector)) if known is None else known.dimensions)
        except VectorRefused as exc:
            self.refused += 1
            log.warning("could not keep a vector of the item %r: %s", item.item_id, exc)
            return None
        if slots:
            return slots[0]
        return self._begin(model, len(vector)) if begins else None

    def _begin(self, model: str, dimensions: int) -> int:
        """Makes room for the vectors of another model."""
        kept = [slot for slot in range(MOST_KEPT) if self._slots[slot] is not None]
        free = [slot for slot in range(MOST_KEPT) if self._slots[slot] is None]
        slot = free[0] if free else min([slot for slot in kept if slot != self._in_force], key=self._count)
        self._let_go(slot)
        self._slots[slot] = VectorGeneration(model, dimensions, self._capacity, self._gone.size)
        return slot

    def _let_go(self, slot: int) -> None:
        self._slots[slot] = None
        if self._count(slot):
            self._bits.values &= np.uint8(0xFF ^ 1 << slot)
            self._counts = np.bincount(self._bits.values, minlength=len(self._counts)).tolist()
            self._counts[0] = 0
        self._gone_bits = bytearray((np.frombuffer(self._gone_bits, np.uint8) & np.uint8(0xFF ^ 1 << slot)).tobytes())

    def _switch_if_complete(self) -> None:
        """Puts another model in force as soon as no row has a vector of the one in force alone, and more rows had one of the other last:
        rows that a start loads may have vectors of a model that is being replaced, to which nothing is to go back.
        """
        if self._in_force is None or not self._was_asked:
            return
        for slot, generation in enumerate(self._slots):
            if generation is not None and self._newest(slot) > self._newest(self._in_force) and not self._lacking(slot):
                log.info("vectors of %s are in force, of %d items", generation.model, self._count(slot))
                self._replaced, self._replaced_until = self._slots[self._in_force], self._now_s() + REPLACED_KEPT_S
                self._let_go(self._in_force)
                self._in_force = slot
                return

    def _count(self, slot: int) -> int:
        """How many rows have a vector of this generation."""
        return sum([count for bits, count in enumerate(self._counts) if bits >> slot & 1])

    def _newest(self, slot: int) -> int:
        """How many rows have a vector of this generation by their newest record."""
        return sum([count for bits, count in enumerate(self._counts) if bits >> slot & 1 and bits >> MOST_KEPT == slot])

    def _lacking(self, slot: int) -> int:
        """How many rows have a vector of the generation in force and none of this one."""
        asked, had = 1 << slot, 1 << (self._in_force or 0)
        return sum([count for bits, count in enumerate(self._counts) if bits & had and not bits & asked])

    def _mark(self, row: int, bits: int) -> None:
        before = self._bits.cells[row]
        if bits != before:
            self._counts[before] -= 1 if before else 0
            self._counts[bits] += 1 if bits else 0
            self._bits.cells[row] = bits

    def _living(self) -> Iterable[VectorGeneration]:
        """Every generation that rows have vectors of."""
        return [generation for generation in (*self._slots, self._replaced) if generation is not None]
