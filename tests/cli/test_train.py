"""`smallpool train ner`, `smallpool evaluate ner` and what becomes of a model that is wired in, as a user would run them."""

import json
from pathlib import Path

import pytest

from cli_rig import Shell

BRANDS, THINGS = ("海尔", "美的", "云龙牌", "otax"), ("空调", "茶壶", "手机壳", "理发器配件")


@pytest.fixture
def shop(shell: Shell) -> str:
    """A file of titles of brands and products, one row of it damaged."""
    rows = []
    for number in range(60):
        brand, thing = BRANDS[number % 4], THINGS[number // 4 % 4]
        spans = [[2, 2 + len(brand), "brand"], [2 + len(brand), 2 + len(brand) + len(thing), "product"]]
        rows.append({"text": f"转让{brand}{thing}第{number}号", "spans": spans})
    rows.append({"text": "�", "spans": []})
    return shell.write("shop.jsonl", "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def test_a_model_is_trained_evaluated_and_wired_in(shell: Shell, shop: str, tmp_path: Path) -> None:
    words = shell.write("brand1.dic", "海尔\n")
    out = str(tmp_path / "model")
    card = shell.run("train", "ner", "--data", shop, "--gazetteer", words, "--out", out, "--epochs", "3", "--seed", "4", "--json").json
    assert card["sets"]["shop"]["dropped"] == {"holds U+FFFD": 1}
    assert card["words"]["gazetteer:brand"] == 1
    assert card["settings"]["seed"] == 4
    figures = shell.run("evaluate", "ner", "--data", shop, "--model", out, "--json").json
    assert {"precision", "recall", "f1"} <= set(figures)
    assert set(figures["by_type"]) <= {"brand", "product"}
    assert (figures["titles"], figures["head"]) == (60, "shop")
    shown = shell.run("evaluate", "ner", "--data", shop, "--model", out).out
    assert "95 % of F1" in shown
    shell.environment["SMALLPOOL_MODELS_NER"] = out
    understood = shell.run("understand", "转让otax茶壶", "--json").json["understood"]
    assert understood["versions"]["ner"] == figures["model"]


def test_titles_that_nobody_labelled_are_read_beforehand_and_stand_on_the_card(shell: Shell, shop: str, tmp_path: Path) -> None:
    plain = shell.write("plain.txt", "转让海尔茶壶\n\n转让美的空调\n")
    out = str(tmp_path / "model")
    card = shell.run("train", "ner", "--data", shop, "--unlabelled", plain, "--out", out, "--epochs", "1", "--json").json
    assert card["unlabelled"]["plain.txt"]["titles"] == 2
    assert "| plain.txt | 2 | unlabelled" in (tmp_path / "model" / "CARD.md").read_text("utf-8")
    blank = shell.write("blank.txt", " \n")
    assert "one title a line" in shell.run("train", "ner", "--data", shop, "--unlabelled", blank, "--out", out, code=1).err


def test_a_model_is_trained_on_generated_titles_alone(shell: Shell, tmp_path: Path) -> None:
    out = str(tmp_path / "model")
    card = shell.run("train", "ner", "--generated", "200", "--out", out, "--epochs", "1", "--json").json
    assert 150 < card["sets"]["listings"]["titles"] <= 200


def test_a_file_of_types_that_the_model_does_not_have_is_refused(shell: Shell, shop: str, tmp_path: Path) -> None:
    out = str(tmp_path / "model")
    shell.run("train", "ner", "--data", shop, "--out", out, "--epochs", "1", "--json")
    other = shell.write("other.jsonl", '{"text": "x10 手机", "spans": [[0, 3, "size"]]}\n')
    assert "no head of" in shell.run("evaluate", "ner", "--data", other, "--model", out, code=1).err


def test_two_files_of_one_name_are_refused(shell: Shell, shop: str, tmp_path: Path) -> None:
    again = shell.write("again/shop.jsonl", Path(shop).read_text("utf-8"))
    refused = shell.run("train", "ner", "--data", shop, "--data", again, "--out", str(tmp_path / "model"), code=1)
    assert "different names" in refused.err


def test_nothing_to_train_on_is_a_usage_error(shell: Shell, tmp_path: Path) -> None:
    assert "--data" in shell.run("train", "ner", "--out", str(tmp_path / "model"), code=2).err


def test_a_model_that_is_none_is_told_what_a_model_is(shell: Shell, tmp_path: Path) -> None:
    shell.environment["SMALLPOOL_MODELS_NER"] = str(tmp_path)
    assert "made by `smallpool train`" in shell.run("understand", "茶壶", code=1).err
