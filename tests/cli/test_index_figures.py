"""What `smallpool index` tells of itself: figures of what it took in, and whether its threads live and come round."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from cli_rig import Shell, listing
from harm_rig import await_that
from smallpool_config.pulse import HANGS_S, hanging
from smallpool_config.runtime import Background
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.watching import Watched, answering
from smallpool_config.wiring import open_system
from smallpool_indexer.write_path import Worker


class Monotonic:
    """A clock that never jumps but where a test lets it."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@contextmanager
def told(folder: Path, turn: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> Iterator[str]:
    """Where a process that turns so tells of itself."""
    with ExitStack() as stack:
        system = open_system(Settings(store=StoreSettings(directory=str(folder), synchronous="off")))
        stack.callback(system.close)
        background = stack.enter_context(Background(system, [[Worker("taking in", turn)]], clock))
        yield stack.enter_context(answering(Watched(system, background), "127.0.0.1", 0))


def test_the_process_counts_what_it_takes_in_and_says_that_it_is_well(shell: Shell) -> None:
    rows = [json.dumps(listing("i1"))] * 3 + [json.dumps(listing("i2"))]
    shell.run("publish", "-", "--no-wait", stdin="\n".join(rows))
    with shell.started("index", "--metrics-port", "0") as process:
        assert process.stderr is not None
        address = process.stderr.readline().split("; ")[1].removesuffix("/metrics")
        await_that(lambda: "smallpool_item_events_lag 0.0" in httpx.get(f"{address}/metrics").text, "all is taken in")
        figures = httpx.get(f"{address}/metrics").text
        assert 'smallpool_counts_total{name="dup"} 2.0' in figures
        assert 'smallpool_stage_in_total{stage="understand"}' in figures
        assert 'smallpool_stage_seconds_count{stage="understand"}' in figures
        health, ready = httpx.get(f"{address}/healthz"), httpx.get(f"{address}/readyz")
        assert (health.status_code, health.json()) == (200, {"status": "ok", "failing": {}})
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "failing": {}, "item_events_lag": 0, "user_events_lag": 0})
        assert httpx.get(f"{address}/v1/pools").status_code == 404


def test_without_a_port_it_listens_on_nothing_and_a_port_that_is_taken_is_told(shell: Shell) -> None:
    with shell.started("index") as process:
        assert process.stderr is not None
        assert "http" not in process.stderr.readline()
    shell.environment["SMALLPOOL_HTTP_METRICS_PORT"] = "0"
    with shell.started("index") as process:
        assert process.stderr is not None
        address = process.stderr.readline().split("; ")[1]
        other = Shell(shell.folder / "other")
        port = address.removesuffix("/metrics").rpartition(":")[2]
        assert "could not listen" in other.run("index", "--metrics-port", port, code=1).err


def test_a_thread_that_hangs_makes_the_process_unhealthy_until_it_comes_round(tmp_path: Path) -> None:
    clock, go_on, begun = Monotonic(), threading.Event(), threading.Event()

    def turn() -> bool:
        begun.set()
        return go_on.wait()

    with told(tmp_path, turn, clock) as address, ExitStack() as failing:
        failing.callback(go_on.set)  # else a test that fails would wait for the thread for ever
        begun.wait()
        clock.s += HANGS_S
        assert httpx.get(f"{address}/healthz").status_code == 200
        clock.s += 1
        hanging = httpx.get(f"{address}/healthz")
        assert (hanging.status_code, hanging.json()["failing"]) == (503, {"taking in": "has not come round for 301 s"})
        assert httpx.get(f"{address}/readyz").status_code == 503
        go_on.set()
        await_that(lambda: httpx.get(f"{address}/healthz").status_code == 200, "it comes round again")


def test_a_thread_that_died_makes_the_process_unhealthy(tmp_path: Path) -> None:
    def turn() -> bool:
        raise ZeroDivisionError("a defect")

    with told(tmp_path, turn) as address:
        await_that(lambda: httpx.get(f"{address}/healthz").status_code == 503, "it is known that the thread died")
        assert httpx.get(f"{address}/healthz").json()["failing"] == {"taking_in": "taking in: a defect"}


def test_a_thread_hangs_once_it_has_been_silent_for_longer_than_any_store_may_take() -> None:
    silent = {"reading": HANGS_S, "writing": HANGS_S + 1, "gone": float("inf")}
    assert hanging(silent) == {"writing": "has not come round for 301 s", "gone": "has not come round for inf s"}
