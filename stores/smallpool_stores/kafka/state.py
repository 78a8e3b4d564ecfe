"""What the owner of one partition knows of its items: a copy of the partition of `item-wide` in a SQLite file.

In: records of `item-wide`, from the log at the start and from the owner's own transactions later. Out: the wide table of these
items, and the place up to which it is right, so that a restart reads only the rest. A file of another topic, or one that cannot
be read, is thrown away: the log has it all.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from logging import getLogger
from pathlib import Path
from typing import TypeVar

import msgspec

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_core.items import WideItem
from smallpool_stores.kafka.clients import Record
from smallpool_stores.kafka.offsets import Identity
from smallpool_stores.sqlite.database import Database, translated
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable

_PLACE_TABLE = "CREATE TABLE IF NOT EXISTS copied (topic TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID"

T = TypeVar("T")

log = getLogger("smallpool.kafka")

encode_item = msgspec.msgpack.Encoder().encode


def decode_record(record: Record, kind: type[T]) -> T | None:
    """The item of a record; None, and a line in the log, for a record that a stranger wrote."""
    try:
        return msgspec.msgpack.decode(record.value, type=kind)
    except msgspec.MsgspecError as exc:
        log.warning("offset %d of partition %d of item-wide holds no item and is left out: %s", record.offset, record.partition, exc)
        return None


class _RecordTime:
    """The port `Clock` for a table that is told when each of its records was written."""

    def __init__(self) -> None:
        self.at = 0

    def now_ms(self) -> int:
        return self.at


class PartitionState:
    """The copy of one partition, for one thread. `place` is the offset of the newest record that it holds, -1 before the first."""

    def __init__(self, path: Path, identity: Identity) -> None:
        self._time = _RecordTime()
        self._topic = f"{identity.cluster}/{identity.topic}"
        self.database: Database = open_database(path)
        try:
            self.table = SqliteWideTable(self.database, self._time)
            self.place = self._kept_place()
        except BaseException:
            self.database.close()
            raise

    @contextmanager
    def atomic(self, at: int) -> Iterator[None]:
        """Records inside were written at `at` (ms); all of them are kept, with the place, or none."""
        self._time.at = at
        place = self.place
        try:
            with self.database.atomic():
                yield
        except BaseException:
            self.place = place
            raise

    def take_in(self, records: Sequence[Record]) -> None:
        """Takes in the next records of the log."""
        with self.atomic(0):
            for at, written_together in groupby(records, key=lambda record: record.at):
                self._time.at = at
                self.table.append(_newest(written_together))
            self.remember(records[-1].offset)

    def remember(self, place: int) -> None:
        """Everything up to this place of the log is in the table; to be called inside `atomic`."""
        self.place = place
        with translated("remember how far item-wide was copied"):
            self.database.connection.execute(
                "INSERT INTO copied VALUES (?, ?) ON CONFLICT DO UPDATE SET place = excluded.place", (self._topic, place)
            )

    def close(self) -> None:
        """Closes the file, which is kept."""
        self.database.close()

    def _kept_place(self) -> int:
        with translated(f"read {self.database.path}"):
            self.database.connection.execute(_PLACE_TABLE)
            kept = dict(self.database.connection.execute("SELECT topic, place FROM copied").fetchall())
        if kept and self._topic not in kept:
            raise StoreError(f"{self.database.path} is a copy of another topic")
        return int(kept.get(self._topic, -1))


def _newest(records: Iterable[Record]) -> list[WideItem]:
    """The newest record of each item."""
    newest: dict[str, WideItem] = {}
    for item in filter(None, (decode_record(record, WideItem) for record in records)):
        stored = newest.get(item.item_id)
        if stored is None or item.order > stored.order:
            newest[item.item_id] = item
    return list(newest.values())


def open_state(directory: Path, partition: int, identity: Identity) -> PartitionState:
    """The kept copy of the partition, or an empty one; raises `StoreUnavailable` or `StoreFull` where the disk does not serve."""
    path = directory / f"item-wide-{partition}.db"
    try:
        return PartitionState(path, identity)
    except (StoreUnavailable, StoreFull):
        raise
    except StoreError as exc:
        log.warning("%s is thrown away and made again from the log: %s", path, exc)
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        file.unlink(missing_ok=True)
    return PartitionState(path, identity)
