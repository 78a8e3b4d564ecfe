"""Commands over the real Elasticsearch, Kafka and Redis, each in a process that has just begun and knows nothing yet."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from builders import NOW
from checkout import ROOT
from cli_rig import Shell, listing
from harm_rig import environment_of
from smallpool_config.clock import SystemClock
from smallpool_config.wiring import System, open_system
from smallpool_core.items import DeadLetter
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.experiments import index_of
from two_wirings import on_servers


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A marketplace on the servers, as `stack init` leaves it."""
    made = open_system(on_servers(tmp_path), SystemClock())
    made.init()
    yield made
    made.discard()


@pytest.fixture
def servers_shell(shell: Shell, system: System) -> Shell:
    """The command line with the settings of that marketplace."""
    shell.environment |= {"SMALLPOOL_CONFIG": str(ROOT / "config" / "distributed.toml"), **environment_of(system.settings)}
    return shell


def found(shell: Shell) -> dict[str, dict[str, str]]:
    return {one["check"]: one for one in shell.run("doctor", "--json").json["checks"]}


def test_the_doctor_asks_the_brokers_how_much_waits_and_since_when(system: System, servers_shell: Shell) -> None:
    assert found(servers_shell)["item events"] == {"check": "item events", "status": "ok", "found": "none waits"}
    now = system.clock.now_ms()
    system.log.append_now("item-events", [(f"i{number}", b"{}") for number in range(3)], now - 60_000)
    system.log.append_now("user-events", [("u1", b"{}")], now)
    said = found(servers_shell)
    assert (said["item events"]["status"], said["user events"]["status"]) == ("warn", "warn")
    assert said["item events"]["found"].startswith("3 wait, the oldest for 1 min")
    assert said["user events"]["found"] == "1 wait"


def test_a_dead_letter_is_listed_with_the_partition_that_it_came_from(system: System, servers_shell: Shell) -> None:
    letter = DeadLetter("item-events", 1, 7, "i1", b"nope", 4, "d", "type", "what was found", 3, NOW)
    system.log.dead_letter([letter])
    [listed] = servers_shell.run("dead-letters", "list", "--json").json
    assert (listed["topic"], listed["partition"], listed["from_offset"], listed["attempts"]) == ("item-events", 1, 7, 3)
    assert "item-events 1:7" in servers_shell.run("dead-letters", "list").out


def test_a_page_its_explanation_an_items_absence_and_a_pools_health_are_asked_for_like_anywhere(servers_shell: Shell) -> None:
    shell = servers_shell
    shell.publish([listing(f"i{place}", category=["数码", f"类{place}"]) for place in range(8)])
    shell.make_pool("p", "{field: price_cents, op: gt, value: 100}")
    page = shell.run("recall", "p", "--user", "u1", "--size", "5", "--explain", "--json").json
    assert len(page["items"]) == 5
    assert {source["source"] for source in page["trace"]["sources"]} >= {"terms", "popular", "newest"}
    printed = shell.run("recall", "p", "--user", "u1", "--size", "3", "--explain", "--query", "苹果手机").out
    assert printed.count("match .") == 3
    served = page["items"][0]["item_id"]
    assert shell.run("why", served, "--pool", "p", "--user", "u1", "--json").json["reason"] == "seen"
    health = shell.run("pools", "health", "p", "--json").json
    assert (health["pages"], health["page_fill"], health["size"]) == (2, 1.0, 8)
    assert {source["source"] for source in health["sources"]} >= {"terms", "popular", "newest"}


def test_a_command_where_nothing_was_made_says_to_make_topics_and_indices(servers_shell: Shell) -> None:
    servers_shell.environment["SMALLPOOL_KAFKA_PREFIX"] = "nobody-made-these."
    said = servers_shell.run("pools", "list", code=1).err
    assert "stack init" in said
    assert "--data" not in said


def test_the_doctor_finds_out_that_an_earlier_version_made_no_index_of_experiments(system: System, servers_shell: Shell) -> None:
    settings = system.settings.elasticsearch
    with closing(Connection(settings)) as connection:
        connection.sync.indices.delete(index=f"{index_of(settings)}-1")
    checks = {one["check"]: one for one in servers_shell.run("doctor", "--json", code=1).json["checks"]}
    assert checks["elasticsearch"]["status"] == "fail"
    assert "run `smallpool stack init` first" in checks["elasticsearch"]["found"]
