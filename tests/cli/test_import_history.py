"""`smallpool import user-history` and `import items`: history from files, once however often they are read."""

import json
from typing import Any

import duckdb
import pytest

from builders import DAY
from cli_rig import Shell, listing
from smallpool_config.cli import import_history
from smallpool_config.clock import SystemClock
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_core.events import encode_user_event
from smallpool_core.users import TriggerState, UserEvent

NOW = SystemClock().now_ms()


def row(item: str = "i1", ago_ms: int = DAY, event: str = "click", user: Any = "u1", **changes: Any) -> dict[str, Any]:
    return {"user": user, "item": item, "event": event, "at": NOW - ago_ms} | changes


def jsonl(shell: Shell, *rows: object) -> str:
    return shell.write("history.jsonl", "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in rows))


def state_of(shell: Shell, user: str = "u1") -> TriggerState:
    system = open_system(Settings(store=StoreSettings(directory=str(shell.data))))
    try:
        return system.triggers.load(f"u:{user}")
    finally:
        system.close()


def imported(shell: Shell, file: str, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = shell.run("import", "user-history", file, "--json", code=code).json
    return told


@pytest.fixture
def shop(shell: Shell) -> Shell:
    shell.publish([listing(f"i{place}") for place in range(1, 5)])
    return shell


def test_people_are_no_strangers_after_it(shop: Shell) -> None:
    told = imported(shop, jsonl(shop, row("i1", 3 * DAY), row("i2", 20 * DAY, "purchase"), row("i3", DAY, "view", "u2")))
    assert (told["rows"], told["sent"], told["refused"], told["applied"]) == (3, 3, 0, True)
    state = state_of(shop)
    assert [one.item_id for one in state.recent] == ["i1"]
    assert [one.item_id for one in state.bought] == ["i2"]
    assert "seller:s1" in state.long
    assert [one.item_id for one in state_of(shop, "u2").recent] == ["i3"]


def test_a_file_that_is_read_twice_changes_nothing(shop: Shell) -> None:
    acts = [row("i1", DAY), row("i1", 25 * DAY), row("i2", 12 * DAY, "view"), row("i3", 9 * DAY, "purchase")]
    file = jsonl(shop, *acts)
    imported(shop, file)
    before = state_of(shop)
    told = imported(shop, file)
    assert (told["sent"], told["known"]) == (1, 3), "the act of yesterday is sent again, and its mark is known"
    assert state_of(shop) == before


def test_what_came_in_as_it_happened_is_not_counted_again(shop: Shell) -> None:
    system = open_system(Settings(store=StoreSettings(directory=str(shop.data))))
    event = UserEvent("click", NOW - DAY, user_id="u1", item_id="i1")
    system.log.append_now("user-events", [(event.identity.key, encode_user_event(event))], NOW)
    system.close()
    shop.run("triggers", "show", "u1")
    before = state_of(shop)
    imported(shop, jsonl(shop, row("i1", DAY)))
    assert state_of(shop) == before
    imported(shop, jsonl(shop, row("i1", DAY), row("i2", 20 * DAY)))
    assert [one.item_id for one in state_of(shop).recent] == ["i2", "i1"], "what is older than all that counts is new"


def test_the_order_of_the_file_does_not_matter(shell: Shell, shop: Shell) -> None:
    acts = [row(f"i{1 + place % 4}", (1 + place) * DAY) for place in range(12)]
    imported(shop, jsonl(shop, *acts[::2], *reversed(acts[1::2])))
    other = Shell(shell.folder / "other")
    other.publish([listing(f"i{place}") for place in range(1, 5)])
    imported(other, jsonl(other, *acts))
    mixed, sorted_ = state_of(shop), state_of(other)
    assert mixed.recent == sorted_.recent
    assert mixed.long.keys() == sorted_.long.keys()


def test_rows_that_are_no_acts_are_counted_with_the_reasons_of_the_first(shop: Shell) -> None:
    acts = ["no json", row(event="expose"), row(""), row(user=None), row(ago_ms=-10 * DAY), row(item="x" * 200), row("i1")]
    told = imported(shop, jsonl(shop, *acts), code=1)
    assert (told["sent"], told["refused"]) == (1, 6)
    reasons = {one["row"]: one["reason"] for one in told["rejected"]}
    assert list(reasons) == [1, 2, 3, 4, 5, 6]
    assert [word in reasons[row] for row, word in enumerate(("JSON", "expose", "item_id", "user_id", "ahead", "128"), 1)] == [True] * 6


def test_of_a_person_with_very_many_acts_the_latest_count(shop: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_history, "MOST_OF_A_PERSON", 3)
    told = imported(shop, jsonl(shop, *[row(f"i{1 + place % 4}", (10 - place) * DAY) for place in range(8)]))
    assert (told["sent"], told["passed_over"]) == (3, 5)
    assert [one.item_id for one in state_of(shop).recent] == ["i2", "i3", "i4"]


def test_parquet_is_read_as_well(shop: Shell) -> None:
    source, file = jsonl(shop, row("i1"), row("i2", 2 * DAY)), shop.folder / "history.parquet"
    duckdb.sql(f"COPY (FROM read_json('{source}')) TO '{file}'")
    assert imported(shop, str(file))["sent"] == 2


def test_a_file_that_is_none_is_refused(shop: Shell) -> None:
    assert "no.parquet" in shop.run("import", "user-history", shop.write("no.parquet", "no"), code=1).err
    assert "user, item, event, at" in shop.run("import", "user-history", columns_missing(shop), code=1).err


def columns_missing(shop: Shell) -> str:
    file = shop.folder / "other.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS \"user\", 2 AS thing) TO '{file}'")
    return str(file)


def test_importing_items_is_publishing_them(shell: Shell) -> None:
    file = shell.write("items.jsonl", json.dumps(listing("i1"), ensure_ascii=False))
    told = shell.run("import", "items", file, "--json").json
    assert (told["accepted"], told["applied"]) == (1, True)
    assert told.keys() == shell.run("publish", file, "--json").json.keys()
