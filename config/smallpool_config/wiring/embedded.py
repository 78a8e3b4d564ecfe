"""Everything in one process and one SQLite file; the wide index lives in memory and is filled from the file."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from smallpool_config.wiring.system import Loaded, System
from smallpool_core.errors import StoreError
from smallpool_core.experiment_ports import ExperimentStore
from smallpool_core.linking import Links
from smallpool_core.market_ports import RepostIndex, SellerRecords
from smallpool_core.ports import (
    Atomic,
    EventLog,
    ItemLookup,
    ItemReader,
    ItemStats,
    ItemWriter,
    KeyStore,
    LiveView,
    People,
    PoolFigures,
    PoolStore,
    SeenList,
    TriggerStore,
    UserProfiles,
)
from smallpool_core.relation_ports import Relations
from smallpool_indexer.index import TailIndexer
from smallpool_indexer.write_path import Line, Worker
from smallpool_service.freshness import oldest_waiting_ms
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.listing import ListingRow
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.event_log import SqliteEventLog
from smallpool_stores.sqlite.experiments import SqliteExperimentStore
from smallpool_stores.sqlite.keys import SqliteKeyStore
from smallpool_stores.sqlite.links import SqliteLinks
from smallpool_stores.sqlite.lock import DirectoryLock, is_locked
from smallpool_stores.sqlite.people import SqlitePeople
from smallpool_stores.sqlite.pool_figures import SqlitePoolFigures
from smallpool_stores.sqlite.pools import SqlitePoolStore
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.reader import SqliteItemReader
from smallpool_stores.sqlite.relations import SqliteRelations
from smallpool_stores.sqlite.reposts import SqliteRepostIndex
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.seen import SqliteSeenList
from smallpool_stores.sqlite.sellers import SqliteSellerRecords
from smallpool_stores.sqlite.stats import SqliteItemStats
from smallpool_stores.sqlite.triggers import SqliteTriggerStore
from smallpool_stores.sqlite.wide_table import SqliteWideTable
from smallpool_stores.sqlite.wide_tail import SqliteWideTail

DATABASE_FILE = "smallpool.db"
LOADED_AT_ONCE = 5_000


class Embedded(System):
    """Everything in this process and one SQLite file; the wide index lives in memory and is filled from the file."""

    usual_batch = 64

    @cached_property
    def directory(self) -> Path:
        """The data directory, made if it is not there; raises `StoreError` if it cannot be made."""
        directory = Path(self.settings.store.directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StoreError(f"could not make the data directory {directory}: {exc.strerror}; choose another directory") from exc
        return directory

    @cached_property
    def database(self) -> Database:
        """The file."""
        return open_database(self.directory / DATABASE_FILE, synchronous=self.settings.store.synchronous)

    @cached_property
    def durable_database(self) -> Database:
        """The same, whose commits wait for the disk: for events that are acknowledged and changes that are answered for."""
        return open_database(self.directory / DATABASE_FILE, synchronous="full")

    @property
    def place(self) -> str:
        return str(self.settings.store.directory)

    @property
    def atomic(self) -> Atomic:
        return self.database

    @property
    def behaviour_atomic(self) -> Atomic:
        return self.database

    @cached_property
    def log(self) -> EventLog:
        return SqliteEventLog(self.database)

    @property
    def owned_log(self) -> EventLog:
        return self.log

    @cached_property
    def acknowledged_log(self) -> EventLog:
        return SqliteEventLog(self.durable_database)

    @cached_property
    def wide(self) -> SqliteWideTable:
        return SqliteWideTable(self.database, self.clock)

    @property
    def items(self) -> ItemLookup:
        return self.wide

    @cached_property
    def tail(self) -> SqliteWideTail:
        return SqliteWideTail(self.wide)

    @cached_property
    def tail_indexer(self) -> TailIndexer:
        return TailIndexer(
            self.tail,
            clock=self.clock,
            log=self.log,
            writer=self.writer,
            live_view=self.live_view,
            settings=self.settings.indexer,
            observer=self._observer,
        )

    @cached_property
    def columns(self) -> ColumnIndex:
        """The wide index in memory."""
        return ColumnIndex(*self.kept_vectors)

    @property
    def item_rows(self) -> ItemRows:
        return self.columns.rows

    @property
    def writer(self) -> ItemWriter:
        return self.columns

    @cached_property
    def reader(self) -> ItemReader:
        return SqliteItemReader(self.columns, self.wide)

    @property
    def live_view(self) -> LiveView:
        return self.columns.live_view

    @cached_property
    def seen(self) -> SeenList:
        return SqliteSeenList(self.database)

    @cached_property
    def triggers(self) -> TriggerStore:
        return SqliteTriggerStore(self.database)

    @property
    def forgetter(self) -> None:
        return None

    @cached_property
    def profiles(self) -> UserProfiles:
        return SqliteUserProfiles(self.database)

    @cached_property
    def people(self) -> People:
        return SqlitePeople(self.database)

    @cached_property
    def links(self) -> Links:
        return SqliteLinks(self.database, self.settings.behaviour)

    @cached_property
    def stats(self) -> ItemStats:
        return SqliteItemStats(self.database, half_life_hours=self.settings.statistics.popularity_half_life_h)

    @cached_property
    def repost_index(self) -> RepostIndex:
        return SqliteRepostIndex(self.database, kept_s=self.settings.reposts.kept_s)

    @property
    def sellers_atomic(self) -> Atomic:
        return self.database

    @cached_property
    def seller_records(self) -> SellerRecords:
        return SqliteSellerRecords(self.database, kept_s=self.settings.sellers.kept_s)

    @cached_property
    def pool_figures(self) -> PoolFigures:
        return SqlitePoolFigures(self.database)

    @cached_property
    def relations(self) -> Relations:
        return SqliteRelations(self.database)

    @cached_property
    def pools(self) -> PoolStore:
        return SqlitePoolStore(self.durable_database)

    @cached_property
    def experiment_store(self) -> ExperimentStore:
        return SqliteExperimentStore(self.durable_database)

    @cached_property
    def keys(self) -> KeyStore:
        return SqliteKeyStore(self.durable_database)

    @property
    def directory_kept(self) -> Path:
        return Path(self.settings.store.directory)

    @property
    def first_step(self) -> str:
        return "begin with `smallpool publish FILE` or `smallpool serve`, or name another directory with --data DIR"

    def amiss(self) -> Mapping[str, Callable[[], Sequence[str]]]:
        def look() -> Sequence[str]:
            self.pools.epoch()
            return ()

        return {"store": look}

    @property
    def rebuild(self) -> None:
        return None

    def sync(self, *, from_start: bool) -> None:
        return None

    def has_data(self) -> bool:
        return (Path(self.settings.store.directory) / DATABASE_FILE).exists()

    def init(self) -> None:
        self.database.connection  # noqa: B018, opening it makes what is missing

    def begin(self) -> None:
        self.init()

    def discard(self) -> None:
        self.close()
        for file in self.directory.glob(f"{DATABASE_FILE}*"):
            file.unlink()

    def own_serving(self) -> DirectoryLock:
        return self.own_write_path()

    def own_write_path(self) -> DirectoryLock:
        return DirectoryLock(self.directory)

    def has_writer(self) -> bool:
        return is_locked(self.directory)

    def _load(self, loaded: Loaded | None) -> None:
        end = self.wide.newest()
        while rows := self.tail.skim(LOADED_AT_ONCE, ListingRow):
            self.columns.live_view.load(rows)
            if loaded is not None:
                loaded(sum(self.tail.place().values()), end)
        self.columns.settle()

    def load_write_path(self, loaded: Loaded | None = None) -> None:
        self.load(loaded)

    def serving_lines(self) -> Sequence[Line]:
        # A line of its own, because the receiver of alerts may take its time.
        return [*self.write_lines(), [Worker("figures of pools", self.watch_pools), self.relating], *self.vector_line()]

    def write_lines(self) -> Sequence[Line]:
        # One thread: the file has one writer at a time, and what waits for one worker waits for all.
        return [[*(worker for line in self.write_path.lines for worker in line), Worker("counts of pools", self.count_sender.turn)]]

    def whole_lines(self) -> Sequence[Line]:
        return [*self.write_lines(), *self.vector_line()]

    def begin_serving(self) -> None:
        """What is asked for lies in the file, and is read there each time."""

    def checks(self) -> Mapping[str, Callable[[], str | None]]:
        return {}

    def silent_s(self) -> Mapping[str, float]:
        return {}

    def data_age_ms(self) -> int:
        return self.oldest_waiting_ms()

    def oldest_waiting_ms(self) -> int:
        return oldest_waiting_ms(self.log, self.clock.now_ms())

    def upkeep(self) -> None:
        self.refresh_models()
        self.database.checkpoint()

    def close(self) -> None:
        self.end_assistants()
        if "counter" in self.__dict__:
            self.count_sender.send()
        for name in ("database", "durable_database"):
            if name in self.__dict__:
                self.__dict__[name].close()
