"""The write path over real embedded stores in a folder of the test's own, with a plain understander and a clock that stands still."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from builders import NOW, FakeClock
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.catalogue import Catalogue
from smallpool_core.events import encode_item_event, encode_user_event, parse_item_event
from smallpool_core.fields import Attributes
from smallpool_core.items import DeadLetter, Given, ItemEvent, Understood, WideItem
from smallpool_core.pools import PoolDraft
from smallpool_core.users import TriggerState, UserEvent
from smallpool_indexer.assign import Assigner
from smallpool_indexer.backfill import Backfill, Progress
from smallpool_indexer.index import TailIndexer
from smallpool_indexer.pipeline import Indexer
from smallpool_indexer.record import Recorder
from smallpool_indexer.renew import Renewer
from smallpool_indexer.reposts import RepostMarker
from smallpool_indexer.rescore import Rescorer
from smallpool_indexer.sellers import SellerEventConsumer, SellerScorer
from smallpool_indexer.settings import IndexerSettings
from smallpool_indexer.sweep import Sweeper
from smallpool_indexer.user_events import UserEventConsumer
from smallpool_indexer.write_path import Workers, WritePath
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.vectors import VectorColumns
from smallpool_stores.sqlite.event_log import SqliteEventLog
from smallpool_stores.sqlite.links import SqliteLinks
from smallpool_stores.sqlite.pools import SqlitePoolStore
from smallpool_stores.sqlite.reposts import SqliteRepostIndex
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.sellers import SqliteSellerRecords
from smallpool_stores.sqlite.stats import SqliteItemStats
from smallpool_stores.sqlite.triggers import SqliteTriggerStore
from smallpool_stores.sqlite.wide_table import SqliteWideTable
from smallpool_stores.sqlite.wide_tail import SqliteWideTail

POISON = "毒"
BRANDS = ("苹果", "华为")


def power_cut(*_values: object, **_options: object) -> NoReturn:
    """Stands in for a store's method: the process ends here."""
    raise KeyboardInterrupt


class PlainUnderstander:
    """Words are what spaces part; a word with # is a point; two brands are known; a title with 毒 in it cannot be borne."""

    version = "plain-1"

    def __init__(self) -> None:
        self.asked = 0

    @property
    def versions(self) -> Mapping[str, str]:
        return {"understander": self.version}

    def understand(self, given: Sequence[Given]) -> list[Understood]:
        if any(POISON in one.title for one in given):
            raise ValueError("poison")
        self.asked += len(given)
        return [understood(one, self.version) for one in given]

    def split_words(self, text: str) -> tuple[str, ...]:
        return tuple(text.split())

    def quality_of(self, parts: Mapping[str, float]) -> int:
        return round(1000 * min(parts.values()))


def understood(given: Given, version: str = "plain-1") -> Understood:
    words = tuple(dict.fromkeys(given.title.lower().split()))
    return Understood(
        title_words=words,
        category=given.category or ("其他", words[0]),
        category_source="given" if given.category else "head_noun",
        category_confidence=1.0,
        brand=next((brand for brand in BRANDS if brand in given.title), None),
        condition=None,
        tags=(),
        points=tuple(word[1:] for word in words if word.startswith("#")),
        spans=(),
        attributes={},
        price_band=3 if given.price_cents else None,
        quality=600,
        quality_parts={"photos": 0.5},
        seller_score=500,
        versions={"understander": version},
    )


class Figures:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.stages: list[tuple[str, int, int]] = []

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        assert seconds >= 0
        self.stages.append((stage, in_count, out_count))

    def count(self, name: str, amount: int = 1) -> None:
        self.counts[name] += amount


def key_of(raw: bytes, now: int) -> str:
    """The key that a producer would give to a raw event: its item's id, if it is one."""
    event = parse_item_event(raw, now, internal=True)
    return event.item_id if isinstance(event, ItemEvent) else ""


BATCH = 64


class Rig:
    """All workers of the write path; a second rig on the same folder is the same marketplace after a restart."""

    def __init__(self, folder: Path, settings: IndexerSettings | None = None, clock: FakeClock | None = None) -> None:
        settings = settings or IndexerSettings()
        self.clock = clock or FakeClock(NOW)
        self.database = open_database(folder / "smallpool.db", synchronous="off")
        self.log = SqliteEventLog(self.database)
        self.wide = SqliteWideTable(self.database, self.clock)
        self.pools = SqlitePoolStore(self.database)
        self.stats = SqliteItemStats(self.database)
        self.triggers = SqliteTriggerStore(self.database)
        self.links = SqliteLinks(self.database, BehaviourSettings())
        self.vectors = VectorColumns()
        self.columns = ColumnIndex(self.vectors)
        self.live_view = self.columns.live_view
        self.understander = PlainUnderstander()
        self.figures = Figures()
        self.catalogue = Catalogue(self.pools, Attributes({}))
        self.assigner = Assigner(self.catalogue)
        self.recorder = Recorder(self.database, self.log, self.wide, self.stats)
        self.repost_index = SqliteRepostIndex(self.database, kept_s=3_600)
        self.reposts = RepostMarker(index=self.repost_index, log=self.log, clock=self.clock, understander=self.understander)
        self.seller_records = SqliteSellerRecords(self.database, kept_s=3_600)
        self.sellers = SellerScorer(records=self.seller_records, log=self.log, wide=self.wide, sizes=settings)
        self.seller_events = SellerEventConsumer(
            clock=self.clock, atomic=self.database, log=self.log, records=self.seller_records, observer=self.figures
        )
        self.indexer = Indexer(
            clock=self.clock,
            log=self.log,
            wide=self.wide,
            understander=self.understander,
            reposts=self.reposts,
            sellers=self.sellers,
            assigner=self.assigner,
            recorder=self.recorder,
            batch_size=settings.batch_size or BATCH,
            observer=self.figures,
        )
        self.tail = SqliteWideTail(self.wide)
        self.tail_indexer = TailIndexer(
            self.tail,
            clock=self.clock,
            log=self.log,
            writer=self.columns,
            live_view=self.live_view,
            settings=settings,
            observer=self.figures,
        )
        self.user_events = UserEventConsumer(
            clock=self.clock,
            atomic=self.database,
            log=self.log,
            items=self.wide,
            triggers=self.triggers,
            links=self.links,
            stats=self.stats,
            understander=self.understander,
            settings=settings,
            observer=self.figures,
        )
        self.progress: list[Progress] = []
        self.backfill = Backfill(
            clock=self.clock,
            catalogue=self.catalogue,
            assigner=self.assigner,
            log=self.log,
            wide=self.wide,
            tail=self.tail,
            writer=self.columns,
            pools=self.pools,
            settings=settings,
            progress=self.progress.append,
        )
        self.sweeper = Sweeper(log=self.log, wide=self.wide, settings=settings)
        self.rescorer = Rescorer(log=self.log, wide=self.wide, stats=self.stats, settings=settings)
        self.renewer = Renewer(clock=self.clock, log=self.log, wide=self.wide, understander=self.understander, settings=settings)
        self.write_path = WritePath(
            self.clock,
            Workers(
                self.indexer,
                self.tail_indexer,
                self.user_events,
                self.backfill,
                self.sweeper,
                self.rescorer,
                self.renewer,
                self.reposts,
                self.seller_events,
                self.sellers,
            ),
        )

    def send(self, *events: ItemEvent | UserEvent | bytes) -> list[int]:
        """Puts events on their logs, as the API would, and returns the offsets; raw bytes go to the item events."""
        return [self._send(event) for event in events]

    def _send(self, event: ItemEvent | UserEvent | bytes) -> int:
        at = self.clock.now_ms()
        if isinstance(event, UserEvent):
            return self.log.append_now("user-events", [(event.identity.key, encode_user_event(event))], at)[0]
        pair = (key_of(event, at), event) if isinstance(event, bytes) else (event.item_id, encode_item_event(event))
        return self.log.append_now("item-events", [pair], at)[0]

    def take(self, *events: ItemEvent | UserEvent | bytes) -> None:
        """Sends the events and lets the consumers take them."""
        self.send(*events)
        self.drain()
        self.user_events.drain()

    def turn(self) -> None:
        """Takes in one batch of item events, makes recallable what is recorded, and marks pools that are tagged."""
        self.indexer.run_once()
        self.tail_indexer.run_once()
        self.backfill.mark()

    def drain(self) -> None:
        """Takes in every item event that waits, and makes it recallable."""
        self.indexer.drain()
        self.tail_indexer.drain()

    def put_pool(self, pool_id: str, rule: dict[str, Any], revision: int | None = None, **changes: Any) -> None:
        draft = PoolDraft(rule=rule, **changes)
        asyncio.run(self.pools.put(pool_id, draft, revision, "tester", "test", self.clock.now_ms()))

    def item(self, item_id: str = "i1") -> WideItem:
        return self.wide.get([item_id])[item_id]

    def state_of(self, identity: str = "u:u1") -> TriggerState:
        return self.triggers.load(identity)

    def dead_letters(self) -> list[DeadLetter]:
        return [letter for _, letter in self.log.dead_letters(-1, 100)]
