"""`smallpool pools`: files are the truth, every mistake is told before the first change, and a second time nothing is left to do."""

from pathlib import Path

import pytest
import yaml

from checkout import ROOT
from cli_rig import Shell, phones
from smallpool_config.settings import shipped

CHEAP = "{field: price_cents, op: lte, value: 50000}"


def test_applying_makes_changes_and_then_has_nothing_to_do(shell: Shell) -> None:
    shell.publish(phones(3))
    path = shell.make_pool("p", CHEAP)
    assert shell.run("pools", "list", "--json").json[0]["size"] == 0
    shell.write("pools/p.yaml", "pool_id: p\nrule: {all: []}\nsettings: {max_per_category: 2}\n")
    changed = shell.run("pools", "apply", path, "--json").json
    assert changed == [{"pool_id": "p", "action": "change", "changes": ["rule", "settings"]}]
    pool = shell.run("pools", "list", "--json").json[0]
    assert (pool["revision"], pool["tagged"], pool["size"], pool["name"]) == (2, True, 3, "p")
    assert shell.run("pools", "apply", path, "--json").json == [{"pool_id": "p", "action": "unchanged", "changes": []}]
    assert shell.run("pools", "list", "--json").json[0]["revision"] == 2


def test_a_dry_run_prints_the_plan_and_changes_nothing(shell: Shell) -> None:
    shell.make_pool("p", CHEAP)
    path = shell.write("pools/p.yaml", "pool_id: p\nrule: {all: []}\n")
    printed = shell.run("pools", "apply", path, "--dry-run")
    assert (
        printed.out == '~ change    p\n    rule: {"field":"price_cents","op":"lte","value":50000} → {"all":[]}\n1 of 1 pools would change\n'
    )
    assert shell.run("pools", "show", "p", "--json").json["pool"]["revision"] == 1


def test_a_revision_says_who_made_it_and_why(shell: Shell) -> None:
    shell.run("pools", "apply", shell.write("p.yaml", "pool_id: p\nrule: {all: []}\n"), "--reason", "the season begins")
    revision = shell.run("pools", "show", "p", "--json").json["revisions"][0]
    assert revision["reason"] == "the season begins"
    assert revision["author"].endswith("(command line)")


def test_every_mistake_of_every_file_is_told_and_nothing_is_saved(shell: Shell) -> None:
    shell.write("pools/a.yaml", "pool_id: good\nrule: {all: []}\n")
    shell.write("pools/b.yaml", "pool_id: b\nrulle: {}\nrule: {field: price, op: lte, value: 5}\nsettings: {max_per_category: 0}\n")
    shell.write("pools/c.yaml", "pool_id: [unclosed\n")
    shell.write("pools/d.yaml", "- a list\n")
    shell.write("pools/e.yaml", "pool_id: good\nrule: {all: []}\n")
    shell.write("pools/f.yaml", "rule: {all: []}\nstate: alive\n")
    told = shell.run("pools", "apply", str(shell.folder / "pools"), code=1).err
    for mistake in ("b.yaml: rulle", "c.yaml: (file)", "d.yaml: (file)", "e.yaml: pool_id", "f.yaml: pool_id", "f.yaml: state"):
        assert mistake in told
    shell.write("pools/b.yaml", "pool_id: b\nrule: {field: price, op: lte, value: 5}\nsettings: {max_per_category: 0}\n")
    told = shell.run("pools", "apply", str(shell.folder / "pools"), code=1).err
    assert "b.yaml: rule.field" in told
    assert "b.yaml: settings.max_per_category" in told
    assert shell.run("pools", "list", "--json").json == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("pool_id", 'pool_id: "a\\x01"\nrule: {all: []}\n'),
        ("pool_id", f"pool_id: {'x' * 129}\nrule: {{all: []}}\n"),
        ("pool_id", 'pool_id: " "\nrule: {all: []}\n'),
        ("pool_id", "pool_id: 5\nrule: {all: []}\n"),
        ("name", 'pool_id: p\nname: "\\x1b[31m"\nrule: {all: []}\n'),
        ("(file)", "pool_id: p\nrule: {all: []}\nrule: {any: []}\n"),
        ("(file)", "pool_id: p\nrule: {all: [{field: price_cents, op: gt, value: 5, op: lt}]}\n"),
    ],
)
def test_a_file_is_held_to_what_the_api_allows(shell: Shell, place: str, text: str) -> None:
    told = shell.run("pools", "apply", shell.write("p.yaml", text), code=1).err
    assert f"p.yaml: {place}: found" in told
    assert shell.run("pools", "list", "--json").json == []


def test_a_mapping_may_begin_with_another(shell: Shell) -> None:
    leaf = "{field: price_cents, op: gt, value: 5}"
    shell.run("pools", "apply", shell.write("p.yaml", f"pool_id: p\nrule: {{all: [&dear {leaf}, {{<<: *dear, value: 9}}]}}\n"))
    assert shell.run("pools", "show", "p", "--json").json["pool"]["rule"]["all"][1]["value"] == 9


def test_a_rule_is_tried_out_from_its_file_without_being_saved(market: Shell) -> None:
    everything = shell_file(market, "{all: []}")
    found = market.run("pools", "preview", everything, "--sample", "2", "--json").json
    assert (found["count"], found["on_sale"], len(found["items"])) == (250, 250, 2)
    nothing = market.run("pools", "preview", shell_file(market, CHEAP))
    assert nothing.out.startswith("0 of 250 items on sale")
    assert "none of the 250 items" in nothing.err
    assert [pool["pool_id"] for pool in market.run("pools", "list", "--json").json] == ["p"]


def test_a_rule_is_shown_as_its_file_would_hold_it(market: Shell) -> None:
    rule = market.run("pools", "show", "p").out.partition("\n")[2].partition("settings:")[0]
    assert yaml.safe_load(rule) == {"all": []}


@pytest.mark.parametrize("path", sorted(shipped("pools").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_pool_is_named_like_its_file(path: Path) -> None:
    assert path.is_relative_to(ROOT)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["pool_id"] == path.stem


def shell_file(shell: Shell, rule: str) -> str:
    return shell.write("draft.yaml", f"pool_id: draft\nrule: {rule}\n")
