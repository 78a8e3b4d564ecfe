"""`smallpool experiments` and `smallpool export training`: from a file to pages in buckets, to a report and rows."""

from pathlib import Path
from typing import Any

import duckdb
import msgspec

from cli_rig import Shell, phones
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_core.events import encode_user_event
from smallpool_core.users import UserEvent

FILE = """
experiment_id: caps
name: 一类一个
state: {state}
buckets:
  - {{name: control, share: 0.5}}
  - {{name: one, share: 0.5, settings: {{max_per_category: 1}}}}
"""


def apply(shell: Shell, state: str = "running", *more: str) -> Any:
    return shell.run("experiments", "apply", shell.write("caps.yaml", FILE.format(state=state)), *more, "--json").json


def clicked(shell: Shell, page: dict[str, Any]) -> None:
    """The click of the page's person on its first item, appended to the log as a server would."""
    system = open_system(msgspec.structs.replace(Settings(), store=StoreSettings(str(shell.data), "off")))
    at, user_id = system.clock.now_ms(), str(page["user_id"])
    event = UserEvent("click", at, user_id, item_id=page["items"][0]["item_id"], request_id=page["request_id"])
    system.log.append_now("user-events", [(event.identity.key, encode_user_event(event))], at)
    system.close()


def lived(shell: Shell, people: int = 8) -> list[dict[str, Any]]:
    """Pages of people, of whom each clicked the first item."""
    shell.publish(phones(20, categories=4))
    shell.make_pool()
    apply(shell)
    pages = []
    for number in range(people):
        page = shell.run("recall", "p", "--user", f"u{number}", "--size", "6", "--json").json
        pages.append(page | {"user_id": f"u{number}"})
        clicked(shell, pages[-1])
    return pages


def test_applying_makes_changes_and_then_has_nothing_to_do(shell: Shell) -> None:
    assert apply(shell, "draft", "--dry-run") == [{"experiment_id": "caps", "action": "create", "changes": []}]
    assert shell.run("experiments", "list", "--json").json == []
    apply(shell, "draft")
    assert apply(shell) == [{"experiment_id": "caps", "action": "change", "changes": ["state"]}]
    assert apply(shell) == [{"experiment_id": "caps", "action": "unchanged", "changes": []}]
    shown = shell.run("experiments", "show", "caps", "--json").json
    assert (shown["experiment"]["state"], len(shown["revisions"])) == ("running", 2)
    assert shown["revisions"][0]["author"].endswith("(command line)")
    assert "max_per_category" in shell.run("experiments", "show", "caps").out
    assert "has ended, at revision 3" in shell.run("experiments", "end", "caps", "--reason", "enough").out
    assert "ended" in shell.run("experiments", "list").out


def test_every_mistake_of_every_file_is_told(shell: Shell) -> None:
    shell.write("all/a.yaml", "experiment_id: a\nbuckets: [{name: x}]\n")
    shell.write("all/b.yaml", "experiment_id: [b]\ncolour: red\n")
    shell.write("all/c.yaml", "buckets: []\n")
    told = shell.run("experiments", "apply", str(shell.folder / "all"), code=1).err
    for mistake in ("a.yaml: (file)", "b.yaml: colour", "c.yaml: experiment_id"):
        assert mistake in told
    late = "experiment_id: d\nbuckets: [{name: x, share: 0.5, read: {timeout_ms: 5}}, {name: y, share: 0.5}]\n"
    assert "buckets[0].read.timeout_ms" in shell.run("experiments", "apply", shell.write("d.yaml", late), code=1).err
    assert shell.run("experiments", "list", "--json").json == []


def test_nothing_is_applied_where_one_of_the_files_would_be_refused(shell: Shell) -> None:
    buckets = "buckets: [{name: x, share: 0.5}, {name: y, share: 0.5}]"
    shell.write("all/a.yaml", f"experiment_id: a\nstate: running\n{buckets}\n")
    shell.write("all/b.yaml", f"experiment_id: b\nstate: running\n{buckets}\n")
    shell.write("all/c.yaml", "experiment_id: c\nbuckets: [{name: x, share: 0.5}, {name: y, share: 0.4}]\n")
    for more in (["--dry-run"], []):
        told = shell.run("experiments", "apply", str(shell.folder / "all"), *more, code=1).err
        assert "b.yaml: traffic_from" in told
        assert "c.yaml: buckets" in told
        assert shell.run("experiments", "list", "--json").json == []


def test_a_report_is_made_of_pages_and_of_what_people_did(shell: Shell) -> None:
    pages = lived(shell)
    by_bucket = [page["bucket"]["main"].removeprefix("caps:") for page in pages]
    assert {bucket: len(page["items"]) for bucket, page in zip(by_bucket, pages, strict=True)} == {"control": 6, "one": 4}
    report = shell.run("experiments", "report", "caps", "--json").json
    assert report["people"] == {"control": by_bucket.count("control"), "one": by_bucket.count("one")}
    clicks = next(one for one in report["figures"] if one["figure"] == "clicks_per_user")
    assert [one["value"] for one in clicks["buckets"]] == [1.0, 1.0]
    printed = shell.run("experiments", "report", "caps").out
    for words in ("clicks a person", "orders a person", "people who click", "newest", "chi-square"):
        assert words in printed


def test_a_tester_sees_a_bucket_and_counts_in_no_report(shell: Shell) -> None:
    shell.publish(phones(20, categories=4))
    shell.make_pool()
    apply(shell)
    page = shell.run("recall", "p", "--user", "tester", "--bucket", "caps:one", "--json").json
    assert page["bucket"] == {"main": "caps:one"}
    report = shell.run("experiments", "report", "caps", "--json").json
    assert (sum(report["people"].values()), report["forced_pages"]) == (0, 1)
    assert "nobody was served" in shell.run("experiments", "report", "caps").out


def test_rows_for_training_have_every_line_with_what_became_of_it(shell: Shell, tmp_path: Path) -> None:
    pages = lived(shell, people=3)
    file = tmp_path / "rows.jsonl"
    assert shell.run("export", "training", "--out", str(file), "--json").json["rows"] == sum(len(page["items"]) for page in pages)
    rows = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    first = [row for row in rows if row["position"] == 1]
    assert [row["item_id"] for row in first] == [page["items"][0]["item_id"] for page in pages]
    assert [row["clicked"] for row in rows] == [row["position"] == 1 for row in rows]
    assert rows[0]["features"].keys() >= {"quality", "freshness"}
    parquet = tmp_path / "rows.parquet"
    assert f"{len(rows)} rows in" in shell.run("export", "training", "--out", str(parquet)).out
    assert duckdb.sql(f"SELECT count(*) FILTER (clicked) FROM '{parquet}'").fetchall() == [(3,)]
    assert "move this one away" in shell.run("export", "training", "--out", str(parquet), code=1).err
    nowhere = tmp_path / "nowhere" / "rows.parquet"
    assert "in a folder that is there" in shell.run("export", "training", "--out", str(nowhere), code=1).err
    assert "there are .parquet" in shell.run("export", "training", "--out", "rows.csv", code=2).err
    assert sorted(path.name for path in tmp_path.glob("*rows*")) == ["rows.jsonl", "rows.parquet"]


def test_experiments_on_simulated_people_say_how_often_an_effect_was_found(shell: Shell) -> None:
    found = shell.run("experiments", "simulate", "--seeds", "2", "--people", "60", "--json").json
    assert (len(found["trials"]), found["judged"] <= 8, found["effect"]) == (2, True, 0.0)
    printed = shell.run("experiments", "simulate", "--seeds", "1", "--people", "400", "--effect", "2").out
    assert "an effect of +200% was found" in printed
