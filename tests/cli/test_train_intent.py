"""`smallpool train|evaluate intent` and `smallpool keywords related`, as a user would run them."""

import json
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from builders import NOW
from cli_rig import Shell, listing
from smallpool_config.own_behaviour import generated_behaviour
from smallpool_config.settings import KnowledgeSettings, Settings
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.encoders.items import KIND as VECTORS
from smallpool_models.encoders.items import SCHEMA as VECTORS_SCHEMA
from smallpool_models.encoders.items import OnnxItemEncoder
from smallpool_models.encoders.words import KIND, SCHEMA, IntentEncoder
from smallpool_models.registry.folder import read_model
from smallpool_models.understanding import load_knowledge

THINGS = ("砂器", "挂壁冷风机", "话本", "章回书", "泡茶用器")
HANDS = ("甲记", "乙记", "丙记", "丁记")


@pytest.fixture
def tagged(shell: Shell) -> str:
    """Titles, each with the tag of a hand and a thing, one row of them damaged."""
    rows = [f"{lead}{hand}{thing}\t{hand} {thing}" for hand, thing, lead in product(HANDS, THINGS, ("转让", "自用"))]
    return shell.write("tags.tsv", "".join(f"{number}\t{row}\n" for number, row in enumerate(rows)) + "一行\n")


def test_words_are_learnt_and_judged_by_tags_that_no_lesson_saw(shell: Shell, tagged: str, tmp_path: Path) -> None:
    out = str(tmp_path / "model")
    titles = shell.write("other.txt", "别的 手机壳\n别的 洗衣机\n")
    card = shell.run("train", "intent", "--data", tagged, "--titles", titles, "--out", out, "--seed", "4", "--json").json
    assert [lesson["name"] for lesson in card["lessons"]] == ["transfer", "domain", "tags"]
    assert card["settings"]["seed"] == 4
    assert 0 < card["counts"]["titles"] < 40
    figures = shell.run("evaluate", "intent", "--data", tagged, "--model", out, "--json").json
    assert figures["judged_by"] == "tags that no lesson saw"
    assert figures["titles"] == 40 - card["counts"]["titles"]
    assert figures["left_out"]["no row of title and labels"] == 1
    assert {"recall@20", "interval", "bm25", "bm25_interval", "difference_interval", "blended_with_bm25"} <= set(figures)
    assert figures["recall@20"] == 1, "no more than twenty titles are there"
    assert "BM25" in shell.run("evaluate", "intent", "--data", tagged, "--model", out, "--beside", out).out


def test_a_file_of_which_everything_was_learnt_judges_nothing(shell: Shell, tagged: str, tmp_path: Path) -> None:
    out = str(tmp_path / "model")
    shell.run("train", "intent", "--data", tagged, "--held-back", "0", "--out", out)
    assert "were learnt from" in shell.run("evaluate", "intent", "--data", tagged, "--model", out, code=1).err


def test_searches_of_a_marketplace_teach_its_words_which_are_then_offered(shell: Shell, tmp_path: Path) -> None:
    names = [entry.name for entry in load_knowledge(KnowledgeSettings().path).products[:12]]
    items = [listing(f"i{number}", title=f"{name} {number}", category=["茶具", name]) for number, name in enumerate(names * 2)]
    acts = [
        {"type": kind, "user_id": "u", "at": NOW + 2 * number + step, **told}
        for number, item in enumerate(items)
        for step, (kind, told) in enumerate((("search", {"query": "稀罕物"}), ("click", {"item_id": item["item_id"]})))
    ]
    written = [shell.write(name, "\n".join(map(json.dumps, rows))) for name, rows in (("items.jsonl", items), ("acts.jsonl", acts))]
    out = str(tmp_path / "model")
    shell.run("train", "intent", "--listings", written[0], "--events", written[1], "--out", out)
    shell.publish(items)
    shell.environment["SMALLPOOL_MODELS_INTENT"] = out
    found = shell.run("keywords", "related", "稀罕物", "--size", "3", "--json").json
    assert found["query"] == "稀罕物"
    assert found["model"]
    assert len(found["keywords"]) == 3
    assert found["keywords"][0]["keyword"] in shell.run("keywords", "related", "稀罕物", "--size", "3").out
    assert shell.run("keywords", "related", "*:* OR (", "--json").json["keywords"] == []


def test_one_source_is_to_be_named(shell: Shell, tagged: str, tmp_path: Path) -> None:
    for arguments in ([], ["--data", tagged, "--generated", "5"], ["--events", tagged, "--data", tagged]):
        shell.run("train", "intent", "--out", str(tmp_path / "model"), *arguments, code=2)


def test_without_a_model_the_command_says_which_setting_names_one(shell: Shell) -> None:
    shell.environment["SMALLPOOL_MODELS_INTENT"] = ""
    shell.publish([listing()])
    assert "models.intent" in shell.run("keywords", "related", "茶").out


def test_words_that_lie_among_a_models_items_find_what_they_name(shell: Shell, tagged: str, tmp_path: Path) -> None:
    items, words = str(tmp_path / "items"), str(tmp_path / "words")
    shell.run("train", "items", "--generated", "120", "--epochs", "2", "--width", "16", "--ids", "off", "--out", items)
    card = shell.run("train", "intent", "--generated", "120", "--items", items, "--out", words, "--json").json
    places = OnnxItemEncoder(read_model(Path(items), VECTORS, VECTORS_SCHEMA))
    means = IntentEncoder(read_model(Path(words), KIND, SCHEMA))
    assert card["space"] == means.space == places.model, "a service takes them together by this"
    listed = [one for one in generated_behaviour(Settings(), 120, 1).items if one.category]
    vectors = np.vstack([np.frombuffer(one, dtype="<f4") for one in places.encode(listed)])
    leaves = [one.category.split(PATH_SEPARATOR)[-1] for one in listed]
    often = [leaf for leaf, _ in Counter(leaves).most_common(4)]
    first = np.argsort(-means.vectors(often) @ vectors.T, axis=1)[:, :5]
    right = [leaves[place] == leaf for leaf, places_of in zip(often, first, strict=True) for place in places_of]
    by_chance = sum(leaf in often for leaf in leaves) / len(leaves) / len(often)
    assert np.mean(right) > 3 * by_chance
    asked = ("evaluate", "intent", "--data", tagged, "--model", words)
    assert f"the words lie among items of {places.model}" in shell.run(*asked, code=1).err
    assert shell.run(*asked, "--items", items, "--json").json["judged_by"] == "tags that no lesson saw"
