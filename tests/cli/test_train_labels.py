"""`smallpool train|evaluate category|tags` and what becomes of models that are wired in, as a user would run them."""

import json
from itertools import product
from pathlib import Path

import pytest

from cli_rig import Shell
from smallpool_config.settings import KnowledgeSettings
from smallpool_models.understanding import load_knowledge

WORDS = {"茶具›茶壶": ("砂器", "泡茶用器"), "家电›空调": ("冷气机", "挂壁冷风机"), "图书›小说": ("话本", "章回书")}
ROWS = [
    (category, f"{lead}{word}第{number}号")
    for (category, words), lead, number in product(WORDS.items(), ("", "转让", "自用"), range(12))
    for word in words
]


@pytest.fixture
def categories(shell: Shell) -> str:
    """A file of categories and titles, one row of it damaged."""
    return shell.write("shop.tsv", "".join(f"{category}\t{title}\n" for category, title in ROWS) + "一行\n")


def test_a_category_model_is_trained_evaluated_and_wired_in(shell: Shell, categories: str, tmp_path: Path) -> None:
    out = str(tmp_path / "model")
    card = shell.run("train", "category", "--data", categories, "--out", out, "--seed", "4", "--json").json
    assert (card["dropped"], card["settings"]["seed"]) == ({"no row of title and labels": 1}, 4)
    figures = shell.run("evaluate", "category", "--data", categories, "--model", out, "--json").json
    assert figures["accuracy"] > 0.95
    assert {"macro_f1", "ece", "other", "accuracy_interval"} <= set(figures)
    assert figures["titles"] == len(ROWS)
    assert "other, below a confidence of" in shell.run("evaluate", "category", "--data", categories, "--model", out).out
    alone = shell.run("understand", "转让冷气机第3号", "--json").json["understood"]
    shell.environment["SMALLPOOL_MODELS_CATEGORY"] = out
    understood = shell.run("understand", "转让冷气机第3号", "--json").json["understood"]
    assert alone["category_source"] == "head_noun", "the knowledge base does not know the word, or the test would show nothing"
    assert (understood["category"], understood["category_source"]) == (["家电", "空调"], "predicted")
    assert understood["versions"]["category"] == figures["model"]


def test_a_tag_model_is_trained_evaluated_and_wired_in(shell: Shell, tmp_path: Path) -> None:
    rows = "".join(f"{number}\t{title}\t{category}#;#第{number % 2}类\n" for number, (category, title) in enumerate(ROWS))
    data, out = shell.write("tags.tsv", rows), str(tmp_path / "model")
    assert shell.run("train", "tags", "--data", data, "--out", out, "--json").json["counts"]["labels"] == 5
    figures = shell.run("evaluate", "tags", "--data", data, "--model", out, "--json").json
    assert {"precision", "recall", "f1", "macro_f1", "f1_interval"} <= set(figures)
    assert figures["f1"] > 0.7
    shown = shell.run("evaluate", "tags", "--data", shell.write("new.tsv", "1\t冷气机\t没见过\n"), "--model", out).out
    assert "1 tags of the file are none of the model's" in shown
    shell.environment["SMALLPOOL_MODELS_TAGS"] = out
    understood = shell.run("understand", "转让冷气机第3号", "--json").json["understood"]
    assert "家电›空调" in understood["tags"]
    assert understood["versions"]["tags"] == figures["model"]


@pytest.mark.parametrize("command", ["category", "tags"])
def test_titles_are_learnt_and_measured_as_they_are_asked_for_when_listings_come(shell: Shell, tmp_path: Path, command: str) -> None:
    def file(name: str, word: str) -> str:
        rows = [f"{label}\t{lead}{word}{number}" for label, lead in (("甲", ""), ("乙", "轉讓")) for number in range(30)]
        if command == "tags":
            rows = [f"{number}\t{row.split(chr(9))[1]}\t{row.split(chr(9))[0]}" for number, row in enumerate(rows)]
        return shell.write(name, "\n".join(rows) + "\n")

    traditional, simplified, out = file("one.tsv", "臺灣茶壺ＡＢ"), file("other.tsv", "台湾茶壶ab"), tmp_path / "model"
    shell.run("train", command, "--data", traditional, "--out", str(out), "--json")
    grams = "".join(json.loads((out / "vocabulary.json").read_bytes())["vocabulary"]["grams"])
    assert "湾茶壶" in grams
    assert not set("灣壺Ａ") & set(grams)
    measured = [shell.run("evaluate", command, "--data", file, "--model", str(out), "--json").json for file in (traditional, simplified)]
    figures = {"accuracy", "ece"} if command == "category" else {"precision", "recall", "f1"}
    assert [{name: one[name] for name in figures} for one in measured] == [{name: measured[0][name] for name in figures}] * 2


def test_generated_titles_train_a_small_model(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "model"
    card = shell.run("train", "category", "--generated", "400", "--epochs", "1", "--out", str(out), "--json").json
    assert card["data"] == "generated listings"
    labels = json.loads((out / "vocabulary.json").read_bytes())["labels"]
    assert len(labels) > 10
    assert set(labels) <= set(load_knowledge(KnowledgeSettings().path).categories)


@pytest.mark.parametrize("wanted", [[], ["--generated", "5", "--data"]])
def test_a_file_and_generated_titles_exclude_each_other(shell: Shell, categories: str, tmp_path: Path, wanted: list[str]) -> None:
    asked = [*wanted, categories] if wanted else []
    assert "--generated" in shell.run("train", "category", *asked, "--out", str(tmp_path / "model"), code=2).err


@pytest.mark.parametrize("command", ["category", "tags"])
def test_files_and_models_that_are_none_are_refused_with_what_to_do(shell: Shell, categories: str, tmp_path: Path, command: str) -> None:
    empty = shell.write("empty.tsv", "\n")
    assert "each line must be" in shell.run("train", command, "--data", empty, "--out", str(tmp_path / "model"), code=1).err
    titles = shell.write("titles.tsv", "1\t茶壶\t茶\n") if command == "tags" else categories
    assert "made by `smallpool train`" in shell.run("evaluate", command, "--data", titles, "--model", str(tmp_path), code=1).err
