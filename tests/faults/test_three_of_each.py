"""One of three Elasticsearch nodes, and one of three brokers, killed while a server takes events and answers pages."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from msgspec.structs import replace

import http_rig
from harm_rig import Indexing, Servers, Serving, await_that, servers
from smallpool_config.clock import SystemClock
from smallpool_config.settings import Settings
from smallpool_config.stack.state import Kind
from smallpool_config.wiring import open_system
from smallpool_service.settings import ReadSettings
from two_wirings import on_servers

BEFORE_S, AFTER_S = 5.0, 30.0
"""How long load runs before a node is killed, and after."""
BATCH = 5


class Load(NamedTuple):
    """What came of requests of one kind: status and instant of each answer, and what was acknowledged."""

    statuses: list[int]
    instants: list[float]
    acknowledged: list[str]

    @property
    def longest_gap_s(self) -> float:
        """Between two answers that were no refusal."""
        good = [at for at, status in zip(self.instants, self.statuses, strict=True) if status < 500]
        return max(later - earlier for earlier, later in pairwise(good))

    def note(self, status: int) -> None:
        self.statuses.append(status)
        self.instants.append(time.monotonic())


@pytest.fixture(scope="module")
def trio() -> Iterator[Servers]:
    with servers("trio", nodes=3) as made:
        yield made


@pytest.fixture
def settings(trio: Servers, tmp_path: Path) -> Iterator[Settings]:
    made = on_servers(tmp_path, partitions=4, at=trio.addresses)
    made = replace(
        made,
        elasticsearch=replace(made.elasticsearch, replicas=1),
        kafka=replace(made.kafka, replication=3),
        read=ReadSettings(timeout_ms=5_000),
    )
    maker = open_system(made, SystemClock())
    maker.init()
    maker.close()
    yield made
    trio.mend()
    open_system(made, SystemClock()).discard()


def publish(client: httpx.Client, load: Load, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        now = SystemClock().now_ms()
        batch = [http_rig.listing(f"n{place:06}", at=now, category=["数码", f"类{place % 500}"]) for place in range(number, number + BATCH)]
        status = client.post("/v1/item-events", json={"events": batch}).status_code
        load.note(status)
        if status == 202:
            load.acknowledged.extend(row["item_id"] for row in batch)
        number += BATCH


def ask(client: httpx.Client, load: Load, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        load.note(client.post("/v1/pools/p/recall", json={"user_id": f"u{number}"}).status_code)
        number += 1


@pytest.mark.faults_long
@pytest.mark.parametrize("kind", ["elasticsearch", "kafka"])
def test_one_of_three_killed_under_load_loses_no_item_and_refuses_nothing(
    trio: Servers, settings: Settings, tmp_path: Path, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        for name in ("first", "second"):
            stack.enter_context(Indexing(settings, tmp_path / name)).await_ready()
        client = stack.enter_context(stack.enter_context(Serving(settings, tmp_path / "serve")).client(timeout_s=60))
        assert client.post("/v1/pools", json={"pool_id": "p", "name": "p", "rule": {"all": []}}).status_code == 201
        events, pages, stop = Load([], [], []), Load([], [], []), threading.Event()
        threads = [
            threading.Thread(target=publish, args=(client, events, stop)),
            threading.Thread(target=ask, args=(client, pages, stop)),
        ]
        for thread in threads:
            thread.start()
        stop.wait(BEFORE_S)
        trio.kill(kind, 1)
        stop.wait(AFTER_S)
        stop.set()
        for thread in threads:
            thread.join()
        trio.mend()
        await_that(lambda: all_there(client, events.acknowledged), "everything acknowledged is in the wide index")
    with capsys.disabled():
        for name, load in {"events": events, "pages": pages}.items():
            refused = sum(status >= 500 for status in load.statuses)
            print(f"\n{kind} 1 killed: {len(load.statuses)} {name}, {refused} refused, longest gap {load.longest_gap_s:.2f} s", end="")  # noqa: T201, figures are for people
    assert {status for status in (*pages.statuses, *events.statuses) if status >= 500} == set()


def all_there(client: httpx.Client, item_ids: list[str]) -> bool:
    return all(client.get(f"/v1/items/{item_id}").status_code == 200 for item_id in item_ids[-200:]) and all(
        client.get(f"/v1/items/{item_id}").status_code == 200 for item_id in item_ids
    )
