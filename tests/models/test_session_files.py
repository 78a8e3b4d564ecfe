import json
from pathlib import Path

import pytest

from smallpool_core.errors import Refused
from smallpool_models.evaluation.sessions import Session, read_interactions, read_sessions
from smallpool_models.vectors.behaviour import read_session_folder


def line(items: list[int], target: int) -> str:
    return json.dumps({"items": items, "cats": [item % 3 for item in items], "target": target, "target_cat": target % 3})


def folder(path: Path, train: list[str], test: list[str]) -> Path:
    (path / "train.jsonl").write_text("\n".join(train) + "\n")
    (path / "test.jsonl").write_text("\n".join(test) + "\n")
    (path / "item_category.json").write_text(json.dumps({str(item): [item % 3] for item in range(6)}))
    return path


def test_training_is_everything_that_was_done_in_order_and_the_test_asks_for_the_target(tmp_path: Path) -> None:
    path = folder(tmp_path, [line([1, 2], 3), line([4], 5)], [line([1, 4], 2)])
    site = read_sessions(path, path / "item_category.json")
    assert site.acts == [("train-0", "1"), ("train-0", "2"), ("train-0", "3"), ("train-1", "4"), ("train-1", "5")]
    assert site.test == [Session(("1", "4"), "2")]
    assert site.items["5"].category == ("c2",)
    assert site.first_seen["0"] == 5


def test_a_session_of_the_test_that_was_trained_on_is_left_out(tmp_path: Path) -> None:
    path = folder(tmp_path, [line([1, 2], 3)], [line([1, 2], 3), line([1], 2)])
    assert read_sessions(path, path / "item_category.json").test == [Session(("1",), "2")]


def test_tuning_asks_the_end_of_what_is_for_training_and_never_the_test(tmp_path: Path) -> None:
    path = folder(tmp_path, [line([1], number % 6) for number in (2, 3, 4, 5, 0)], [line([1, 4], 2)])
    site = read_sessions(path, path / "item_category.json", tuning=True)
    assert site.test == [Session(("1",), "0")]
    assert ("train-4", "0") not in site.acts


def test_beside_a_model_tuning_asks_what_a_training_leaves_for_validation_and_nothing_else(tmp_path: Path) -> None:
    path = folder(tmp_path, [line([number % 5], (number + 1) % 6) for number in range(400)], [line([1, 4], 2)])
    site = read_sessions(path, path / "item_category.json", tuning=True, unlearnt=True)
    learnt = read_session_folder(path, None)
    assert len(site.test) == len(learnt.dev) > 0
    assert len(site.acts) == len(learnt.train.values)


def test_sessions_too_few_for_a_training_to_leave_any_are_refused_beside_a_model(tmp_path: Path) -> None:
    path = folder(tmp_path, [line([1, 2], 3)], [line([1, 4], 2)])
    with pytest.raises(Refused, match="leaves none for validation"):
        read_sessions(path, path / "item_category.json", tuning=True, unlearnt=True)


def test_a_line_of_another_form_is_refused_by_its_place(tmp_path: Path) -> None:
    path = folder(tmp_path, [line([1], 2), '{"items": 3}'], [])
    with pytest.raises(Refused, match=r"train\.jsonl:2"):
        read_sessions(path, path / "item_category.json")


def test_ratings_are_split_by_time_and_each_later_one_is_asked_for_with_what_came_before(tmp_path: Path) -> None:
    rows = [("u", "1", 10), ("v", "2", 20), ("u", "3", 30), ("v", "1", 40), ("u", "2", 50)]
    (tmp_path / "r.inter").write_text("user_id:token\titem_id:token\trating:float\ttimestamp:float\n")
    with (tmp_path / "r.inter").open("a") as file:
        file.writelines(f"{user}\t{item}\t3\t{at}\n" for user, item, at in reversed(rows))
    (tmp_path / "r.item").write_text("item_id:token\tclass:token_seq\n1\tDrama War\n2\t\n3\tWar\n")
    site = read_interactions(tmp_path)
    assert site.acts == [(user, item) for user, item, _ in rows[:4]]
    assert site.test == [Session(("1", "3"), "2")]
    assert site.items["1"].tags == ("Drama", "War")
    assert site.items["2"].category == ("unknown",)


def test_a_folder_without_its_files_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"0 files \*\.inter"):
        read_interactions(tmp_path)
    with pytest.raises(Refused, match=r"train\.jsonl"):
        read_sessions(tmp_path, tmp_path / "item_category.json")


def ratings(path: Path, rows: str, items: str = "1\tDrama\n") -> Path:
    (path / "r.inter").write_text("user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + rows)
    (path / "r.item").write_text("item_id:token\tclass:token_seq\n" + items)
    return path


@pytest.mark.parametrize(
    ("rows", "items", "message"),
    [
        ("u\t1\t3\t10\nu\t1\t3\n", "1\tDrama\n", r"r\.inter:3: found 3 columns"),
        ("u\t1\t3\tyesterday\n", "1\tDrama\n", "timestamp 'yesterday'"),
        ("u\t1\t3\tnan\n", "1\tDrama\n", "timestamp 'nan'"),
        ("u\t1\t3\t10\n" * 2, "", "no items"),
        ("u\t1\t3\t10\n", "1\tDrama\n", "nothing that is for training"),
    ],
)
def test_ratings_that_cannot_be_used_are_refused_with_what_to_do(tmp_path: Path, rows: str, items: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read_interactions(ratings(tmp_path, rows, items))


def test_an_empty_line_among_ratings_is_none(tmp_path: Path) -> None:
    assert read_interactions(ratings(tmp_path, "u\t1\t3\t10\n\nu\t1\t3\t11\n")).acts == [("u", "1")]


def test_empty_files_of_sessions_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, [], [])
    with pytest.raises(Refused, match="nothing that is for training"):
        read_sessions(path, path / "item_category.json")
    (path / "item_category.json").write_text("{}")
    with pytest.raises(Refused, match="no items"):
        read_sessions(path, path / "item_category.json")
