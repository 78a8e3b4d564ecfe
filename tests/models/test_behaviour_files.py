"""Files of behaviour that are odd and still valid are read; what they do not say is not made up."""

import json
from pathlib import Path
from typing import Any

import pytest

from smallpool_core.errors import Refused
from smallpool_models.evaluation.sessions import read_sessions
from smallpool_models.vectors.behaviour import Behaviour, read_sequences, read_session_folder


def sequences(path: Path, text: str, attributes: dict[str, Any] | None = None) -> Behaviour:
    (path / "rows.txt").write_text(text, encoding="utf-8")
    (path / "attributes.json").write_text(json.dumps(attributes))
    return read_sequences(path / "rows.txt", None if attributes is None else path / "attributes.json")


def sessions(path: Path, train: list[dict[str, Any]], test: list[dict[str, Any]], categories: dict[str, Any] | None = None) -> Path:
    for name, rows in (("train", train), ("test", test)):
        (path / f"{name}.jsonl").write_text("\n\n".join(map(json.dumps, rows)) + "\n")
    if categories is not None:
        (path / "item_category.json").write_text(json.dumps(categories))
    return path


def categories_of(behaviour: Behaviour) -> dict[str, str]:
    return {one.item_id: one.category for one in behaviour.items}


def test_ids_are_any_words_and_lines_without_items_say_nothing(tmp_path: Path) -> None:
    read = sequences(tmp_path, "A1 B00X 壶 B00Y 12\n\n  \nA2\nA3 壶\u3000茶 B00X\n")
    assert [one.item_id for one in read.items] == ["B00X", "壶", "B00Y", "12", "壶\u3000茶"]
    assert [row.tolist() for row in read.test] == [[1, 2, 3, 4], [5, 1]]


def test_an_item_may_lack_attributes_and_attributes_an_item(tmp_path: Path) -> None:
    read = sequences(tmp_path, "1 1 2 3 4\n", {"1": [7, "红", 0.5], "2": [], "3": None, "99": [7]})
    assert {one.item_id: one.terms for one in read.items} == {
        "1": ("tag:7", "tag:红", "tag:0.5"),
        "2": (),
        "3": (),
        "4": (),
        "99": ("tag:7",),
    }


def test_a_session_without_categories_gives_its_items_none_of_the_targets(tmp_path: Path) -> None:
    train = [{"items": [1, 2], "cats": [], "target": 3, "target_cat": 9}, {"items": [4], "target": 5}]
    read = read_session_folder(sessions(tmp_path, [*train, *train], []), None)
    assert categories_of(read) == {"1": "", "2": "", "3": "c9", "4": "", "5": ""}


def test_categories_of_the_file_count_before_those_of_sessions_and_any_may_be_missing(tmp_path: Path) -> None:
    train = [{"items": ["a", "b"], "cats": ["x", None], "target": "c", "target_cat": None}] * 3
    folder = sessions(tmp_path, train, [], {"a": ["y", "z"], "b": [], "c": None, "d": 7})
    assert categories_of(read_session_folder(folder, None)) == {"a": "cy", "b": "", "c": "", "d": "c7"}
    site = read_sessions(folder, folder / "item_category.json")
    assert {item: one.category for item, one in site.items.items()} == {"a": ("cy",), "b": ("unknown",), "c": ("unknown",), "d": ("c7",)}


def test_a_folder_need_not_tell_categories_apart_but_a_file_that_is_named_is_wanted(tmp_path: Path) -> None:
    train = [{"items": [1], "cats": [4], "target": 2, "target_cat": 5}, {"items": [2], "target": 1}, {"items": [2, 1], "target": 2}]
    folder = sessions(tmp_path, train, [])
    assert categories_of(read_session_folder(folder, None)) == {"1": "c4", "2": "c5"}
    with pytest.raises(Refused, match=r"other\.json"):
        read_session_folder(folder, tmp_path / "other.json")


def test_of_few_sessions_one_decides_and_is_not_learnt_from(tmp_path: Path) -> None:
    rows = [{"items": [1, 2], "cats": [], "target": 3 + number} for number in range(3)]
    read = read_session_folder(sessions(tmp_path, [*rows, {"items": [], "target": 9}], []), None)
    assert (len(read.train), len(read.dev)) == (3, 1)
    assert read.dev[0].tolist() not in [row.tolist() for row in read.train]
    with pytest.raises(Refused, match="0 that decide"):
        read_session_folder(sessions(tmp_path, rows[:1], []), None)
