"""What keeps the index of vectors up to date may fail: pages lack vectors then, and the process goes on and stays ready."""

from pathlib import Path

import pytest

from encoder_rig import Models, hashed
from smallpool_config.runtime import Background
from smallpool_config.wiring.finds_alike import RESTS_S, Forgiven
from smallpool_core.errors import StoreUnavailable
from system_rig import Marketplace


@pytest.mark.parametrize("failure", [MemoryError("no room for a graph"), StoreUnavailable("the server is down")])
def test_a_turn_that_fails_is_tried_again_after_a_rest(failure: Exception) -> None:
    now_s, ends = [0.0], iter([failure, True])
    asked = []

    def turn() -> bool:
        asked.append(now_s[0])
        end = next(ends)
        if isinstance(end, Exception):
            raise end
        return end

    forgiven = Forgiven("graph", turn, lambda: now_s[0])
    assert [forgiven(), forgiven()] == [False, False]
    now_s[0] = RESTS_S
    assert forgiven()
    assert asked == [0.0, RESTS_S]


def test_a_graph_that_cannot_be_built_leaves_a_process_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> bool:
        raise MemoryError("no room for a graph")

    with Marketplace(tmp_path, models=Models(hashed())) as market:
        monkeypatch.setattr(market.system.vector_index, "rebuild", fails)
        lines = market.system.vector_line()
        assert [worker.turn() for line in lines for worker in line] == [False]
        assert Background(market.system, lines).failure is None
