"""The composition root: which adapter stands behind which port, and what each pipeline is made of.

In: settings and a clock. Out: a `System`. It builds each part when it is first asked for, so that `smallpool pools list`
loads no dictionary. The pipelines are the same in every wiring; a wiring only says where the ports lead.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from smallpool_config.clock import SystemClock
from smallpool_config.settings import Settings
from smallpool_core.catalogue import Catalogue
from smallpool_core.errors import StoreUnavailable
from smallpool_core.ports import (
    Atomic,
    Clock,
    EventLog,
    ItemReader,
    ItemStats,
    ItemWriter,
    KeyStore,
    LiveView,
    PoolStore,
    SeenList,
    TriggerStore,
    UserProfiles,
    WideTable,
)
from smallpool_indexer.assign import Assigner
from smallpool_indexer.backfill import Backfill, Progress
from smallpool_indexer.index import Indexes
from smallpool_indexer.pipeline import Indexer
from smallpool_indexer.record import Recorder
from smallpool_indexer.sweep import Sweeper
from smallpool_indexer.user_events import UserEventConsumer
from smallpool_indexer.write_path import Workers, WritePath
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge
from smallpool_service.freshness import data_age_ms
from smallpool_service.metrics import Metrics
from smallpool_service.recaller import Recaller
from smallpool_service.run import ReadPorts
from smallpool_service.trace import Observer
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.listing import ListingRow
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.event_log import SqliteEventLog
from smallpool_stores.sqlite.keys import SqliteKeyStore
from smallpool_stores.sqlite.lock import DirectoryLock, is_locked
from smallpool_stores.sqlite.pools import SqlitePoolStore
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.reader import SqliteItemReader
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.seen import SqliteSeenList
from smallpool_stores.sqlite.stats import SqliteItemStats
from smallpool_stores.sqlite.triggers import SqliteTriggerStore
from smallpool_stores.sqlite.wide_table import SqliteWideTable

DATABASE_FILE = "smallpool.db"
LOADED_AT_ONCE = 5_000
Loaded = Callable[[int, int], None]
"""Called while the index is filled at the start: the place reached in the wide table, and its end."""


class System(ABC):
    """Ports by name, and the pipelines over them. One thread may turn the write path while another serves."""

    def __init__(self, settings: Settings, clock: Clock | None = None, observer: Observer | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self._observer = observer or self.metrics
        self.backfill_progress: Callable[[Progress], None] | None = None

    @property
    @abstractmethod
    def atomic(self) -> Atomic:
        """Joins writes of one store."""

    @property
    @abstractmethod
    def log(self) -> EventLog:
        """The event log of the pipelines."""

    @property
    @abstractmethod
    def acknowledged_log(self) -> EventLog:
        """The same log, where an append returns only when it is safe from a power cut: what callers are acknowledged from."""

    @property
    @abstractmethod
    def wide(self) -> WideTable:
        """The wide table."""

    @property
    @abstractmethod
    def writer(self) -> ItemWriter:
        """The wide index, writing side."""

    @property
    @abstractmethod
    def reader(self) -> ItemReader:
        """The wide index, reading side."""

    @property
    @abstractmethod
    def live_view(self) -> LiveView:
        """What is on sale."""

    @property
    @abstractmethod
    def seen(self) -> SeenList:
        """The seen lists."""

    @property
    @abstractmethod
    def triggers(self) -> TriggerStore:
        """Behaviour by person."""

    @property
    @abstractmethod
    def profiles(self) -> UserProfiles:
        """Profiles by person."""

    @property
    @abstractmethod
    def stats(self) -> ItemStats:
        """Statistics of items."""

    @property
    @abstractmethod
    def pools(self) -> PoolStore:
        """The pools."""

    @property
    @abstractmethod
    def keys(self) -> KeyStore:
        """The API keys."""

    @abstractmethod
    def own_write_path(self) -> AbstractContextManager[object]:
        """Makes this process the only one that turns the write path, while the block lasts; raises `DirectoryLocked` if another is."""

    @abstractmethod
    def has_writer(self) -> bool:
        """Whether some process turns the write path now."""

    @abstractmethod
    def load(self, loaded: Loaded | None = None) -> None:
        """Fills what lives in memory from the wide table, up to its end; to be called before the first recall."""

    @abstractmethod
    def checkpoint(self) -> None:
        """What a store in this process wants done about once a second, in a thread that nobody waits for."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of every store."""

    @cached_property
    def knowledge(self) -> KnowledgeBase:
        """The domain knowledge base."""
        return load_knowledge(self.settings.knowledge.path)

    @cached_property
    def understander(self) -> KnowledgeUnderstander:
        """What makes sense of titles."""
        return KnowledgeUnderstander(self.knowledge)

    def new_catalogue(self) -> Catalogue:
        """The pools, for one thread."""
        return Catalogue(self.pools, self.knowledge.attributes, split_words=self._split_words)

    def _split_words(self, text: str) -> tuple[str, ...]:
        return self.understander.split_words(text)  # loaded when a rule first needs it

    @cached_property
    def catalogue(self) -> Catalogue:
        """The pools as the serving thread knows them."""
        return self.new_catalogue()

    @cached_property
    def read_ports(self) -> ReadPorts:
        """What the read path asks."""
        return ReadPorts(
            catalogue=self.catalogue,
            reader=self.reader,
            live=self.live_view,
            seen=self.seen,
            triggers=self.triggers,
            profiles=self.profiles,
            stats=self.stats,
            log=self.log,
            clock=self.clock,
        )

    @cached_property
    def recaller(self) -> Recaller:
        """The read path."""
        return Recaller(
            self.read_ports,
            settings=self.settings.read,
            behaviour=self.settings.behaviour,
            observer=self._observer,
            data_age_ms=lambda: data_age_ms(self.log, self.clock.now_ms()),
        )

    @cached_property
    def _writing_catalogue(self) -> Catalogue:
        return self.new_catalogue()

    @cached_property
    def _assigner(self) -> Assigner:
        return Assigner(self._writing_catalogue)

    @cached_property
    def indexer(self) -> Indexer:
        """The consumer of item events."""
        return Indexer(
            clock=self.clock,
            log=self.log,
            wide=self.wide,
            understander=self.understander,
            assigner=self._assigner,
            recorder=Recorder(self.atomic, self.log, self.wide, self.stats),
            indexes=Indexes(self.writer, self.live_view),
            settings=self.settings.indexer,
            observer=self._observer,
        )

    @cached_property
    def user_events(self) -> UserEventConsumer:
        """The consumer of user events."""
        return UserEventConsumer(
            clock=self.clock,
            atomic=self.atomic,
            log=self.log,
            wide=self.wide,
            triggers=self.triggers,
            stats=self.stats,
            understander=self.understander,
            behaviour=self.settings.behaviour,
            settings=self.settings.indexer,
            observer=self._observer,
        )

    @cached_property
    def backfill(self) -> Backfill:
        """What brings stored items in line with changed pools."""
        return Backfill(
            clock=self.clock,
            catalogue=self._writing_catalogue,
            assigner=self._assigner,
            log=self.log,
            wide=self.wide,
            live_view=self.live_view,
            pools=self.pools,
            settings=self.settings.indexer,
            progress=self.backfill_progress,
        )

    @cached_property
    def write_path(self) -> WritePath:
        """The whole write path, for the one thread that turns it."""
        sweeper = Sweeper(log=self.log, wide=self.wide, settings=self.settings.indexer)
        return WritePath(self.clock, Workers(self.indexer, self.user_events, self.backfill, sweeper))


class Embedded(System):
    """Everything in this process and one SQLite file; the wide index lives in memory and is filled from the file."""

    @cached_property
    def directory(self) -> Path:
        """The data directory, made if it is not there; raises `StoreUnavailable` if it cannot be made."""
        directory = Path(self.settings.store.directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StoreUnavailable(f"could not make the data directory {directory}: {exc.strerror}; choose another directory") from exc
        return directory

    @cached_property
    def database(self) -> Database:
        """The file."""
        return open_database(self.directory / DATABASE_FILE, synchronous=self.settings.store.synchronous)

    @cached_property
    def _durable_database(self) -> Database:
        return open_database(self.directory / DATABASE_FILE, synchronous="full")

    @property
    def atomic(self) -> Atomic:
        return self.database

    @cached_property
    def log(self) -> EventLog:
        return SqliteEventLog(self.database)

    @cached_property
    def acknowledged_log(self) -> EventLog:
        return SqliteEventLog(self._durable_database)

    @cached_property
    def wide(self) -> SqliteWideTable:
        return SqliteWideTable(self.database, self.clock)

    @cached_property
    def columns(self) -> ColumnIndex:
        """The wide index in memory."""
        return ColumnIndex()

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

    @cached_property
    def profiles(self) -> UserProfiles:
        return SqliteUserProfiles(self.database)

    @cached_property
    def stats(self) -> ItemStats:
        return SqliteItemStats(self.database, half_life_hours=self.settings.statistics.popularity_half_life_h)

    @cached_property
    def pools(self) -> PoolStore:
        return SqlitePoolStore(self.database)

    @cached_property
    def keys(self) -> KeyStore:
        return SqliteKeyStore(self.database)

    def own_write_path(self) -> DirectoryLock:
        return DirectoryLock(self.directory)

    def has_writer(self) -> bool:
        return is_locked(self.directory)

    def load(self, loaded: Loaded | None = None) -> None:
        end = self.wide.end()
        while rows := self.wide.tail_as(self.columns.live_view.seq(), LOADED_AT_ONCE, ListingRow):
            self.columns.live_view.load([row for _, row in rows], rows[-1][0])
            if loaded is not None:
                loaded(rows[-1][0], end)

    def checkpoint(self) -> None:
        self.database.checkpoint()

    def close(self) -> None:
        for name in ("database", "_durable_database"):
            if name in self.__dict__:
                self.__dict__[name].close()


WIRINGS: dict[str, type[System]] = {"embedded": Embedded}


def open_system(settings: Settings, clock: Clock | None = None, observer: Observer | None = None) -> System:
    """The system that the settings ask for; opens nothing yet. `observer` takes the figures instead of `System.metrics`."""
    return WIRINGS[settings.wiring](settings, clock, observer)
