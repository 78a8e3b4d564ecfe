"""Rows of whole numbers of different lengths, on the disk while they are written and mapped into memory when they are read.

In: rows, one after another. Out: any of them by its number; what is not looked at takes no memory.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
_AT_ONCE = 1 << 16


class Ragged(Struct, frozen=True):
    """Row i is `values[starts[i]:starts[i + 1]]`; `values` is int32, `starts` int64 and one longer than there are rows."""

    values: NDArray[np.int32]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        return self.values[self.starts[row] : self.starts[row + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self[row] for row in range(len(self)))

    @property
    def lengths(self) -> Numbers:
        """(rows,) int64."""
        return np.diff(self.starts)

    def padded(self, rows: Numbers, width: int, *, last: bool = False) -> Numbers:
        """(rows, width) int64: the first, or the `last`, numbers of each of these rows from the left on, 0 behind them."""
        counts = np.minimum(self.starts[rows + 1] - self.starts[rows], width)
        begins = self.starts[rows + 1] - counts if last else self.starts[rows]
        places = np.arange(width)
        inside = places < counts[:, None]
        found = np.zeros((len(rows), width), dtype=np.int64)
        found[inside] = self.values[(begins[:, None] + places)[inside]]
        return found


class RaggedWriter:
    """Takes rows in and gives the whole once; what is written lies in a file without a name, which goes with the last reader."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file: IO[bytes] = TemporaryFile(dir=folder, prefix="smallpool-rows-")  # noqa: SIM115  it goes with its last reader
        self._starts = [0]
        self._pending: list[NDArray[np.int32]] = []
        self._waiting = 0

    def add(self, row: Iterable[int] | NDArray[np.int32]) -> None:
        """Adds a row at the end."""
        numbers = np.asarray(row if isinstance(row, np.ndarray) else list(row), dtype=np.int32)
        self._pending.append(numbers)
        self._waiting += len(numbers)
        self._starts.append(self._starts[-1] + len(numbers))
        if self._waiting >= _AT_ONCE:
            self._write()

    def done(self) -> Ragged:
        """All rows; nothing can be added after that."""
        self._write()
        self._file.flush()
        starts = np.array(self._starts, dtype=np.int64)
        values = np.memmap(self._file, dtype=np.int32, mode="r") if starts[-1] else np.zeros(0, dtype=np.int32)
        self._file.close()
        return Ragged(values, starts)

    def __del__(self) -> None:
        self._file.close()

    def _write(self) -> None:
        for numbers in self._pending:
            self._file.write(numbers.tobytes())
        self._pending.clear()
        self._waiting = 0


def ragged(rows: Iterable[Iterable[int]], folder: Path | None = None) -> Ragged:
    """The rows."""
    writer = RaggedWriter(folder)
    for row in rows:
        writer.add(row)
    return writer.done()
