"""Reading `item-wide` to a place that is known beforehand: for a full sync, and for the incremental one alone.

In: a tail, where it is to come to. Out: everything up to there has had its effect.
"""

from collections.abc import Callable

from smallpool_core.places import Places, behind, has_reached
from smallpool_core.ports import ItemWriter, WideTail
from smallpool_core.versions import packed
from smallpool_indexer.index import TailIndexer

Show = Callable[[int, int], None]
"""Told how far long work has come: records passed, and how many there are."""
Wait = Callable[[], None]
"""Lets a moment pass in which nothing has come."""


def read_to(end: Places, tail: WideTail, step: Callable[[], int], wait: Wait, show: Show) -> None:
    """Steps, each passing some records or none, until the tail has come to `end`."""
    total = behind({}, end)
    while not has_reached(tail.place(), end):
        if not step():
            wait()
        show(total - behind(tail.place(), end), total)


class Replay:
    """One pass of the tail into one writer. `newest` keeps of each item the newest order that the writer took, as `packed` has it:
    some 200 bytes an item. `refused` has the reasons of those records that it will never take; the tail that fed the index first
    made dead letters of them.
    """

    def __init__(self, tail: WideTail, writer: ItemWriter, size: int) -> None:
        self.tail = tail
        self.newest: dict[str, int] = {}
        self.refused: dict[str, str] = {}
        self.records = 0
        self._writer = writer
        self._size = size

    def step(self) -> int:
        """Writes the next records; returns how many."""
        records = self.tail.poll(self._size)
        if records:
            refused = dict(self._writer.index([record.item for record in records]).refused)
            for item in (record.item for record in records if record.item.item_id not in refused):
                self.newest[item.item_id] = max(packed(*item.order), self.newest.get(item.item_id, -1))
            self.refused |= refused
            self.tail.passed(records)
            self.records += len(records)
        return len(records)


class Sync:
    """The incremental sync by itself: the tail of `item-wide` into the index that serves, whoever owns the items."""

    def __init__(self, indexer: TailIndexer, writer: ItemWriter, end: Callable[[], Places]) -> None:
        self._indexer = indexer
        self._writer = writer
        self._end = end

    def catch_up(self, wait: Wait, show: Show) -> int:
        """Everything recorded until now is in the index, and seen by every question, when this returns; how many records that took."""
        count = 0

        def step() -> int:
            nonlocal count
            taken = self._indexer.run_once()
            count += taken
            return taken

        read_to(self._end(), self._indexer.tail, step, wait, show)
        self._writer.refresh()
        return count

    def turn(self) -> bool:
        """Makes the next records recallable; whether there were any."""
        return self._indexer.run_once() > 0
