"""`smallpool publish` and `smallpool import wide`: what comes in, what is refused, and that nothing is taken in twice."""

import json

import msgspec
import pytest

from builders import wide_item
from cli_rig import Shell, listing
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system


def test_a_refused_line_is_named_and_costs_no_other(shell: Shell) -> None:
    rows = [json.dumps(listing("good")), "nope", json.dumps(listing("cheap", price_cents=-1)), "", json.dumps(listing("also"))]
    printed = shell.run("publish", shell.write("events.jsonl", "\n".join(rows)), code=1)
    assert printed.out == f"2 events from {shell.folder}/events.jsonl taken in, 2 rejected\n"
    assert printed.err.splitlines()[1] == "line 3: item.price_cents: found -1; a whole number (cents) from 0 to 1000000000000 is allowed"
    assert shell.run("pools", "preview", shell.write("all.yaml", "pool_id: a\nrule: {all: []}"), "--json").json["count"] == 2


def test_with_json_every_refused_line_is_data_and_stdout_holds_nothing_else(shell: Shell) -> None:
    printed = shell.run("publish", "-", "--json", code=1, stdin=f"{json.dumps(listing())}\n{{}}\n")
    assert printed.json["accepted"] == 1
    assert printed.json["applied"] is True
    assert printed.json["offsets"] == {"0": 0}
    assert [(row["line"], row["field"]) for row in printed.json["rejected"]] == [(2, "type")]


def test_titles_become_items_and_the_same_file_again_changes_nothing(shell: Shell) -> None:
    titles = shell.write("titles.txt", "苹果手机 95新\n和田玉手镯\n苹果手机 95新\n")
    shell.run("publish", "--titles", titles, "--seller", "s9")
    shell.run("publish", "--titles", titles, "--seller", "s9")
    shell.make_pool()
    page = shell.run("recall", "p", "--user", "u", "--json").json
    assert len(page["items"]) == 3
    assert ["数码", "手机"] in [line["category"] for line in page["items"]]


def test_the_same_title_of_another_seller_is_another_item(shell: Shell) -> None:
    titles = shell.write("titles.txt", "苹果手机\n")
    shell.run("publish", "--titles", titles, "--seller", "s1")
    shell.run("publish", "--titles", titles, "--seller", "s2")
    shell.make_pool()
    assert len(shell.run("recall", "p", "--user", "u", "--json").json["items"]) == 2


def test_without_waiting_events_lie_on_the_log_until_a_later_command_takes_them_in(shell: Shell) -> None:
    shell.run("publish", "-", "--no-wait", stdin=json.dumps(listing()))
    assert next(check for check in shell.run("doctor", "--json").json["checks"] if check["check"] == "item events")["status"] == "warn"
    shell.run("index", "--once")
    shell.make_pool()
    assert len(shell.run("recall", "p", "--user", "u", "--json").json["items"]) == 1


@pytest.mark.parametrize("arguments", [(), ("-", "--titles", "-"), ("-", "--seller", "s1"), ("missing.jsonl",)])
def test_a_source_that_makes_no_sense_is_a_usage_error(shell: Shell, arguments: tuple[str, ...]) -> None:
    shell.run("publish", *arguments, code=2)
    assert not shell.data.exists()


def test_ready_made_wide_items_are_stored_as_they_are_and_older_ones_left_out(shell: Shell) -> None:
    rows = [wide_item("i1", version=2), wide_item("i1"), wide_item("i2")]
    lines = [msgspec.json.encode(item).decode() for item in rows] + ['{"item_id": 3}', msgspec.json.encode(wide_item(version=-1)).decode()]
    printed = shell.run("import", "wide", shell.write("wide.jsonl", "\n".join(lines)), "--json", code=1).json
    assert (printed["stored"], printed["older"]) == (2, 1)
    assert [row["line"] for row in printed["rejected"]] == [4, 5]
    system = open_system(Settings(store=StoreSettings(directory=str(shell.data))))
    assert {item_id: item.version for item_id, item in system.wide.get(["i1", "i2"]).items()} == {"i1": 2, "i2": 1}
    system.close()
    shell.make_pool()
    assert {line["item_id"] for line in shell.run("recall", "p", "--user", "u", "--json").json["items"]} == {"i1", "i2"}
