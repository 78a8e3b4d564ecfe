"""The wrapper round a stage: figures, log lines and dead letters."""

import logging

import pytest

from builders import NOW
from smallpool_core.ports import LogRecord
from smallpool_core.row_reader import Rejection
from smallpool_indexer.dead_letters import dead_letter
from smallpool_indexer.stage import Staged, Stages, Unobserved
from write_rig import Figures

LETTER = dead_letter(LogRecord("item-events", 0, 9, "i1", b"x", NOW), Rejection("at", "'x'", "milliseconds are required"), NOW)


def test_a_stage_is_observed_with_what_went_in_and_what_came_out() -> None:
    figures = Figures()
    stages = Stages(figures)
    out = stages.run("halve", lambda taken: Staged(taken[::2], counts={"odd": 2, "none": 0}), [1, 2, 3])
    assert out == [1, 3]
    assert figures.stages == [("halve", 3, 2)]
    assert figures.counts == {"odd": 2}


def test_dead_letters_of_all_stages_are_gathered_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    figures = Figures()
    stages = Stages(figures)
    with caplog.at_level(logging.WARNING, "smallpool.indexer"):
        for stage in ("parse", "understand"):
            stages.run(stage, lambda taken: Staged([*taken], [LETTER]), [1])
    assert stages.letters == [LETTER, LETTER]
    assert figures.counts["dead_letter"] == 2
    assert caplog.messages[0] == "parse: dead letter of item-events, offset 9: at: found 'x'; milliseconds are required"


def test_notes_are_logged_under_the_name_of_the_stage(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "smallpool.indexer"):
        Stages(Unobserved()).run("order", lambda taken: Staged([*taken], notes=["twice"]), [1])
    assert caplog.messages == ["order: twice"]
