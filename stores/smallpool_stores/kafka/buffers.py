"""What was read of a topic and not yet passed, by partition: bounded, and handed out again until it is passed.

In: records as a consumer reads them, and the place that it has come to. Out: the next ones, of one partition at a time or of all.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from smallpool_stores.kafka.clients import Record

_OVERHEAD_BYTES = 300
"""What a small record takes in memory beside its value."""


class _Stretch:
    """One partition: the records that wait, and the place up to which everything was read (markers of transactions included)."""

    __slots__ = ("floor", "high", "nbytes", "reached", "records")

    def __init__(self, place: int) -> None:
        self.records: deque[Record] = deque()
        self.nbytes = 0
        self.floor = self.reached = self.high = place

    def place_after(self, offset: int) -> int:
        """The place once `offset` is passed: further where only markers follow."""
        return next((record.offset - 1 for record in self.records if record.offset > offset), max(self.reached, offset))

    def add(self, record: Record) -> None:
        if record.offset > self.floor:
            self.records.append(record)
            self.nbytes += _size(record)

    def drop_upto(self, offset: int) -> None:
        self.floor = max(self.floor, offset)
        while self.records and self.records[0].offset <= offset:
            self.nbytes -= _size(self.records.popleft())


class Buffers:
    """Safe with threads: one reads, any others take and ask. A partition that is not open takes nothing and gives nothing."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._stretches: dict[int, _Stretch] = {}
        self._turn = -1
        self._lock = threading.Lock()

    def open(self, partition: int, place: int) -> None:
        """Begins the partition after `place`, with nothing read."""
        with self._lock:
            self._stretches[partition] = _Stretch(place)

    def close(self, partition: int) -> None:
        """Forgets the partition and what waits of it."""
        with self._lock:
            self._stretches.pop(partition, None)

    def clear(self) -> None:
        """Closes all."""
        with self._lock:
            self._stretches.clear()

    def extend(self, partition: int, records: Sequence[Record], reached: int, high: int) -> None:
        """Takes in what was read: `reached` is the place that reading has come to, `high` that of the newest record known."""
        with self._lock:
            stretch = self._stretches.get(partition)
            if stretch is not None:
                for record in records:
                    stretch.add(record)
                stretch.reached = max(stretch.reached, reached)
                stretch.high = max(stretch.high, high)

    def take(self, limit: int) -> list[Record]:
        """The next records of the partition whose turn it is; its turn ends when some of it is passed."""
        with self._lock:
            waiting = self._in_turn()
            if not waiting:
                return []
            self._turn = waiting[0]
            return self._first(self._turn, limit)

    def take_all(self, limit: int) -> list[Record]:
        """The next records of all partitions, those of one together and in their order, the one first whose turn it is."""
        with self._lock:
            taken: list[Record] = []
            for partition in self._in_turn():
                taken += self._first(partition, limit - len(taken))
            if taken:
                self._turn = taken[0].partition
            return taken

    def place_after(self, partition: int, offset: int) -> int:
        """The partition's place once `offset` is passed, which lies further where only markers follow."""
        with self._lock:
            stretch = self._stretches.get(partition)
            return offset if stretch is None else stretch.place_after(offset)

    def passed(self, partition: int, offset: int) -> None:
        """Forgets records up to `offset`, and hands out none of them should they be read again."""
        with self._lock:
            if partition == self._turn:
                self._turn += 1
            stretch = self._stretches.get(partition)
            if stretch is not None:
                stretch.drop_upto(offset)

    def remove(self, records: Iterable[Record]) -> None:
        """Forgets these and leaves their neighbours."""
        gone = {(record.partition, record.offset) for record in records}
        with self._lock:
            for partition, stretch in self._stretches.items():
                kept = [record for record in stretch.records if (partition, record.offset) not in gone]
                stretch.records = deque(kept)
                stretch.nbytes = sum(map(_size, kept))

    def places(self) -> dict[int, int]:
        """How far each open partition was passed: everything up to there has had its effect, or was a marker."""
        with self._lock:
            return {partition: stretch.place_after(stretch.floor) for partition, stretch in self._stretches.items()}

    def waiting(self) -> int:
        """Offsets between what was passed and the newest record known."""
        with self._lock:
            return sum(max(0, stretch.high - stretch.place_after(stretch.floor)) for stretch in self._stretches.values())

    def crowded(self) -> tuple[set[int], set[int]]:
        """Partitions that should be read no further for now, and those that have room again."""
        with self._lock:
            share = self._max_bytes // max(1, len(self._stretches))
            full = {partition for partition, stretch in self._stretches.items() if stretch.nbytes > share}
            return full, {partition for partition, stretch in self._stretches.items() if stretch.nbytes <= share // 2}

    def _in_turn(self) -> list[int]:
        """The partitions that have records waiting, beginning with the one whose turn it is."""
        waiting = sorted(partition for partition, stretch in self._stretches.items() if stretch.records)
        return [*[one for one in waiting if one >= self._turn], *[one for one in waiting if one < self._turn]]

    def _first(self, partition: int, limit: int) -> list[Record]:
        return list(islice(self._stretches[partition].records, limit))


def _size(record: Record) -> int:
    return len(record.value) + len(record.key) + _OVERHEAD_BYTES
