"""A marketplace with a log, and what relates its items, over real embedded stores."""

import asyncio
from pathlib import Path
from typing import Any

from builders import MINUTE, NOW, FakeClock, item_event, user_event
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.events import encode_item_event, encode_user_event
from smallpool_core.relations import RelationKind, RelationSettings
from smallpool_core.users import UserEvent
from smallpool_indexer.relate import Relater
from smallpool_stores.duckdb.covisits import covisits
from smallpool_stores.sqlite.relations import SqliteRelations
from write_rig import Rig

WEIGHTS = BehaviourSettings().behaviour_weights


class Shop:
    """A marketplace with a log, and a relater over it."""

    def __init__(self, folder: Path, settings: RelationSettings | None = None, pools: tuple[str, ...] = ()) -> None:
        self.clock = FakeClock(NOW)
        folder.mkdir(exist_ok=True)
        self.rig = Rig(folder, clock=self.clock)
        self.relations = SqliteRelations(self.rig.database)
        self.relater = self.new_relater(settings or RelationSettings(), pools)

    def new_relater(self, settings: RelationSettings, pools: tuple[str, ...] = ()) -> Relater:
        return Relater(
            clock=self.clock,
            log=self.rig.log,
            items=self.rig.wide,
            relations=self.relations,
            counting=lambda: covisits(settings, WEIGHTS),
            settings=settings,
            pools=lambda: pools,
        )

    def publish(self, *item_ids: str, kind: Any = "published", version: int = 1) -> None:
        records = [(item_id, encode_item_event(item_event(item_id, kind, version=version))) for item_id in item_ids]
        self.rig.log.append_now("item-events", records, self.clock.now)
        while self.rig.indexer.run_once():
            pass

    def act(self, *events: UserEvent) -> None:
        """Appended when they happen."""
        for event in events:
            self.rig.log.append_now("user-events", [(event.identity.key, encode_user_event(event))], event.at)

    def visit(self, user: str, *item_ids: str, at: int | None = None, kind: Any = "click") -> None:
        since = self.clock.now if at is None else at
        self.act(*(user_event(kind, item_id, user_id=user, at=since + place) for place, item_id in enumerate(item_ids)))

    def related(self, key: str, kind: RelationKind = "view", pool_id: str = "") -> list[str]:
        found = asyncio.run(self.relations.related(kind, [key], 50, pool_id))
        return [one.item_id for one in found.get(key, [])]

    def later(self, ms: int = MINUTE) -> None:
        self.clock.advance(ms)
