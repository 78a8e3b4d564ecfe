"""A whole marketplace as `open_system` composes it, in a folder of the test's own: events in, pages out, a clock that stands still."""

import asyncio
import gc
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from msgspec import UNSET
from msgspec.structs import replace

from builders import NOW, FakeClock, given, item_event
from encoder_rig import Embedding, Models
from read_rig import U1, ids, request
from smallpool_config.settings import KnowledgeSettings, Settings, StoreSettings
from smallpool_config.vector_models import ServedVectors
from smallpool_config.wiring import Embedded, open_system
from smallpool_core.errors import NotFound
from smallpool_core.events import encode_item_event, encode_user_event
from smallpool_core.items import DeadLetter, ItemEvent, WideItem
from smallpool_core.market_ports import Understander
from smallpool_core.pools import PoolDraft, PoolSettings
from smallpool_core.users import Identity, UserEvent
from smallpool_indexer.settings import IndexerSettings
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge
from smallpool_service.operators import Change, Preview, save_pool
from smallpool_service.page import Page
from smallpool_service.settings import ReadSettings
from smallpool_service.trace import Observer
from smallpool_service.why import Why, why
from smallpool_stores.sqlite.wide_tail import SqliteWideTail
from write_rig import Figures, PlainUnderstander, key_of

Event = ItemEvent | UserEvent | bytes
EVERYTHING: dict[str, Any] = {"all": []}
UNHURRIED = ReadSettings(timeout_ms=60_000, pools_refresh_ms=0, least_left_s=0)
"""The tests' clock stands still, so the timeout only keeps a slow machine from being late by its own. Items are shown to the last."""
CERTAIN = replace(UNHURRIED, source_shares={"explore": 0.0})
"""Nothing is left to chance: no place goes to what nobody was shown, but where a pool gives that a share of its own."""


@cache
def knowledge() -> KnowledgeBase:
    """The knowledge base that is shipped, read once for all tests of a process."""
    return load_knowledge(KnowledgeSettings().path)


@cache
def knowledge_understander() -> KnowledgeUnderstander:
    """The understander that is shipped, made once for all tests of a process."""
    return KnowledgeUnderstander(knowledge())


class Marketplace:
    """A whole system, embedded where a folder is given. A second one on the same folder is another process, or the same after a restart."""

    def __init__(
        self,
        where: Path | Settings,
        *,
        clock: FakeClock | None = None,
        understander: Understander | None = None,
        indexer: IndexerSettings | None = None,
        observer: Observer | None = None,
        models: Models | ServedVectors | None = None,
    ) -> None:
        """With `models`, listings are embedded by the last of them, and interests are found by all."""
        self.clock = clock or FakeClock(NOW)
        self.figures = Figures()
        if isinstance(where, Path):
            where = Settings(store=StoreSettings(str(where), "off"), read=CERTAIN, indexer=indexer or IndexerSettings())
        self.system = open_system(where, self.clock, observer or self.figures)
        self.system.__dict__["knowledge"] = knowledge()
        self.system.__dict__["vector_models"] = models
        self.system.__dict__["understander"] = understander or (PlainUnderstander() if models is None else Embedding(models))
        self.system.load()
        self.system.begin_serving()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the stores, and of what loading kept from the collector."""
        self.system.close()
        gc.unfreeze()

    def send(self, *events: Event) -> list[int]:
        """Puts events on their logs, as the API would, and returns the offsets; raw bytes go to the item events."""
        return [self._send(event) for event in events]

    def settle(self) -> None:
        """Lets the write path take in all that waits."""
        self.system.write_path.settle()

    def take(self, *events: Event) -> None:
        """Sends the events and lets the write path take them in."""
        self.send(*events)
        self.settle()

    def save_pool(self, pool_id: str = "p", rule: dict[str, Any] | None = None, **changes: Any) -> Preview:
        """Makes or changes a pool as an operator does, without waiting for its backfill; `settings` by name, the others default."""
        if "settings" in changes:
            changes["settings"] = PoolSettings(**changes["settings"])
        draft = PoolDraft(rule=UNSET if rule is None else rule, **changes)
        change = Change("tester", "test", self.clock.now_ms(), self.revision(pool_id))
        return asyncio.run(save_pool(self.system.read_ports, self.system.pools, pool_id, draft, change)).preview

    def put_pool(self, pool_id: str = "p", rule: dict[str, Any] | None = None, **changes: Any) -> None:
        """Makes or changes a pool, and lets every item be tagged."""
        self.save_pool(pool_id, rule, **changes)
        self.settle()

    def revision(self, pool_id: str) -> int | None:
        """The pool's newest revision, None where there is no such pool."""
        with suppress(NotFound):
            return asyncio.run(self.system.pools.get(pool_id)).pool.revision
        return None

    def is_trusted(self, pool_id: str = "p") -> bool:
        """Whether the pool's tag is what its rule says."""
        self.system.catalogue.refresh()
        return self.system.catalogue.get(pool_id).is_trusted

    def recall(self, **changes: Any) -> Page:
        """One page of ten of pool `p` for u1, unless told otherwise."""
        return asyncio.run(self.system.recaller.recall_once(request(**changes)))

    def page(self, **changes: Any) -> list[str]:
        """The ids of one page."""
        return ids(self.recall(**changes))

    def glance(self, **changes: Any) -> list[str]:
        """The ids of a page that nobody remembers, so that nothing of it is missing from the next."""
        return self.page(dry_run=True, **changes)

    def pages_at_once(self, requests: Sequence[dict[str, Any]]) -> list[Page | BaseException]:
        """The pages of requests that are all under way together; an error stands in its page's place."""

        async def together() -> list[Page | BaseException]:
            pages = (self.system.recaller.recall_once(request(**one)) for one in requests)
            return list(await asyncio.gather(*pages, return_exceptions=True))

        return asyncio.run(together())

    def why(self, item_id: str, pool_id: str = "p", identity: Identity = U1) -> tuple[str, str]:
        """The stage that decides about an item, and its reason."""
        answer = self.why_in_full(item_id, pool_id, identity)
        return answer.stage, answer.reason

    def why_in_full(self, item_id: str, pool_id: str = "p", identity: Identity = U1) -> Why:
        """All that is said of why an item is, or is not, on the person's page."""
        return asyncio.run(why(self.system.recaller, item_id, pool_id, identity))

    @property
    def embedded(self) -> Embedded:
        """The system, of which the test knows that it is embedded."""
        assert isinstance(self.system, Embedded)
        return self.system

    def item(self, item_id: str) -> WideItem:
        """The item as it is stored."""
        return self.system.items.get([item_id])[item_id]

    def stored(self) -> dict[str, WideItem]:
        """Every item that is stored, by id."""
        return {item.item_id: item for item in SqliteWideTail(self.embedded.wide).skim(1_000_000, WideItem)}

    def seen(self, identity: Identity = U1, pool_id: str = "p") -> list[str]:
        """What the person was served in a pool, oldest first."""
        opening = asyncio.run(self.system.seen.open(identity.key, pool_id, "", self.clock.now_ms()))
        return [entry.item_id for entry in opening.seen]

    def served_pages(self) -> int:
        """How many pages stand in the log `served`."""
        return self.system.log.end("served").get(0, -1) + 1

    def dead_letters(self) -> list[DeadLetter]:
        """Dead letters, oldest first."""
        return [letter for _, letter in self.system.log.dead_letters(-1, 1_000)]

    def _send(self, event: Event) -> int:
        log, at = self.system.log, self.clock.now_ms()
        if isinstance(event, UserEvent):
            return max(log.append_now("user-events", [(event.identity.key, encode_user_event(event))], at).values())
        pair = (key_of(event, at), event) if isinstance(event, bytes) else (event.item_id, encode_item_event(event))
        return max(log.append_now("item-events", [pair], at).values())


def listing(item_id: str = "i1", title: str = "苹果 手机", category: str = "手机", *, version: int = 1, **item: Any) -> ItemEvent:
    """A digital thing as its seller publishes it."""
    return item_event(item_id, version=version, given=given(title, category=("数码", category), **item))


def sold(item_id: str = "i1", version: int = 2) -> ItemEvent:
    """Its sale."""
    return item_event(item_id, "sold", version=version)


def listings(count: int, per_category: int = 2, **item: Any) -> list[ItemEvent]:
    """That many, `per_category` in each leaf category, each of a seller of its own."""
    return [listing(f"i{place:04}", category=f"类{place // per_category:04}", seller_id=f"s{place}", **item) for place in range(count)]


def field(name: str, op: str, value: object) -> dict[str, Any]:
    """One condition of a rule, as an operator writes it."""
    return {"field": name, "op": op, "value": value}
