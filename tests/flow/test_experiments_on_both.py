"""An experiment from its start to its report, in both wirings: the same people in the same buckets, the same figures."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from builders import MINUTE, NOW, FakeClock
from harm_rig import await_that
from smallpool_config.clock import SystemClock
from smallpool_core.events import encode_user_event
from smallpool_core.experiments import Bucket, ExperimentDraft
from smallpool_core.users import Identity, UserEvent
from smallpool_service.experiments.following import AT_ONCE, Span, follow
from smallpool_service.experiments.operating import save_experiment
from smallpool_service.experiments.report import Asked, Report, report
from smallpool_service.operators import Change
from smallpool_service.request import RecallRequest
from smallpool_stores.duckdb.outcomes import open_outcomes
from system_rig import EVERYTHING, Marketplace, listings
from two_wirings import Rested, distributed, embedded, on_servers

PEOPLE = 16
BUCKETS = (Bucket("control", 0.5), Bucket("one", 0.5, settings={"max_per_category": 1}))
WIRINGS: dict[str, Callable[..., AbstractContextManager[Marketplace]]] = {"embedded": embedded, "distributed": distributed}


def start(market: Marketplace, experiment_id: str = "caps", **draft: Any) -> None:
    system = market.system
    wanted = ExperimentDraft(**{"buckets": BUCKETS, "state": "running"} | draft)
    change = Change("me", "", system.clock.now_ms(), None)
    asyncio.run(save_experiment(system.experiment_store, system.experiments, experiment_id, wanted, change))


def visit(market: Marketplace, clock: FakeClock) -> dict[str, dict[str, int]]:
    """A page for each person, of which the odd ones click the second item; the lengths of pages by bucket."""
    lengths: dict[str, dict[str, int]] = {}
    for number in range(PEOPLE):
        identity = Identity(f"u{number}", None)
        page = asyncio.run(market.system.recaller.recall_once(RecallRequest(pool_id="p", identity=identity, size=6)))
        lengths[identity.key] = {page.bucket["main"]: len(page.items)}
        if number % 2:
            clicked = UserEvent("click", clock.now_ms() + 1, identity.user_id, item_id=page.items[1].item_id, request_id=page.request_id)
            market.system.log.append_now("user-events", [(identity.key, encode_user_event(clicked))], clock.now_ms())
    return lengths


def reported(market: Marketplace) -> Report:
    system = market.system
    stored = asyncio.run(system.experiment_store.newest())[0].experiment
    return asyncio.run(report(system.log, system.clock, open_outcomes, stored, Asked()))


def lived(wiring: str, folder: Path) -> tuple[dict[str, dict[str, int]], Report]:
    clock = FakeClock(NOW)
    folder.mkdir()
    with WIRINGS[wiring](folder, clock) as market:
        market.take(*listings(12, per_category=3))
        market.save_pool("p", EVERYTHING)
        market.settle()
        start(market)
        lengths = visit(market, clock)
        clock.advance(MINUTE)
        return lengths, reported(market)


def test_both_wirings_put_the_same_people_into_the_same_buckets_and_report_the_same(tmp_path: Path) -> None:
    (lengths, of_one), (others, of_servers) = (lived(wiring, tmp_path / wiring) for wiring in WIRINGS)
    assert lengths == others
    assert {bucket for one in lengths.values() for bucket in one.items()} == {("caps:control", 6), ("caps:one", 4)}
    assert of_one == of_servers
    clicks = next(one for one in of_one.figures if one.figure == "clicks_per_user")
    assert sum(one.count for one in clicks.buckets) == PEOPLE / 2


def test_a_started_experiment_is_known_in_another_process_within_a_second(tmp_path: Path) -> None:
    settings = on_servers(tmp_path)
    with distributed(tmp_path, SystemClock(), settings=settings) as market:  # type: ignore[arg-type]
        market.save_pool("p", EVERYTHING)
        with Rested(settings, clock=SystemClock()) as other:
            start(market)

            def knows() -> bool:
                request = RecallRequest(pool_id="p", identity=Identity("u", None), dry_run=True)
                return "main" in asyncio.run(other.system.recaller.recall(request)).bucket

            await_that(knows, "the other process has the experiment")


@pytest.mark.parametrize("beyond", [0, 1, AT_ONCE // 2])
def test_more_than_is_read_at_once_is_read_whole(tmp_path: Path, beyond: int) -> None:
    with embedded(tmp_path, FakeClock(NOW)) as market:
        many = [("u:u", encode_user_event(UserEvent("click", NOW + 1, "u", item_id=f"i{n}"))) for n in range(AT_ONCE + beyond)]
        market.system.log.append_now("user-events", many, NOW)
        seen: list[tuple[str, int]] = []

        class Counting:
            def add(self, topic: str, values: list[bytes]) -> None:
                seen.append((topic, len(values)))

            def attribute(self, since: int, until: int, window_ms: int) -> None:
                seen.append(("attributed", until - since))

        asyncio.run(follow(market.system.log, market.system.clock, Counting(), Span(NOW, NOW + MINUTE)))  # type: ignore[arg-type]
        counts = [count for topic, count in seen if topic == "user-events"]
        assert sum(counts) == AT_ONCE + beyond
        assert max(counts) <= AT_ONCE
        assert seen[-1] == ("attributed", MINUTE)
