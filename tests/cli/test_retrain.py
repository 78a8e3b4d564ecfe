"""`smallpool models retrain`: from behaviour to a model in force, and what becomes of one that is worse."""

import json
import random
from pathlib import Path

import pytest

from cli_rig import Shell
from smallpool_core.errors import ModelRefused
from smallpool_models.encoders.items import KIND, SCHEMA
from smallpool_models.registry.folder import read_model

pytest.importorskip("torch")

KINDS = {"普洱茶": ("茶", "普洱茶"), "紫砂壶": ("茶器", "紫砂"), "手机": ("数码", "手机"), "银元": ("钱币", "银元")}
PER_KIND = 8
NOW = 1_750_000_000_000


def files(shell: Shell) -> tuple[str, str]:
    """Listings of four kinds, and people each of whom acts on one kind alone."""
    drawn = random.Random(1)
    names = {kind: [f"{place}-{number}" for number in range(PER_KIND)] for place, kind in enumerate(KINDS)}
    items = [
        {"type": "published", "item_id": item_id, "version": 1, "at": NOW, "item": {"title": f"{kind} {item_id}", "category": KINDS[kind]}}
        for kind, ids in names.items()
        for item_id in ids
    ]
    events = [
        {"user": f"u{person}", "item": item_id, "event": "click", "at": NOW + 60_000 * place}
        for person in range(60)
        for place, item_id in enumerate(drawn.sample(list(names.values())[person % 4], 6))
    ]
    written = ["".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows) for rows in (events, items)]
    return shell.write("events.jsonl", written[0]), shell.write("items.jsonl", written[1])


def retrain(shell: Shell, out: Path, *more: str, code: int = 0) -> dict[str, object]:
    events, items = files(shell)
    given = ("--events", events, "--items", items, "--out", str(out), "--json", *more)
    told: dict[str, object] = shell.run("models", "retrain", *given, code=code).json
    return told


def model_of(folder: Path) -> str:
    return read_model(folder, KIND, SCHEMA).manifest.version


@pytest.fixture
def none_before(shell: Shell) -> Shell:
    shell.environment["SMALLPOOL_MODELS_VECTORS"] = ""
    return shell


def test_a_first_model_is_put_in_force_and_a_worse_one_is_not(none_before: Shell, tmp_path: Path) -> None:
    out = tmp_path / "vectors"
    first = retrain(none_before, out, "--epochs", "8")
    assert (first["promoted"], first["current"], first["questions"]) == (True, None, 60)
    assert model_of(out) == first["model"]
    worse = retrain(none_before, out, "--epochs", "1", "--seed", "5", code=1)
    assert worse["new"] < worse["current"]  # type: ignore[operator]
    assert (worse["promoted"], worse["replaces"], model_of(out)) == (False, first["model"], first["model"])
    with pytest.raises(ModelRefused):
        model_of(tmp_path / "vectors.before")


def test_a_better_model_takes_the_place_of_the_other_which_is_kept_beside_it(none_before: Shell, tmp_path: Path) -> None:
    out = tmp_path / "vectors"
    first = retrain(none_before, out, "--epochs", "1", "--seed", "5")
    second = retrain(none_before, out, "--epochs", "8")
    assert second["new"] >= second["current"]  # type: ignore[operator]
    assert (model_of(out), model_of(tmp_path / "vectors.before")) == (second["model"], first["model"])


def test_the_log_of_a_marketplace_is_read_where_no_files_are_named(none_before: Shell, tmp_path: Path) -> None:
    shell, out = none_before, tmp_path / "vectors"
    events, items = files(shell)
    shell.run("publish", items)
    shell.run("import", "user-history", events)
    told = shell.run("models", "retrain", "--out", str(out), "--epochs", "2", "--json").json
    assert (told["promoted"], told["questions"]) == (True, 60)


def test_too_little_behaviour_to_judge_by_puts_nothing_in_force(none_before: Shell, tmp_path: Path) -> None:
    _, items = files(none_before)
    events = "".join(json.dumps({"user": "u1", "item": f"0-{place}", "event": "click", "at": NOW + place}) + "\n" for place in range(5))
    given = ("--events", none_before.write("few.jsonl", events), "--items", items, "--out", str(tmp_path / "vectors"), "--epochs", "1")
    printed = none_before.run("models", "retrain", *given, code=1)
    assert "20 are needed to judge a model by" in str(printed.err) + printed.out
    assert not (tmp_path / "vectors").exists()


def test_what_comes_with_smallpool_is_never_written_over(shell: Shell) -> None:
    shell.environment["SMALLPOOL_MODELS_VECTORS"] = "shipped"
    assert "name a folder of your own" in shell.run("models", "retrain", code=2).err
