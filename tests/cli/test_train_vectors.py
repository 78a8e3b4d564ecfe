"""`smallpool train items` and `train interests`: what they write can be opened, and says what it was made of."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli_rig import Shell, listing
from smallpool_config.own_behaviour import GAP_MS, path_of
from smallpool_core.encoder_ports import Parts
from smallpool_models.encoders.interests import OnnxUserEncoder
from smallpool_models.encoders.items import KIND, SCHEMA, OnnxItemEncoder
from smallpool_models.registry.folder import read_model
from vectors_rig import people

pytest.importorskip("torch")


def encoder_of(folder: Path) -> OnnxItemEncoder:
    files = read_model(folder, KIND, SCHEMA)
    OnnxUserEncoder(files)
    return OnnxItemEncoder(files)


def sequences(shell: Shell) -> tuple[str, str]:
    rows = [" ".join([str(user), *(str(int(item) + 1) for item in row if item)]) for user, row in enumerate(people(60))]
    told = {str(item): [item % 7, 100 + item % 3] for item in range(1, 49)}
    return shell.write("sequences.txt", "\n".join(rows)), shell.write("attributes.json", json.dumps(told))


def test_sequences_give_a_model_with_ids_and_a_card(shell: Shell) -> None:
    rows, attributes = sequences(shell)
    out = shell.folder / "model"
    told: dict[str, Any] = shell.run(
        "train",
        "interests",
        "--sequences",
        rows,
        "--attributes",
        attributes,
        "--out",
        str(out),
        "--epochs",
        "1",
        "--interests",
        "2",
        "--json",
    ).json
    assert told["counts"]["items"] == told["counts"]["ids"] == 48
    assert told["settings"]["users"]["interests"] == 2
    assert encoder_of(out).encode([Parts(item_id="1"), Parts(terms=("tag:3",)), Parts(item_id="999")])[2] == b""
    assert "card.json" in (out / "CARD.md").read_text(encoding="utf-8")


def test_what_is_left_out_is_told_by_the_card(shell: Shell) -> None:
    rows, _ = sequences(shell)
    out = shell.folder / "model"
    arguments = ["train", "interests", "--sequences", rows, "--out", str(out), "--epochs", "1", "--json"]
    told = shell.run(*arguments, "--without", "fusion", "--without", "selection", "--without", "metric").json
    assert told["settings"]["users"]["fusion"] is False
    assert told["settings"]["selection"] is False
    assert told["settings"]["metric"] == 0
    refused = shell.run(*arguments, "--without", "everything", code=2)
    assert "fusion, selection, metric" in refused.err


def test_items_are_trained_first_and_people_from_there(shell: Shell) -> None:
    rows, attributes = sequences(shell)
    items, out = shell.folder / "items", shell.folder / "model"
    given = ["--sequences", rows, "--attributes", attributes, "--epochs", "1"]
    assert shell.run("train", "items", *given, "--out", str(items), "--json").json["counts"]["interests"] == 1
    shell.run("train", "interests", *given, "--from", str(items), "--out", str(out))
    assert encoder_of(out).encode([Parts(item_id="1")])[0]


def test_people_are_trained_in_the_width_of_the_items_they_start_from(shell: Shell) -> None:
    rows, _ = sequences(shell)
    items = shell.folder / "items"
    given = ["--sequences", rows, "--epochs", "1", "--json"]
    shell.run("train", "items", *given, "--out", str(items), "--width", "16", "--ids", "on")
    arguments = ["train", "interests", *given, "--ids", "off", "--from", str(items), "--out", str(shell.folder / "model")]
    told = shell.run(*arguments).json["settings"]
    assert (told["items"]["width"], told["users"]["width"], told["items"]["ids"]) == (16, 16, True)
    assert "leave --width out" in shell.run(*arguments, "--width", "32", code=1).err


def test_an_odd_width_is_refused(shell: Shell) -> None:
    rows, _ = sequences(shell)
    refused = shell.run("train", "interests", "--sequences", rows, "--out", str(shell.folder / "model"), "--width", "5", code=2)
    assert "even" in refused.err


def test_a_marketplaces_own_events_and_listings_give_a_model_without_ids(shell: Shell) -> None:
    titles = ("冰岛普洱茶老茶饼", "福鼎白茶饼", "紫砂壶茶壶", "苹果手机64G")
    listed = [listing(f"i{number}", title=f"{titles[number % 4]} {number}") for number in range(40)]
    acts = [
        {"user": f"u{user}", "item": f"i{4 * step + user % 4}", "event": "click", "at": 1_000_000 * (step + 1)}
        for user in range(12)
        for step in range(6)
    ]
    events, items = (shell.write(name, "\n".join(map(json.dumps, rows))) for name, rows in (("acts.jsonl", acts), ("items.jsonl", listed)))
    out = shell.folder / "model"
    told = shell.run("train", "interests", "--events", events, "--items", items, "--out", str(out), "--epochs", "1", "--json").json
    assert told["counts"]["ids"] == 0
    assert told["counts"]["words"] > 0
    assert encoder_of(out).encode([Parts(item_id="i1"), Parts(title_words=("手机",))])[0] == b""


def test_a_file_of_items_that_holds_none_is_refused_with_its_line(shell: Shell) -> None:
    events = shell.write("acts.jsonl", json.dumps({"user": "u", "item": "i", "event": "click", "at": 1}))
    items = shell.write("items.jsonl", '{"nonsense": 1}')
    refused = shell.run("train", "interests", "--events", events, "--items", items, "--out", str(shell.folder / "m"), code=1)
    assert "items.jsonl:1" in refused.err


def test_behaviour_comes_from_one_place(shell: Shell) -> None:
    rows, _ = sequences(shell)
    out = str(shell.folder / "model")
    assert "name one of" in shell.run("train", "interests", "--out", out, code=2).err
    assert "name one of" in shell.run("train", "interests", "--sequences", rows, "--generated", "9", "--out", out, code=2).err
    assert "go together" in shell.run("train", "interests", "--events", rows, "--out", out, code=2).err


def test_a_path_breaks_off_after_a_gap_at_a_search_and_after_a_purchase() -> None:
    acts = [
        ("view", "a", 0),
        ("click", "a", 1),
        ("click", "b", 2),
        ("click", "c", 3 + GAP_MS),
        ("search", None, 4 + GAP_MS),
        ("purchase", "d", 5 + GAP_MS),
        ("view", "e", 6 + GAP_MS),
    ]
    assert path_of(acts) == ["a", "b", "", "c", "", "d", "", "e"]
