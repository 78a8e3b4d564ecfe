"""What every wiring is made of: ports by name, and the pipelines over them.

In: settings and a clock. Out: a `System`, which builds each part when it is first asked for, so that `smallpool pools list` loads no
dictionary. The pipelines are the same in every wiring; a wiring only says where the ports lead.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from smallpool_config.clock import SystemClock
from smallpool_config.settings import Settings
from smallpool_config.wiring.applies_behaviour import AppliesBehaviour
from smallpool_config.wiring.finds_alike import GRAPH, FindsAlike
from smallpool_config.wiring.judges_listings import JudgesListings
from smallpool_config.wiring.means_words import MeansWords
from smallpool_config.wiring.relates_items import RELATING, RelatesItems
from smallpool_config.wiring.runs_experiments import RunsExperiments
from smallpool_config.wiring.watches_pools import WatchesPools
from smallpool_core.catalogue import Catalogue
from smallpool_core.ports import (
    Atomic,
    Clock,
    EventLog,
    ItemLookup,
    ItemStats,
    ItemWriter,
    KeyStore,
    People,
    PoolStore,
    SeenList,
    UserProfiles,
    WideTable,
)
from smallpool_indexer.assign import Assigner
from smallpool_indexer.backfill import Backfill, Progress
from smallpool_indexer.forget import Forgetter
from smallpool_indexer.index import TailIndexer
from smallpool_indexer.pipeline import Indexer
from smallpool_indexer.rebuild import Rebuild
from smallpool_indexer.record import Forgets, Recorder
from smallpool_indexer.renew import Renewer
from smallpool_indexer.replay import Sync
from smallpool_indexer.rescore import Rescorer
from smallpool_indexer.sweep import Sweeper
from smallpool_indexer.write_path import RENEWAL, Line, Turn, Workers, WritePath, turn_of
from smallpool_service.metrics import Metrics
from smallpool_service.recaller import Recaller
from smallpool_service.run import ReadPorts
from smallpool_service.trace import Observer

Loaded = Callable[[int, int], None]
"""Called while the index is filled at the start: the place reached in the wide table, and its end."""


class System(AppliesBehaviour, WatchesPools, RunsExperiments, JudgesListings, MeansWords, FindsAlike, RelatesItems):
    """Ports by name, and the pipelines over them. Each line of workers may be turned by a thread of its own, while another serves."""

    usual_batch: int  # item events a batch, where the settings say nothing else

    def __init__(self, settings: Settings, clock: Clock | None = None, observer: Observer | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self._observer = observer or self.metrics
        self.backfill_progress: Callable[[Progress], None] | None = None
        self.watch_models()
        self.watch_vectors(self.metrics)

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the data are, for people."""

    @property
    @abstractmethod
    def atomic(self) -> Atomic:
        """Joins what one batch of item events writes."""

    @property
    @abstractmethod
    def log(self) -> EventLog:
        """The event log."""

    @property
    @abstractmethod
    def owned_log(self) -> EventLog:
        """The same log as the owner of items reads and writes it."""

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
    def items(self) -> ItemLookup:
        """Wide items by id, whoever owns them."""

    @property
    @abstractmethod
    def writer(self) -> ItemWriter:
        """The wide index, writing side."""

    @property
    @abstractmethod
    def seen(self) -> SeenList:
        """The seen lists."""

    @property
    @abstractmethod
    def forgetter(self) -> Forgetter | None:
        """What takes items that left out of the statistics, where item intake does not do it itself."""

    @property
    @abstractmethod
    def profiles(self) -> UserProfiles:
        """Profiles by person."""

    @property
    @abstractmethod
    def people(self) -> People:
        """All that is kept of one person, to be erased."""

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

    @property
    @abstractmethod
    def directory_kept(self) -> Path | None:
        """The directory that holds the data, where one does."""

    @property
    @abstractmethod
    def first_step(self) -> str:
        """What to do where nothing was ever stored; a part of a sentence."""

    @abstractmethod
    def amiss(self) -> Mapping[str, Callable[[], Sequence[str]]]:
        """For each store by name, what tells what is wrong with it, one sentence each; raises `StoreError` where it cannot be asked."""

    @property
    @abstractmethod
    def rebuild(self) -> Rebuild | None:
        """The full sync of the wide index; None where the index lives in memory and is made anew at each start."""

    @abstractmethod
    def sync(self, *, from_start: bool) -> Sync | None:
        """Its incremental sync by itself, from where that has come or from the beginning; None as for `rebuild`."""

    @abstractmethod
    def has_data(self) -> bool:
        """Whether anything was ever stored."""

    @abstractmethod
    def init(self) -> None:
        """Makes what the stores need and do not have: tables, indices, topics. Changes nothing that is there."""

    @abstractmethod
    def begin(self) -> None:
        """Before the first write: `init` where that is nobody's decision, else a `StoreError` that names what is missing."""

    @abstractmethod
    def discard(self) -> None:
        """Removes everything that was ever stored."""

    @abstractmethod
    def own_write_path(self) -> AbstractContextManager[object]:
        """Lets this process turn the write path while the block lasts; raises `DirectoryLocked` where there is room for one only."""

    @abstractmethod
    def own_serving(self) -> AbstractContextManager[object]:
        """The same for a process that serves: where serving needs it, it turns the write path too."""

    @abstractmethod
    def has_writer(self) -> bool:
        """Whether some process turns the write path now."""

    def load(self, loaded: Loaded | None = None) -> None:
        """Reads the pools and the experiments, and fills what lives in memory from `item-wide`, up to its end; to be called before the
        first recall, and again where a store does not answer. So whoever serves never waits for the first copy of either.
        """
        self.catalogue.refresh()
        self.experiments.refresh()
        self._load(loaded)

    @abstractmethod
    def _load(self, loaded: Loaded | None) -> None:
        """Fills what lives in memory from `item-wide`."""

    @abstractmethod
    def load_write_path(self, loaded: Loaded | None = None) -> None:
        """Fills what the write path alone has in memory."""

    @abstractmethod
    def serving_lines(self) -> Sequence[Line]:
        """Builds what a serving process has to do besides answering; each line is for a thread of its own."""

    @abstractmethod
    def write_lines(self) -> Sequence[Line]:
        """The same for the write path."""

    @abstractmethod
    def whole_lines(self) -> Sequence[Line]:
        """The same for all that there is to do, where a process is alone."""

    def whole_turn(self) -> Turn:
        """One turn of all that, for a caller who cannot go on before; so without what takes as long as all listings or events did."""
        long = {RENEWAL, RELATING, GRAPH}
        return turn_of([tuple(worker for worker in line if worker.name not in long) for line in self.whole_lines()])

    @abstractmethod
    def begin_serving(self) -> None:
        """Learns what requests go by without asking for it; to be called after `load`, before the first request."""

    @abstractmethod
    def checks(self) -> Mapping[str, Callable[[], str | None]]:
        """What `/readyz` asks, by name: each says from memory what is wrong, None while all is well."""

    @abstractmethod
    def silent_s(self) -> Mapping[str, float]:
        """For how many seconds each thread of the write path's stores has not come round, by what it does; each does often, whether
        its store answers or not.
        """

    @abstractmethod
    def data_age_ms(self) -> int | None:
        """How far what is recallable here may lag behind what was sent: how old the oldest item event is that has not come here. None
        while nobody has looked.
        """

    @abstractmethod
    def oldest_waiting_ms(self) -> int | None:
        """How long the oldest item event that was not taken in has waited, 0 where none does; asks the log, which may take its time."""

    @abstractmethod
    def upkeep(self) -> None:
        """What the stores want done about once a second, in a thread that nobody waits for."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of every store."""

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
            tail=self.tail,
            seen=self.seen,
            triggers=self.triggers,
            profiles=self.profiles,
            people=self.people,
            links=self.links,
            stats=self.stats,
            log=self.log,
            clock=self.clock,
            cuts=self.cuts,
            relations=self.relations,
            vectors=self.vector_index,
            read_query=self.read_query,
            find_encoders=self.encoders_of,
        )

    @cached_property
    def recaller(self) -> Recaller:
        """The read path."""
        return Recaller(
            self.read_ports,
            settings=self.settings.read,
            behaviour=self.settings.behaviour,
            observer=self._observer,
            counter=self.counter,
            data_age_ms=self.data_age_ms,
            experiments=self.experiments,
            rankers=self.rankers,
        )

    @cached_property
    def _writing_catalogue(self) -> Catalogue:
        return self.new_catalogue()

    @cached_property
    def assigner(self) -> Assigner:
        """The selection engine of the write path."""
        return Assigner(self._writing_catalogue)

    @cached_property
    def indexer(self) -> Indexer:
        """The consumer of item events."""
        forgets: Forgets = self.forgetter or self.stats
        return Indexer(
            clock=self.clock,
            log=self.owned_log,
            wide=self.wide,
            understander=self.understander,
            reposts=self.reposts,
            sellers=self.sellers,
            assigner=self.assigner,
            recorder=Recorder(self.atomic, self.owned_log, self.wide, forgets),
            batch_size=self.settings.indexer.batch_size or self.usual_batch,
            observer=self._observer,
            counter=self.counter,
        )

    @property
    @abstractmethod
    def tail_indexer(self) -> TailIndexer:
        """What makes recallable what the write path of this process records."""

    @cached_property
    def backfill(self) -> Backfill:
        """What brings stored items in line with changed pools."""
        return Backfill(
            clock=self.clock,
            catalogue=self._writing_catalogue,
            assigner=self.assigner,
            log=self.owned_log,
            wide=self.wide,
            tail=self.tail_indexer.tail,
            writer=self.writer,
            pools=self.pools,
            settings=self.settings.indexer,
            progress=self.backfill_progress,
        )

    @cached_property
    def write_path(self) -> WritePath:
        """The whole write path."""
        sweeper = Sweeper(log=self.owned_log, wide=self.wide, settings=self.settings.indexer)
        rescorer = Rescorer(log=self.owned_log, wide=self.wide, stats=self.stats, settings=self.settings.indexer)
        renewer = Renewer(
            clock=self.clock, log=self.owned_log, wide=self.wide, understander=self.understander, settings=self.settings.indexer
        )
        judging = (self.reposts, self.seller_events, self.sellers)
        by_time = (sweeper, rescorer, renewer)
        workers = Workers(self.indexer, self.tail_indexer, self.user_events, self.backfill, *by_time, *judging, self.forgetter)
        return WritePath(self.clock, workers)
