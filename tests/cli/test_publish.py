"""`smallpool publish` and `smallpool import wide`: what comes in, what is refused, and that nothing is taken in twice."""

import json

import msgspec
import pytest

from builders import wide_item
from cli_rig import Shell, listing
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_core.versions import MAX_ENRICH


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


def test_fields_that_are_ignored_and_titles_that_are_cut_are_counted(shell: Shell) -> None:
    row = json.dumps(listing() | {"more": 1, "item": {"title": "书" * 1_200}})
    printed = shell.run("publish", "-", stdin=row)
    assert printed.out.endswith("1 event from stdin taken in, 1 title cut, 1 unknown field\n")
    assert shell.run("publish", "-", "--json", stdin=row).json["counts"] == {"title_cut": 1, "unknown_field": 1}


def test_ready_made_items_are_in_the_pools_whose_rules_hold_whatever_their_file_says(shell: Shell) -> None:
    shell.make_pool("cheap", "{field: price_cents, op: lte, value: 100}")
    rows = [wide_item("a", price_cents=50), wide_item("b", price_cents=900, pools=("cheap", "elsewhere"))]
    shell.run("import", "wide", "-", stdin="\n".join(msgspec.json.encode(item).decode() for item in rows))
    assert [line["item_id"] for line in shell.run("recall", "cheap", "--user", "u", "--json").json["items"]] == ["a"]


def test_a_count_that_only_removals_have_is_refused_on_an_item_on_sale(shell: Shell) -> None:
    rows = [wide_item("a", enrich=MAX_ENRICH), wide_item("b", enrich=MAX_ENRICH + 1), wide_item("c", state="sold", enrich=3)]
    lines = "\n".join(msgspec.json.encode(item).decode() for item in rows)
    printed = shell.run("import", "wide", "-", "--json", code=1, stdin=lines).json
    assert (printed["stored"], [row["line"] for row in printed["rejected"]]) == (1, [2, 3])
