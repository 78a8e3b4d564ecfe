"""The model that comes with smallpool: small, sound, trained only on what may be redistributed, and worth having."""

import json
from pathlib import Path

import pytest

from checkout import ROOT
from smallpool_config.settings import SHIPPED_MODEL, ModelSettings
from smallpool_config.tagging import understander_of
from smallpool_core.items import Given
from smallpool_models.encoders.ner import KIND, SCHEMA
from smallpool_models.registry.folder import read_model
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander

FOLDER = ROOT / "config" / "models" / "ner"


@pytest.fixture(scope="module")
def tagging(knowledge: KnowledgeBase) -> KnowledgeUnderstander:
    return understander_of(knowledge, ModelSettings(ner=SHIPPED_MODEL))


def test_it_is_sound_and_has_at_most_8_mb() -> None:
    assert ModelSettings(ner=SHIPPED_MODEL).ner_path == FOLDER
    files = read_model(FOLDER, KIND, SCHEMA)
    assert sum(path.stat().st_size for path in Path(FOLDER).iterdir()) < 8_000_000
    assert set(json.loads(files.files["card.json"])["sets"]) == {"listings"}


def test_it_finds_what_no_file_names(tagging: KnowledgeUnderstander, understander: KnowledgeUnderstander) -> None:
    given = [Given(title="我想买一个折叠露营推车"), Given(title="有没有螺旋藻精华粉")]
    further = [
        set(one.points) - set(plain.points) for one, plain in zip(tagging.understand(given), understander.understand(given), strict=True)
    ]
    assert any(further)


def test_all_that_the_knowledge_base_finds_stays(tagging: KnowledgeUnderstander, understander: KnowledgeUnderstander) -> None:
    titles = [
        "95新 苹果iPhone 13 128g 国行 电池健康87% 无拆修",
        "老班章 普洱生茶",
        "和田玉 手镯 58圈口",
        "冠琴 机械 机芯 手表",
        "日本回流 围棋",
    ]
    given = [Given(title=title) for title in titles]
    for both, alone in zip(tagging.understand(given), understander.understand(given), strict=True):
        assert set(alone.spans) <= set(both.spans)
        assert (both.category, both.condition) == (alone.category, alone.condition)
