"""Files of what people did, person by person."""

from pathlib import Path

import pytest
from msgspec import json

from builders import NOW
from smallpool_stores.duckdb import histories as module
from smallpool_stores.duckdb.histories import histories


def written(folder: Path, *rows: dict[str, object]) -> Path:
    file = folder / "history.jsonl"
    file.write_bytes(b"\n".join(map(json.encode, rows)))
    return file


def test_people_come_one_after_another_the_earliest_act_first(tmp_path: Path) -> None:
    acts = [("u2", "a", 5), ("u1", "b", 9), ("u2", "c", 1), ("u1", "d", 3)]
    file = written(tmp_path, *({"user": user, "item": item, "event": "click", "at": NOW + at} for user, item, at in acts))
    with histories(file, 100, 10) as found:
        assert [[row.item_id for row in rows] for rows in found.people()] == [["d", "b"], ["c", "a"]]


def test_rows_that_name_nobody_come_some_at_a_time_and_a_person_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCHED", 2)
    strangers: list[dict[str, object]] = [{"user_id": "u1", "item_id": "a"}] * 5
    file = written(tmp_path, *strangers, *({"user": "u1", "item": "a", "event": "click", "at": NOW + place} for place in range(3)))
    with histories(file, 100, 10) as found:
        assert [(rows[0].user_id, len(rows)) for rows in found.people()] == [(None, 2), (None, 2), (None, 1), ("u1", 3)]


def test_nothing_is_drawn_into_what_a_command_prints(tmp_path: Path) -> None:
    with histories(written(tmp_path, {"user": "u1"}), 100, 10) as found:
        assert found._connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)
