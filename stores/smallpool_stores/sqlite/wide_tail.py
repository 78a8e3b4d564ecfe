"""The tail of the wide table in SQLite, for one reader: the place it has come to lives in memory, as what it feeds does.

In: the wide table. Out: its records in the order of their writes.
"""

from collections.abc import Sequence
from typing import TypeVar

from smallpool_core.items import WideRecord
from smallpool_core.places import Places
from smallpool_stores.sqlite.event_log import PARTITION
from smallpool_stores.sqlite.wide_table import SqliteWideTable

T = TypeVar("T")


class SqliteWideTail:
    """The port `WideTail`, from the table's beginning."""

    def __init__(self, table: SqliteWideTable) -> None:
        self._table = table
        self._offset = -1

    def poll(self, limit: int) -> list[WideRecord]:
        return self._table.tail(self._offset, limit)

    def passed(self, records: Sequence[WideRecord]) -> None:
        self._offset = max([self._offset, *(record.offset for record in records)])

    def place(self) -> Places:
        return {PARTITION: self._offset}

    def is_behind(self) -> bool:
        return self._offset < self._table.newest()

    def skim(self, limit: int, kind: type[T]) -> list[T]:
        """`poll` and `passed` in one, each record decoded into a Struct of the caller's, for a start at which nobody asks yet."""
        rows = self._table.tail_as(self._offset, limit, kind)
        if rows:
            self._offset = rows[-1][0]
        return [row for _, row in rows]
