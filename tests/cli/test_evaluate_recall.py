"""`smallpool evaluate recall` on made-up sessions in which people keep to one taste of many, and on real ones where they are there."""

import json
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cli_rig import Printed, Shell

ITEMS = 600
TASTES = 2
ROWS = ["newest", "popular", "x2i_site", "x2i_pool", "terms", "terms_x2i", "all"]


def session(rng: random.Random) -> dict[str, Any]:
    """Five items of one taste, of whatever categories."""
    items = rng.sample(range(rng.randrange(TASTES), ITEMS, TASTES), 5)
    return {"items": items[:4], "cats": [item % 30 for item in items[:4]], "target": items[4], "target_cat": items[4] % 30}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell beside a folder of made-up sessions."""
    shell, rng = Shell(tmp_path_factory.mktemp("site")), random.Random(5)
    for name, count in (("train", 2500), ("test", 300)):
        shell.write(f"made/{name}.jsonl", "".join(json.dumps(session(rng)) + "\n" for _ in range(count)))
    shell.write("made/item_category.json", json.dumps({str(item): [item % 30] for item in range(ITEMS)}))
    return shell


def evaluate(site: Shell, *more: str) -> Printed:
    made = site.folder / "made"
    folder = ("--sessions", str(made), "--item-category", str(made / "item_category.json"))
    return site.run("evaluate", "recall", *folder, "--pool-size", "60", "--pools", "1", *more)


@pytest.fixture(scope="module")
def told(site: Shell) -> Any:
    return evaluate(site, "--test-sessions", "6", "--json").json


def test_there_is_one_object_with_a_row_a_source(told: Any) -> None:
    assert [row["source"] for row in told["rows"]] == ROWS
    assert (told["data"], told["items"], told["pool_size"], told["seed"]) == ("made", ITEMS, 60, 1)
    for row in told["rows"]:
        assert row["sessions"] == 18
        assert set(row["by_kind"]) == {"categories", "random", "newest"}
        assert 0 <= row["recall_20"] <= row["recall_100"] <= 1
        assert 0 <= row["page_fill"] <= 1
    assert set(told["beside_best"]) == {"recall_20", "recall_100"}


def test_all_sources_fill_every_page_that_the_pool_can_fill_and_a_list_of_everything_finds_the_target(told: Any) -> None:
    every = next(row for row in told["rows"] if row["source"] == "all")
    assert every["page_fill"] == 1.0
    assert every["recall_100"] == 1.0, "a list of 100 holds all that is unseen of a pool of 60"


def test_related_items_of_the_site_leave_ever_less_as_the_pool_is_a_smaller_share_and_all_sources_do_not(told: Any) -> None:
    small, large = (next(one for one in told["by_share"] if one["pool_size"] == size) for size in (60, ITEMS))
    assert small["share"] == 0.1
    assert small["returned"]["x2i_site"] < 0.3 * large["returned"]["x2i_site"]
    assert small["returned"]["x2i_site"] < small["returned"]["x2i_pool"]
    assert small["returned"]["all"] > 50


def test_the_table_for_people_names_every_row_and_share(site: Shell) -> None:
    printed = evaluate(site, "--test-sessions", "2", "--seed", "2", "--tuning").out
    assert all(name in printed for name in ROWS)
    assert "recall@100 by the pool's share" in printed


def test_what_each_source_is_worth_is_chosen_by_other_sessions_and_told_as_settings(site: Shell) -> None:
    told = evaluate(site, "--test-sessions", "6", "--tune", "--json").json
    assert [row["source"] for row in told["rows"]] == [*ROWS, "all_tuned"]
    chosen = told["chosen"]
    assert chosen["after"] >= chosen["before"] > 0
    assert set(told["others_beside_best"]) == {"all_tuned"}
    printed = evaluate(site, "--test-sessions", "6", "--tune").out
    settings = tomllib.loads(printed[printed.index("[read]") :])
    assert settings["read"]["source_weights"] == pytest.approx(chosen["source_weights"], rel=1e-4)
    assert settings["read"]["rank_smoothing"] == chosen["rank_smoothing"]
    site.run("--config", site.write("chosen.toml", printed[printed.index("[read]") :]), "doctor")


def test_a_trained_model_adds_the_sources_that_go_by_vectors(site: Shell, tmp_path: Path) -> None:
    made, out = str(site.folder / "made"), str(tmp_path / "model")
    site.run("train", "interests", "--sessions", made, "--out", out, "--epochs", "2", "--seed", "1")
    told = evaluate(site, "--test-sessions", "6", "--model", out, "--tune", "--json").json
    rows = {row["source"]: row for row in told["rows"]}
    assert list(rows) == [*ROWS, "vectors", "all_vectors", "all_vectors_tuned"]
    assert told["chosen"]["sessions"] > 0
    assert rows["vectors"]["returned"] > 20
    assert rows["all_vectors"]["page_fill"] == 1.0


def test_what_is_tuned_by_is_not_what_is_measured(site: Shell) -> None:
    made = str(site.folder / "made")
    assert "name one of the two" in site.run("evaluate", "recall", "--sessions", made, "--tune", "--tuning", code=2).err


def test_what_to_measure_must_be_said(shell: Shell, tmp_path: Path) -> None:
    assert "name one of --sessions DIR and --interactions DIR" in shell.run("evaluate", "recall", code=2).err
    missing = tmp_path / "nothing"
    assert "is no folder" in shell.run("evaluate", "recall", "--sessions", str(missing), code=2).err


def test_real_ratings_are_recalled_for_by_everything_at_least_as_often_as_by_what_is_newest(shell: Shell, shared_data: Path) -> None:
    ratings = str(shared_data / "interactions" / "ml_100k")
    told = shell.run(
        "evaluate", "recall", "--interactions", ratings, "--pool-size", "200", "--pools", "1", "--test-sessions", "5", "--json"
    ).json
    rows = {row["source"]: row for row in told["rows"]}
    assert rows["all"]["recall_100"] >= rows["newest"]["recall_100"]
    assert rows["all"]["coverage"] > rows["newest"]["coverage"]
    assert rows["all"]["page_fill"] == 1.0
