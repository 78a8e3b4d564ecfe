"""`smallpool serve` and `smallpool index` while the broker is down at the start, for a while, or slow; and told to stop under load."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

import http_rig
from harm_rig import Indexing, Servers, Serving, await_that, body_of
from smallpool_config.clock import SystemClock
from smallpool_config.settings import Settings
from smallpool_config.wiring import open_system
from smallpool_core.events import INDEXER_GROUP
from smallpool_service.settings import ReadSettings
from smallpool_stores.kafka.offsets import Offsets
from two_wirings import on_servers

OUTAGE_S = 10.0
STOPPED_WITHIN_S = 10.0
"""Three seconds for requests under way, two for workers, a few for letting go of groups and stores."""


@pytest.fixture
def settings(harming: Servers, tmp_path: Path) -> Iterator[Settings]:
    """A marketplace that has its topics and indices."""
    made = replace(on_servers(tmp_path, at=harming.addresses), read=ReadSettings(timeout_ms=2_000))
    maker = open_system(made, SystemClock())
    maker.init()
    maker.close()
    yield made
    harming.mend()
    open_system(made, SystemClock()).discard()


@contextmanager
def processes(settings: Settings, folder: Path) -> Iterator[tuple[Indexing, Serving]]:
    with ExitStack() as stack:
        yield stack.enter_context(Indexing(settings, folder / "index")), stack.enter_context(Serving(settings, folder / "serve"))


def rows(first: int, count: int) -> list[dict[str, Any]]:
    now = SystemClock().now_ms()
    return [http_rig.listing(f"n{number:05}", at=now, category=["数码", f"类{number}"]) for number in range(first, first + count)]


def post(client: httpx.Client, first: int, count: int = 5) -> list[str]:
    """The ids that were acknowledged, none where the log does not take them; nothing else may happen."""
    batch = rows(first, count)
    reply = client.post("/v1/item-events", json={"events": batch})
    assert reply.status_code in {202, 503}, reply.text
    return [row["item_id"] for row in batch] if reply.status_code == 202 else []


def make_pool(client: httpx.Client) -> None:
    body_of(client.post("/v1/pools", json={"pool_id": "p", "name": "p", "rule": {"all": []}}))


def page(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    return body_of(client.post("/v1/pools/p/recall", json={"user_id": "u1", "dry_run": True} | changes))


def is_recallable(client: httpx.Client, item_ids: list[str]) -> bool:
    known = [client.get(f"/v1/items/{item_id}") for item_id in item_ids]
    return all(reply.status_code == 200 and reply.json()["state"] == "on_sale" for reply in known)


def readiness(client: httpx.Client) -> tuple[bool, dict[str, Any]]:
    """Whether the process says that it is ready, and all that it says."""
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()["ready"]) in {(200, True), (503, False)}, reply.text
    return reply.status_code == 200, reply.json()


def is_ready(client: httpx.Client) -> bool:
    return readiness(client)[0]


def names_kafka(client: httpx.Client) -> bool:
    """Whether the process says that it is not ready because of Kafka, and that it knows of no lag."""
    ready, said = readiness(client)
    return not ready and "Kafka" in said["failing"].get("kafka", "") and said["item_events_lag"] is None


def test_case_12_processes_that_start_without_a_broker_wait_for_it_and_then_work(
    harming: Servers, settings: Settings, tmp_path: Path
) -> None:
    harming.kill("kafka")
    with processes(settings, tmp_path) as (index, serve):
        serve.await_saying("starting waits")
        index.await_saying("starting waits")
        assert "API docs" not in serve.said, "what does not listen is not ready"
        harming.start("kafka")
        with serve.client() as client:
            make_pool(client)
            sent = post(client, 0)
            await_that(lambda: is_recallable(client, sent), "what was acknowledged is in the wide index")
            await_that(lambda: is_ready(client), "the process is ready")
            await_that(lambda: page(client)["items"], "a page has something on it")


def test_case_12_through_an_outage_pages_go_on_and_what_was_acknowledged_is_there_afterwards(
    harming: Servers, settings: Settings, tmp_path: Path
) -> None:
    with processes(settings, tmp_path) as (index, serve), serve.client(timeout_s=60) as client:
        index.await_ready()
        make_pool(client)
        acknowledged = post(client, 0, 40)
        await_that(lambda: len(page(client)["items"]) == 10, "a page is full")
        harming.kill("kafka")
        until, first = time.monotonic() + OUTAGE_S, 1_000
        while time.monotonic() < until:
            acknowledged += post(client, first)
            made = page(client, user_id=f"u{first}", dry_run=False)
            assert len(made["items"]) == 10, "pages go on from the last index"
            assert client.get("/healthz").status_code == 200
            first += 5
        await_that(lambda: not is_ready(client), "the process says that it is not ready")
        harming.start("kafka")
        await_that(lambda: is_ready(client), "the process is ready again")
        await_that(lambda: len(last := post(client, 9_000)) == 5 and acknowledged.extend(last) is None, "events are taken again")
        await_that(lambda: is_recallable(client, acknowledged), "everything acknowledged is in the wide index")
        assert index.is_alive
        assert serve.is_alive


@pytest.mark.parametrize("how", ["killed", "hangs"])
def test_case_12_a_server_without_a_broker_is_not_ready_and_names_kafka_while_it_serves_on_and_is_ready_again_after(
    harming: Servers, settings: Settings, tmp_path: Path, how: str
) -> None:
    with processes(settings, tmp_path) as (index, serve), serve.client(timeout_s=60) as client:
        index.await_ready()
        make_pool(client)
        post(client, 0, 40)
        await_that(lambda: len(page(client)["items"]) == 10, "a page is full")
        assert is_ready(client), "it is ready from its first answer on"
        await_that(lambda: index.ask("/readyz").status_code == 200, "the indexer is ready")
        (harming.kill if how == "killed" else harming.pause)("kafka")
        await_that(lambda: names_kafka(client), "the process says that it is not ready")
        for number in range(3):
            assert len(page(client, user_id=f"u{number}", dry_run=False)["items"]) == 10, "pages go on from the last index"
            assert client.get("/healthz").status_code == 200
            assert names_kafka(client), "it stays so for as long as Kafka is away"
        await_that(lambda: "Kafka" in index.ask("/readyz").json()["failing"].get("kafka", ""), "the indexer is not ready")
        assert index.ask("/healthz").status_code == 200, "it waits for Kafka, and is not to be ended for it"
        harming.start("kafka") if how == "killed" else harming.resume("kafka")
        await_that(lambda: is_ready(client), "the process is ready again")
        assert readiness(client)[1]["item_events_lag"] is not None
        await_that(lambda: index.ask("/readyz").status_code == 200, "the indexer is ready again")
        assert 'smallpool_stage_seconds_count{stage="understand"}' in index.ask("/metrics").text


def test_the_age_in_readiness_and_on_a_page_is_that_of_events_which_no_indexer_takes_in(settings: Settings, tmp_path: Path) -> None:
    waited_ms = 3_000
    with processes(settings, tmp_path) as (index, serve), serve.client() as client:
        index.await_ready()
        make_pool(client)
        first = post(client, 0)
        await_that(lambda: is_recallable(client, first), "the first listings are in the wide index")
        await_that(lambda: readiness(client)[1]["live_view_age_ms"] < waited_ms, "nothing waits")
        index.kill()
        sent_at = SystemClock().now_ms()
        assert len(post(client, 100)) == 5
        await_that(lambda: readiness(client)[1]["live_view_age_ms"] >= waited_ms, "the age grows while the events wait")
        said = readiness(client)[1]
        assert said["ready"], "serving goes on"
        assert said["item_events_lag"] == 5
        assert said["live_view_age_ms"] <= SystemClock().now_ms() - sent_at
        assert page(client)["trace"]["age_ms"] >= waited_ms
        with Indexing(settings, tmp_path / "again") as again:
            again.await_ready()
            await_that(lambda: readiness(client)[1]["live_view_age_ms"] < waited_ms, "nothing waits any more")
            await_that(lambda: readiness(client)[1]["item_events_lag"] == 0, "all is taken in")


def test_case_12_with_a_broker_that_stops_and_goes_on_nothing_acknowledged_is_lost(
    harming: Servers, settings: Settings, tmp_path: Path
) -> None:
    with processes(settings, tmp_path) as (index, serve), serve.client(timeout_s=60) as client:
        index.await_ready()
        make_pool(client)
        acknowledged = post(client, 0, 40)
        await_that(lambda: len(page(client)["items"]) == 10, "a page is full")
        for number in range(3):
            harming.pause("kafka")
            stopped = threading.Timer(2.0, harming.resume, ("kafka",))
            stopped.start()
            acknowledged += post(client, 1_000 + 10 * number)
            assert page(client)["items"]
            stopped.join()
        await_that(lambda: is_recallable(client, acknowledged), "everything acknowledged is in the wide index")
        await_that(lambda: is_ready(client), "the process is ready")


def test_a_server_that_is_told_to_stop_under_load_finishes_what_it_took_and_ends_soon(settings: Settings, tmp_path: Path) -> None:
    with processes(settings, tmp_path) as (index, serve), serve.client() as client:
        index.await_ready()
        make_pool(client)
        acknowledged = post(client, 0, 20)
        statuses: list[int] = []

        def ask_on() -> None:
            number = 0
            try:
                while True:
                    acknowledged.extend(post(client, 1_000 + 5 * number))
                    statuses.append(client.post("/v1/pools/p/recall", json={"user_id": f"u{number}"}).status_code)
                    number += 1
            except httpx.TransportError:
                return

        load = threading.Thread(target=ask_on)
        load.start()
        await_that(lambda: len(statuses) > 20, "requests are answered")
        assert serve.stop(STOPPED_WITHIN_S) == 0, serve.said
        load.join()
        assert set(statuses) == {200}
        assert "stopped; everything acknowledged is stored" in serve.said
        assert index.stop(STOPPED_WITHIN_S) == 0, index.said
        with closing(Offsets(settings.kafka)) as offsets:
            assert not offsets.has_members("item-events", INDEXER_GROUP)
    with processes(settings, tmp_path) as (_, again), again.client() as client:
        await_that(lambda: is_recallable(client, acknowledged), "everything acknowledged is in the wide index")
