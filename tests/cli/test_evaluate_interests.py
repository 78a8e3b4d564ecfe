"""`smallpool evaluate interests` on made-up people who keep to one taste: what it prints, what it never looks at, what it refuses."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from cli_rig import Printed, Shell

ITEMS = 60
TASTES = 4
PEOPLE = 240
FIGURES = ("hr@10", "ndcg@10", "recall@20", "recall@50")
TRAINING = ("--epochs", "4", "--width", "16", "--interests", "3", "--json")


def taste(rng: random.Random, count: int) -> list[int]:
    """Different items of one taste, from 1 on."""
    return [item + 1 for item in rng.sample(range(rng.randrange(TASTES), ITEMS, TASTES), count)]


def session(rng: random.Random) -> dict[str, Any]:
    items = taste(rng, 5)
    return {"items": items[:4], "cats": [item % 12 for item in items[:4]], "target": items[4], "target_cat": items[4] % 12}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell beside files of both kinds, and a model trained on each."""
    shell, rng = Shell(tmp_path_factory.mktemp("vectors")), random.Random(3)
    for name, count in (("train", PEOPLE), ("test", 60)):
        shell.write(f"made/{name}.jsonl", "".join(json.dumps(session(rng)) + "\n" for _ in range(count)))
    shell.write("made/item_category.json", json.dumps({str(item): [item % 12] for item in range(1, ITEMS + 1)}))
    shell.write("rows.txt", "".join(f"{user} {' '.join(map(str, taste(rng, 7)))}\n" for user in range(PEOPLE)))
    shell.write("attributes.json", json.dumps({str(item): [item % TASTES, 10 + item % 3] for item in range(1, ITEMS + 1)}))
    for source, out in ((of_sessions(shell), "sessions"), (of_sequences(shell), "sequences")):
        shell.run("train", "interests", *source, "--out", str(shell.folder / out), *TRAINING)
    return shell


def of_sessions(shell: Shell) -> tuple[str, ...]:
    return ("--sessions", str(shell.folder / "made"))


def of_sequences(shell: Shell) -> tuple[str, ...]:
    return ("--sequences", str(shell.folder / "rows.txt"), "--attributes", str(shell.folder / "attributes.json"))


def evaluate(site: Shell, model: str, *more: str) -> Printed:
    source = of_sessions(site) if model == "sessions" else of_sequences(site)
    return site.run("evaluate", "interests", *source, "--model", str(site.folder / model), *more)


@pytest.mark.parametrize(("model", "questions"), [("sessions", 60), ("sequences", PEOPLE)])
def test_there_is_one_object_with_the_figures_and_their_bounds(site: Shell, model: str, questions: int) -> None:
    told = evaluate(site, model, "--json").json
    assert (told["items"], told["questions"], told["history"], told["rows"]) == (ITEMS, questions, "excluded", [])
    for name in FIGURES:
        low, high = told["intervals"][name]
        assert 0 <= low <= told[name] <= high <= 1
    assert told["ils"]["people"] == questions
    assert told["recall@20"] > 20 / 56 + 0.1, "who keeps to one taste of four is found better than by chance"


def test_every_rival_is_a_row_with_the_difference_that_the_model_makes_and_the_worst_tercile(site: Shell) -> None:
    told = evaluate(site, "sessions", "--baselines", "--by-activity", "--against", str(site.folder / "sessions"), "--json").json
    assert [row["row"] for row in told["rows"]] == ["popularity", "co_visit", "ncf", "mean_pooling", "sessions"]
    for row in told["rows"]:
        assert set(row["interests_minus_this"]) == set(FIGURES)
        assert row["by_activity"]["worst"]["ndcg@10"] in {"low", "middle", "high"}
    assert ["ils" in row for row in told["rows"]] == [False, False, False, False, True]
    assert told["rows"][-1]["interests_minus_this"]["recall@20"] == {"difference": 0.0, "interval": [0.0, 0.0]}


def test_the_weight_of_the_blend_does_not_change_with_the_test(site: Shell, tmp_path: Path) -> None:
    told = evaluate(site, "sessions", "--blend", "--json").json
    made = site.folder / "made"
    other = Shell(tmp_path)
    for name in ("train.jsonl", "item_category.json"):
        other.write(f"made/{name}", (made / name).read_text())
    other.write("made/test.jsonl", json.dumps(session(random.Random(9))) + "\n")
    model = ("--model", str(site.folder / "sessions"))
    again = site.run("evaluate", "interests", "--sessions", str(tmp_path / "made"), *model, "--blend", "--json").json
    assert again["questions"] == 1
    assert again["blend"] == told["blend"]
    assert told["blend"]["tuned_on"] == "validation"
    assert told["rows"][-1]["row"] == "blend"


def test_targets_of_new_categories_are_told_apart_by_row(site: Shell) -> None:
    told = evaluate(site, "sessions", "--latent", "--json").json["latent"]
    assert [row["row"] for row in told["rows"]][:2] == ["latent", "category_co_occurrence"]
    assert 0 < told["questions"] < 60
    assert all(0 <= row["hit@20"] <= 1 for row in told["rows"])


def test_where_no_target_is_of_a_new_category_the_other_figures_are_told_all_the_same(site: Shell) -> None:
    rows, model = str(site.folder / "rows.txt"), str(site.folder / "sequences")
    asked = ("evaluate", "interests", "--sequences", rows, "--model", model, "--latent", "--questions", "9")
    told = site.run(*asked, "--json").json
    assert (told["questions"], told["latent"]["questions"], told["latent"]["rows"]) == (9, 0, [])
    assert "history lacks: 0 questions" in site.run(*asked).out


def test_the_same_seed_gives_the_same_figures_and_fewer_questions_are_drawn_by_it(site: Shell) -> None:
    told = [evaluate(site, "sessions", "--questions", "20", "--seed", "5", "--json").json for _ in range(2)]
    assert told[0] == told[1]
    assert told[0]["questions"] == 20


def test_the_vectors_of_items_are_measured_by_themselves_and_beside_ncf(site: Shell, tmp_path: Path) -> None:
    source = (*of_sessions(site), "--model", str(site.folder / "sessions"), "--baselines")
    told = site.run("evaluate", "items", *source, "--report", str(tmp_path / "items.html"), "--json").json
    assert [row["row"] for row in told["rows"]] == ["ncf"]
    assert told["known"] == 1.0
    assert told["within"] > told["between"]
    assert (tmp_path / "items.html").stat().st_size > 10_000
    assert "same_category" in site.run("evaluate", "items", *source).out


def test_the_page_of_pictures_is_written_beside_the_figures(site: Shell) -> None:
    page = site.folder / "pictures" / "out.html"
    evaluate(site, "sessions", "--report", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.count("<circle") == ITEMS
    assert "Neighbours before and after" in text


def test_a_table_is_printed_for_people(site: Shell) -> None:
    out = evaluate(site, "sessions", "--blend").out
    assert "recall@50" in out
    assert "blend" in out


def test_a_folder_that_is_no_model_is_refused_with_what_to_do(site: Shell) -> None:
    told = site.run("evaluate", "interests", *of_sessions(site), "--model", str(site.folder / "made"), code=1)
    assert "a model is a folder made by `smallpool train`" in told.err


def test_a_model_that_was_damaged_is_refused(site: Shell, tmp_path: Path) -> None:
    for file in (site.folder / "sessions").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: -1 if file.name == "items.onnx" else None])
    told = site.run("evaluate", "interests", *of_sessions(site), "--model", str(tmp_path), code=1)
    assert "items.onnx" in told.err


def test_one_kind_of_data_is_wanted(site: Shell) -> None:
    told = site.run("evaluate", "interests", "--model", str(site.folder / "sessions"), code=2)
    assert "--sequences" in told.err


def test_the_cold_items_alone_are_asked_for_and_what_only_knows_ids_finds_none(site: Shell) -> None:
    cold = ("--cold-share", "0.3")
    site.run("train", "interests", *of_sequences(site), "--out", str(site.folder / "cold"), *cold, *TRAINING)
    told = site.run("evaluate", "interests", *of_sequences(site), "--model", str(site.folder / "cold"), *cold, "--baselines", "--json").json
    assert 0 < told["questions"] < PEOPLE
    rows = {row["row"]: row for row in told["rows"]}
    assert rows["popularity"]["recall@20"] < rows["tf_idf"]["recall@20"]
    assert told["recall@20"] > rows["popularity"]["recall@20"]
