"""The experiment of the demo: half of the buyers get the newest first instead of what they like, and click as they would.

In: an open system, buyers, a pool. Out: the experiment's report, of real pages; only the clicks are drawn, by each buyer's own tastes.
"""

import asyncio
from random import Random
from typing import Final

from smallpool_config.settle import settle
from smallpool_config.wiring import System
from smallpool_core.events import encode_user_event
from smallpool_core.experiments import Bucket, ExperimentDraft
from smallpool_core.users import Identity, UserEvent, UserEventType
from smallpool_models.listings import Buyer
from smallpool_service.experiments.operating import save_experiment
from smallpool_service.experiments.report import Asked, Report, report
from smallpool_service.operators import Change
from smallpool_service.page import PageItem
from smallpool_service.request import RecallRequest

EXPERIMENT: Final = "newest-first"
BUCKETS: Final = (
    Bucket("as_they_like", 0.5),
    Bucket("newest", 0.5, ordering={"weights": {"match": 0.0, "rank": 0.0, "popularity": 0.0, "price_fit": 0.0, "freshness": 1.0}}),
)
PAGES: Final = 3
SIZE: Final = 10
TIMEOUT_MS: Final = 5_000
LIKED, OTHER = 0.4, 0.04
"""How likely a click is on a thing of a category that a buyer likes, and on any other."""
BID, WON = 0.35, 0.4
"""How likely a bid follows a click, and a purchase a bid."""


def hold_trial(system: System, buyers: tuple[Buyer, ...], pool_id: str) -> Report:
    """Starts the experiment, lets every buyer look at pages, and reports; it goes on running."""
    draft = ExperimentDraft(name="newest first", layer="order", state="running", buckets=BUCKETS, pools=(pool_id,))
    change = Change("demo", "does it matter what people like?", system.clock.now_ms(), None)
    asyncio.run(save_experiment(system.experiment_store, system.experiments, EXPERIMENT, draft, change))
    acts = asyncio.run(_visits(system, buyers, pool_id))
    records = [(act.identity.key, encode_user_event(act)) for act in acts]
    system.acknowledged_log.append_now("user-events", records, system.clock.now_ms())
    settle(system)
    stored = system.experiments.book.experiments[EXPERIMENT]
    return asyncio.run(report(system.log, system.clock, system.experiment_desk.opens_outcomes, stored, Asked()))


async def _visits(system: System, buyers: tuple[Buyer, ...], pool_id: str) -> list[UserEvent]:
    acts: list[UserEvent] = []
    for buyer in buyers:
        for number in range(PAGES):
            now = system.clock.now_ms()
            request = RecallRequest(
                pool_id=pool_id,
                identity=Identity(buyer.user_id, None),
                size=SIZE,
                request_id=f"trial-{buyer.user_id}-{number}",
                deadline_ms=now + TIMEOUT_MS,
            )
            page = await system.recaller.recall_once(request)
            acts += [act for item in page.items for act in _acts(buyer, item, page.request_id, system.clock.now_ms())]
    return acts


def _acts(buyer: Buyer, item: PageItem, request_id: str, at: int) -> list[UserEvent]:
    """What the buyer does with one item, the same in whatever bucket they meet it."""
    draw = Random(f"{buyer.user_id} {item.item_id}")  # noqa: S311, it plays a buyer, it guards nothing
    liked = any(tuple(item.category) == interest.category for interest in buyer.interests)
    if draw.random() >= (LIKED if liked else OTHER):
        return []
    kinds: list[UserEventType] = ["click"]
    if draw.random() < BID:
        kinds += ["bid", "purchase"] if draw.random() < WON else ["bid"]
    return [UserEvent(kind, at, buyer.user_id, item_id=item.item_id, request_id=request_id) for kind in kinds]
