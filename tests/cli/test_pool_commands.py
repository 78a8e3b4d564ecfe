"""`smallpool pools`: files are the truth, every mistake is told before the first change, and a second time nothing is left to do."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from builders import user_event
from checkout import ROOT
from cli_rig import Shell, listing, phones
from smallpool_config.settings import Settings, StoreSettings, shipped
from smallpool_config.wiring import open_system
from smallpool_core.events import encode_user_event

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


def test_the_health_of_pools_is_a_table_and_of_one_pool_its_sources(shell: Shell) -> None:
    shell.publish(phones(30))
    shell.make_pool("p")
    shell.make_pool("quiet", CHEAP)
    for user in ("u1", "u2"):
        shell.run("recall", "p", "--user", user, "--size", "8")
    [one, quiet] = shell.run("pools", "health", "--json").json
    assert (one["pool_id"], one["size"], one["pages"], one["page_fill"], one["alerts"]) == ("p", 30, 2, 1.0, [])
    by_source = {source["source"]: source for source in one["sources"]}
    assert by_source["newest"]["in_pool"] == by_source["newest"]["returned"] == 20
    assert 0 < by_source["newest"]["page"] <= 8
    assert (quiet["pages"], quiet["page_fill"], quiet["sources"]) == (0, None, [])
    assert shell.run("pools", "health", "p", "--json").json == one
    printed = shell.run("pools", "health").out
    assert "100%" in printed
    assert "newest 20" in printed
    assert "for one page" in shell.run("pools", "health", "p").out
    assert "no pool is named 'nope'" in shell.run("pools", "health", "nope", code=1).err


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


def test_exported_pools_are_applied_unchanged_and_a_second_export_writes_nothing(shell: Shell) -> None:
    shell.make_pool("p", CHEAP, "state: draft\nsettings: {max_per_category: 2, seen_size: 300}\nordering: {weights: {match: 0.1}}\n")
    shell.run("pools", "apply", shell.write("q.yaml", "pool_id: 数码/捡漏.yaml\nname: '# yes: no'\nrule: {any: []}\n"))
    folder = str(shell.folder / "exported")
    written = shell.run("pools", "export", folder, "--json").json
    assert [(one["pool_id"], one["written"]) for one in written] == [("p", True), ("数码/捡漏.yaml", True)]
    applied = shell.run("pools", "apply", folder, "--json").json
    assert [(one["pool_id"], one["action"]) for one in applied] == [("p", "unchanged"), ("数码/捡漏.yaml", "unchanged")]
    assert {one["written"] for one in shell.run("pools", "export", folder, "--json").json} == {False}
    assert shell.run("pools", "export", folder).out.startswith("0 of 2 files")


def test_an_export_writes_over_the_file_that_holds_the_pool_and_over_no_other(shell: Shell) -> None:
    shell.make_pool("p", CHEAP)
    shell.write("kept/other.yaml", "pool_id: p\nrule: {all: []}\n")
    shell.write("kept/q.yaml", "pool_id: elsewhere\nrule: {all: []}\n")
    shell.make_pool("q")
    files = [Path(one["file"]) for one in shell.run("pools", "export", str(shell.folder / "kept"), "--json").json]
    assert files[0].name == "other.yaml"
    assert yaml.safe_load(files[0].read_text("utf-8"))["rule"]["value"] == 50_000
    assert files[1].name.startswith("q-")
    assert (shell.folder / "kept/q.yaml").read_text("utf-8").startswith("pool_id: elsewhere")


@pytest.mark.parametrize("text", ["pool_id: [unclosed\n", "rule: {all: []}\n"])
def test_an_export_beside_a_file_that_names_no_pool_writes_nothing(shell: Shell, text: str) -> None:
    shell.make_pool("p")
    shell.write("kept/broken.yaml", text)
    assert "broken.yaml" in shell.run("pools", "export", str(shell.folder / "kept"), code=1).err
    assert [path.name for path in (shell.folder / "kept").iterdir()] == ["broken.yaml"]


def test_a_difference_is_told_condition_by_condition(shell: Shell) -> None:
    shell.make_pool("p", f"{{all: [{CHEAP}, {{field: city, op: eq, value: 杭州}}]}}")
    dear = CHEAP.replace("50000", "90000")
    shell.make_pool("p", f"{{all: [{{field: sale, op: eq, value: free}}, {dear}]}}", "settings: {seen_size: 300}\n")
    assert shell.run("pools", "diff", "p").out.splitlines() == [
        "p, revision 1 → 2",
        "~ settings.seen_size: 200 → 300",
        '- rule.all[1]: city eq "杭州"',
        '+ rule.all[0]: sale eq "free"',
        "~ rule.all[1]: ",
        "    - price_cents lte 50000",
        "    + price_cents lte 90000",
    ]
    turned = shell.run("pools", "diff", "p", "2", "1", "--json").json
    assert (turned["against"], turned["revision"], len(turned["rule"])) == (2, 1, 3)
    assert "nothing differs" in shell.run("pools", "diff", "p", "1", "1").out
    assert "p#9" in shell.run("pools", "diff", "p", "9", code=1).err


def test_a_rollback_is_a_new_revision_that_holds_at_once(shell: Shell) -> None:
    shell.publish(phones(3))
    shell.make_pool("p")
    shell.make_pool("p", CHEAP)
    assert shell.run("pools", "rollback", "p", "--to", "1", "--reason", "empty").out == "p is at revision 3 and holds 3 items\n"
    shown = shell.run("pools", "show", "p", "--json").json
    assert (shown["pool"]["rule"], shown["revisions"][0]["reason"]) == ({"all": []}, "empty")
    assert shown["revisions"][0]["author"].endswith("(command line)")
    assert shell.run("pools", "list", "--json").json[0]["size"] == 3
    assert shell.run("pools", "rollback", "p", "--to", "2", "--json").json["pool"]["revision"] == 4
    assert "p#9" in shell.run("pools", "rollback", "p", "--to", "9", code=1).err


def test_a_preview_of_a_file_is_held_against_the_pool_as_it_stands(shell: Shell) -> None:
    shell.publish([*phones(3), listing("cheap", price_cents=100)])
    shell.make_pool("p")
    clicked(shell, "u1", "cheap")
    file = shell.write("p.yaml", f"pool_id: p\nrule: {{all: [{CHEAP}, {{field: city, op: eq, value: 杭州}}]}}\n")
    found = shell.run("pools", "preview", file, "--user", "u1", "--json").json
    assert (found["count"], found["minus"]["count"], found["plus"]["count"]) == (0, 4, 0)
    assert [(one["excluded"], one["alone"]) for one in found["excluded_by"]] == [(3, 0), (4, 1)]
    assert found["left_out"] == []
    assert (found["people"]["people"], found["people"]["after"]["page_fill"]) == (1, 0.0)
    printed = shell.run("pools", "preview", file, "--user", "u1").out
    for told in ("0 of 4 items on sale", "- 4 items against the rule", "rule.all[0]", "1 people, means", "as it stands", "with this rule"):
        assert told in printed
    assert "¥999" in shell.run("pools", "preview", "p", "--people", "0").out


@pytest.mark.parametrize("path", sorted(shipped("pools").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_pool_is_named_like_its_file(path: Path) -> None:
    assert path.is_relative_to(ROOT)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["pool_id"] == path.stem


def clicked(shell: Shell, user_id: str, item_id: str) -> None:
    """Somebody clicked on something just now; the next command takes it in."""
    system = open_system(Settings(store=StoreSettings(directory=str(shell.data))))
    now = system.clock.now_ms()
    event = encode_user_event(user_event("click", item_id, user_id=user_id, at=now))
    system.log.append_now("user-events", [(f"u:{user_id}", event)], now)
    system.close()


def shell_file(shell: Shell, rule: str) -> str:
    return shell.write("draft.yaml", f"pool_id: draft\nrule: {rule}\n")


def test_a_day_is_replayed_by_a_draft_that_is_not_applied(market: Shell) -> None:
    for person in range(3):
        market.run("recall", "p", "--user", f"u{person}", "--json")
    day = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d")
    draft = market.write("draft.yaml", "pool_id: p\nrule: {any: []}\n")
    found = market.run("pools", "replay", "p", "--draft", draft, "--day", day, "--sample", "2", "--json").json
    assert (found["served"], found["replayed"], len(found["pages"])) == (3, 2, 2)
    assert found["totals"]["changed"] == 1.0
    assert found["totals"]["draft_fill"] == 0.0
    told = market.run("pools", "replay", "p", "--draft", draft, "--day", day).out
    assert told.startswith(f"3 of 3 requests of {day} made again, pages of 10")
    assert "100% of the pages change" in told
    assert market.run("pools", "show", "p", "--json").json["pool"]["revision"] == 1
    other = market.write("other.yaml", "pool_id: q\nrule: {any: []}\n")
    assert "a draft of 'p' is needed" in market.run("pools", "replay", "p", "--draft", other, "--day", day, code=1).err


def test_the_largest_size_and_boosts_of_a_file_come_back_out_as_they_went_in(market: Shell) -> None:
    text = (
        "settings: {max_size: 7, cut_by: price_cents, max_per_category: 100}\n"
        "ordering: {weights: {match: 1.0}, boost: [{condition: {field: sale, op: eq, value: fixed}, factor: 2.0}]}\n"
    )
    file = market.write("p.yaml", f"pool_id: p\nrule: {{all: []}}\n{text}")
    assert market.run("pools", "preview", file, "--json").json["count"] >= 7
    market.run("pools", "apply", file)
    written = yaml.safe_load(Path(market.run("pools", "export", str(market.folder / "out"), "--json").json[0]["file"]).read_text("utf-8"))
    assert written["settings"]["max_size"] == 7
    assert written["ordering"]["boost"] == [{"condition": {"field": "sale", "op": "eq", "value": "fixed"}, "factor": 2.0}]
    assert market.run("pools", "list", "--json").json[0]["size"] >= 7
    told = market.run("pools", "diff", "p").out
    assert "settings.max_size" in told
    assert "ordering.boost" in told
