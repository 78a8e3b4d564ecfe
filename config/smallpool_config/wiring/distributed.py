"""Elasticsearch, Kafka and Redis behind the ports; as many processes of each kind as are wanted.

A process that serves tails all of `item-wide` into a live view of its own; one that indexes owns some partitions of the item events
and tails these into Elasticsearch. Adapters open nothing before they are asked.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import cached_property

from smallpool_config.closing import close_together
from smallpool_config.wiring.finds_alike import Forgiven
from smallpool_config.wiring.in_elasticsearch import InElasticsearch
from smallpool_config.wiring.over_redis import OverRedis
from smallpool_config.wiring.system import Loaded
from smallpool_core.errors import StoreError
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.linking import Links
from smallpool_core.places import Places
from smallpool_core.ports import (
    Atomic,
    EventLog,
    ItemReader,
    ItemWriter,
    LiveView,
    People,
    PoolStore,
    SeenList,
    UserProfiles,
    WideTable,
)
from smallpool_core.source_ports import VectorIndex
from smallpool_indexer.forget import Forgetter
from smallpool_indexer.index import TailIndexer
from smallpool_indexer.rebuild import Rebuild, Sources
from smallpool_indexer.replay import Sync
from smallpool_indexer.write_path import Line, Worker
from smallpool_stores.elasticsearch import removal as elasticsearch_removal
from smallpool_stores.elasticsearch.indices import ItemIndices
from smallpool_stores.elasticsearch.names import next_items_alias
from smallpool_stores.elasticsearch.pools import ElasticsearchPoolStore
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.elasticsearch.vector_index import ElasticsearchVectorIndex
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter
from smallpool_stores.kafka import topics
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.item_log import KafkaItemLog
from smallpool_stores.kafka.owner import KafkaOwner
from smallpool_stores.kafka.wide_table import KafkaWideTable
from smallpool_stores.kafka.wide_tail import KafkaWideTail
from smallpool_stores.memory.changed_rows import ChangedRows
from smallpool_stores.memory.listing import ListingRow
from smallpool_stores.memory.live_first import LiveFirstReader, breaker_of
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.recent import RecentIndex
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vectors import VectorColumns
from smallpool_stores.redis import removal as redis_removal
from smallpool_stores.redis.links import RedisLinks
from smallpool_stores.redis.people import RedisPeople
from smallpool_stores.redis.profiles import RedisUserProfiles
from smallpool_stores.redis.seen import RedisSeenList
from smallpool_stores.redis.stats import RedisItemStats
from smallpool_stores.redis.triggers import RedisTriggerStore

LOADED_AT_ONCE = 5_000
MODEL_IN_FORCE = "model of vectors"
"""The name of the worker that asks Elasticsearch which one it is."""
LEFT_WITHIN_S = 3.0
CLOSED_WITHIN_S = 1.5
"""With brokers that answer both take a fraction of a second; what does not end by then ends with the process."""
LOOK_EVERY_S = 0.02


class Distributed(InElasticsearch, OverRedis):
    """Any number of these share the servers; each turns only what its process is for."""

    usual_batch = 256

    @property
    def place(self) -> str:
        asked = self.settings
        return f"{asked.elasticsearch.url}, {asked.kafka.bootstrap} and {self.redis.where}"

    @cached_property
    def log(self) -> KafkaEventLog:
        return KafkaEventLog(self.settings.kafka)

    @property
    def acknowledged_log(self) -> EventLog:
        return self.log

    @cached_property
    def owner(self) -> KafkaOwner:
        """The items whose partitions this process is given."""
        return KafkaOwner(self.log, self.clock)

    @cached_property
    def owned_log(self) -> EventLog:
        return KafkaItemLog(self.owner)

    @property
    def atomic(self) -> Atomic:
        return self.owner

    @property
    def behaviour_atomic(self) -> Atomic:
        return self.triggers

    @cached_property
    def wide(self) -> WideTable:
        return KafkaWideTable(self.owner)

    @cached_property
    def writer(self) -> ElasticsearchItemWriter:
        return ElasticsearchItemWriter(self.connection, self.knowledge.attributes)

    @property
    def items(self) -> ElasticsearchItemWriter:
        return self.writer

    @cached_property
    def reader(self) -> ItemReader:
        asked = self.settings.elasticsearch
        breaker = breaker_of("elasticsearch", asked.pause_after, asked.pause_ms)
        return LiveFirstReader(self.index_reader, LiveItemReader(self.item_rows), self.recent, breaker)

    @cached_property
    def index_reader(self) -> ElasticsearchItemReader:
        """The wide index."""
        return ElasticsearchItemReader(self.connection)

    @cached_property
    def item_rows(self) -> ItemRows:
        return ItemRows(*self.kept_vectors)

    @cached_property
    def kept_vectors(self) -> tuple[VectorColumns, ChangedRows] | tuple[()]:
        return () if self.settings.elasticsearch.vector_dimensions else super().kept_vectors

    @cached_property
    def vector_index(self) -> VectorIndex:
        in_elasticsearch = self.vector_models is not None and self.settings.elasticsearch.vector_dimensions
        return ElasticsearchVectorIndex(self.connection) if in_elasticsearch else super().vector_index

    def vector_line(self) -> Sequence[Line]:
        index = self.vector_index
        if not isinstance(index, ElasticsearchVectorIndex):
            return super().vector_line()
        return [[Worker(MODEL_IN_FORCE, Forgiven(MODEL_IN_FORCE, index.look))]]

    @cached_property
    def recent(self) -> RecentIndex:
        """What came in last, recallable before the wide index is refreshed."""
        return RecentIndex()

    @cached_property
    def packed_live_view(self) -> PackedLiveView:
        """The live view of this process."""
        return PackedLiveView(self.item_rows)

    @property
    def live_view(self) -> LiveView:
        return self.packed_live_view

    @cached_property
    def tail(self) -> KafkaWideTail:
        return KafkaWideTail(self.settings.kafka, self.log.offsets, self.clock)

    @cached_property
    def live_indexer(self) -> TailIndexer:
        """What feeds the live view, and what stands beside the wide index."""
        return self._indexer_of(self.tail, writer=self.recent, live_view=self.live_view)

    @cached_property
    def tail_indexer(self) -> TailIndexer:
        return self._indexer_of(self.index_tail, writer=self.writer)

    @cached_property
    def index_tail(self) -> KafkaWideTail:
        """What this process owns of `item-wide`, for the wide index."""
        return KafkaWideTail(self.settings.kafka, self.log.offsets, self.clock, owner=self.owner)

    @cached_property
    def seen(self) -> SeenList:
        return RedisSeenList(self.redis)

    @cached_property
    def triggers(self) -> RedisTriggerStore:
        return RedisTriggerStore(self.redis)

    @cached_property
    def forgetter(self) -> Forgetter:
        return Forgetter(self.stats)

    @cached_property
    def profiles(self) -> UserProfiles:
        return RedisUserProfiles(self.redis)

    @cached_property
    def people(self) -> People:
        return RedisPeople(self.redis)

    @cached_property
    def links(self) -> Links:
        return RedisLinks(self.redis, self.settings.behaviour)

    @cached_property
    def stats(self) -> RedisItemStats:
        return RedisItemStats(self.redis, half_life_hours=self.settings.statistics.popularity_half_life_h)

    @property
    def sellers_atomic(self) -> Atomic:
        return self.triggers

    @cached_property
    def pools(self) -> PoolStore:
        return ElasticsearchPoolStore(self.connection, self.log.offsets.partitions("item-wide"))

    @property
    def directory_kept(self) -> None:
        return None

    @property
    def first_step(self) -> str:
        return "make its topics and indices with `smallpool stack init`, or name other servers, or another prefix, in the settings"

    def amiss(self) -> Mapping[str, Callable[[], Sequence[str]]]:
        return {
            "elasticsearch": self._amiss_in_elasticsearch,
            "kafka": lambda: topics.differences(self.settings.kafka),
            "redis": self._amiss_in_redis,
        }

    @property
    def rebuild(self) -> Rebuild:
        attributes = self.knowledge.attributes
        sources = Sources(
            ItemIndices(self.connection, attributes),
            ElasticsearchItemWriter(self.connection, attributes, next_items_alias(self.settings.elasticsearch.prefix), is_alias=True),
            lambda: closing(KafkaWideTail(self.settings.kafka, self.log.offsets, self.clock)),
            self._wide_end,
        )
        return Rebuild(sources, lambda: time.sleep(LOOK_EVERY_S), self.settings.indexer.tail_size)

    @cached_property
    def synced_tail(self) -> KafkaWideTail:
        """All of `item-wide` from where the wide index has come."""
        return KafkaWideTail(self.settings.kafka, self.log.offsets, self.clock, goes_on=True)

    def sync(self, *, from_start: bool) -> Sync:
        tail = self.tail if from_start else self.synced_tail
        return Sync(self._indexer_of(tail, writer=self.writer), self.writer, self._wide_end)

    def has_data(self) -> bool:
        return not topics.missing(self.settings.kafka)

    def init(self) -> None:
        topics.ensure(self.settings.kafka)
        self.ensure_small_indices()
        ItemIndices(self.connection, self.knowledge.attributes).ensure()

    def begin(self) -> None:
        missing = topics.missing(self.settings.kafka)
        if missing:
            raise StoreError(f"could not find {', '.join(missing)} at {self.settings.kafka.bootstrap}: run `smallpool stack init` first")

    def discard(self) -> None:
        self._leave()
        topics.remove(self.settings.kafka)
        elasticsearch_removal.remove_all(self.connection)
        redis_removal.remove_all(self.redis)
        shutil.rmtree(self.settings.kafka.state_directory, ignore_errors=True)
        self._close(("redis", "connection"))

    def own_write_path(self) -> AbstractContextManager[object]:
        return nullcontext()

    def own_serving(self) -> AbstractContextManager[object]:
        return nullcontext()

    def has_writer(self) -> bool:
        return self.log.offsets.has_members("item-events", INDEXER_GROUP)

    def _load(self, loaded: Loaded | None) -> None:
        if isinstance(self.vector_index, ElasticsearchVectorIndex):
            self.vector_index.look()  # a command answers without the line that looks again and again
        while True:
            rows = self.tail.skim(LOADED_AT_ONCE, ListingRow)
            self.packed_live_view.load(rows)
            if loaded is not None:
                loaded(*self.tail.progress())
            if not rows:
                if not self.tail.is_behind():
                    return
                time.sleep(LOOK_EVERY_S)

    def load_write_path(self, loaded: Loaded | None = None) -> None:
        """What the owner knows comes with its partitions."""

    def serving_lines(self) -> Sequence[Line]:
        indexer = self.live_indexer
        watching = [Worker("counts of pools", self.count_sender.turn), Worker("figures of pools", self.watch_pools)]
        return [[Worker("live view", lambda: indexer.run_once() > 0)], watching, *self.vector_line()]

    def write_lines(self) -> Sequence[Line]:
        taking_in, indexing, behaviour = self.write_path.lines
        return [taking_in, indexing, [*behaviour, Worker("counts of pools", self.count_sender.turn), self.relating]]

    def whole_lines(self) -> Sequence[Line]:
        return [*self.write_lines(), self.serving_lines()[0], *self.vector_line()]

    def begin_serving(self) -> None:
        self.keys.begin()
        self.log.lags.refresh()

    def checks(self) -> Mapping[str, Callable[[], str | None]]:
        return {"kafka": self.log.lags.failure}

    def silent_s(self) -> Mapping[str, float]:
        owner, tail = self.owner.silent_s(), self.index_tail.silent_s()
        return {**self.log.silent_s(), **owner, **tail}

    def data_age_ms(self) -> int | None:
        now = self.clock.now_ms()
        waiting_ms = self.log.lags.waiting_ms(now)
        return None if waiting_ms is None else max(waiting_ms, self.tail.age_ms(now))

    def oldest_waiting_ms(self) -> int | None:
        self.log.lags.refresh()
        return self.log.lags.waiting_ms(self.clock.now_ms())

    def upkeep(self) -> None:
        self.refresh_models()
        self.log.lags.refresh()
        if "owner" in self.__dict__:
            self.owner.checkpoint()

    def close(self) -> None:
        self.end_assistants()
        self._leave()
        self._close(("redis", "connection"))

    def _wide_end(self) -> Places:
        return self.log.offsets.ends("item-wide")

    def _amiss_in_elasticsearch(self) -> Sequence[str]:
        items = ItemIndices(self.connection, self.knowledge.attributes)
        serving = items.serving()
        if serving is None:
            return ["there is no index of items: run `smallpool stack init`"]
        items.check(serving)
        self.pools.epoch()
        self.experiment_store.since(0)  # what an earlier version made has no index of these yet
        return ()

    def _amiss_in_redis(self) -> Sequence[str]:
        with self.redis.translated("ask Redis whether it answers"):
            for server in self.redis.servers_now():
                self.redis.read_now(("PING",), at=server)
        return ()

    def _leave(self) -> None:
        """Leaves groups, so that others take over at once, and stops whatever reads; whichever server hangs, that is soon over."""
        made = self.__dict__
        parts: dict[str, Callable[[], object]] = {
            name: made.pop(name).close
            for name in ("index_tail", "owner", "tail", "synced_tail", "pools", "keys", "experiment_store")
            if name in made
        }
        if "counter" in made:
            parts["counts"] = self.count_sender.send
        if "log" in made:
            parts["groups"] = made["log"].leave
        close_together(parts, LEFT_WITHIN_S)
        if "log" in made:  # last, since the others ask it questions
            close_together({"log": made.pop("log").close}, CLOSED_WITHIN_S)

    def _close(self, names: Sequence[str]) -> None:
        for name in names:
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def _indexer_of(self, tail: KafkaWideTail, *, writer: ItemWriter | None = None, live_view: LiveView | None = None) -> TailIndexer:
        return TailIndexer(
            tail,
            clock=self.clock,
            log=self.log,
            writer=writer,
            live_view=live_view,
            settings=self.settings.indexer,
            observer=self._observer,
        )
