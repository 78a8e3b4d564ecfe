"""Sessions that go one way are trained on otherwise than those that do not."""

import json
import random
from pathlib import Path

import pytest

pytest.importorskip("torch")
from smallpool_config.embedding import BehaviourSource, VectorOrder, _interest_settings
from smallpool_models.vectors.behaviour import read_session_folder


def folder(where: Path, *, in_order: bool) -> Path:
    rng, lines = random.Random(1), []
    for _ in range(300):
        items = rng.sample(range(20), 4)
        *before, target = sorted(items) if in_order else items
        lines.append(json.dumps({"items": before, "cats": [1] * 3, "target": target, "target_cat": 1}) + "\n")
    for name in ("train.jsonl", "test.jsonl"):
        (where / name).write_text("".join(lines), encoding="ascii")
    return where


@pytest.mark.parametrize(("in_order", "width"), [(True, 128), (False, 64)])
def test_vectors_begin_ahead_where_sessions_go_one_way_and_nowhere_else(tmp_path: Path, in_order: bool, width: int) -> None:
    where = folder(tmp_path, in_order=in_order)
    order = VectorOrder(BehaviourSource(sessions=where), tmp_path / "out")
    chosen = _interest_settings(order, read_session_folder(where, None))
    assert (chosen.spectral, chosen.users.turn, chosen.items.width, chosen.users.width) == (in_order, in_order, width, width)
