"""Words that teach which go together come from the knowledge base and two lists beside it, each under categories that there are."""

from pathlib import Path
from shutil import copy

import pytest

from smallpool_config.settings import KnowledgeSettings
from smallpool_core.errors import KnowledgeRefused
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.judging.taught import FILE, taught_words
from smallpool_models.ner.piles import FILE as PILES
from smallpool_models.understanding import KnowledgeBase

FOLDER = KnowledgeSettings().path


def test_entries_families_and_fields_all_teach_and_every_category_is_one(knowledge: KnowledgeBase) -> None:
    words = taught_words(knowledge, FOLDER)
    assert {("老人机", f"数码{PATH_SEPARATOR}手机"), ("狗粮", "宠物"), ("洗衣液", "家居")} <= set(words)
    keys = {*knowledge.categories, *(key.split(PATH_SEPARATOR)[0] for key in knowledge.categories)}
    assert {category for _, category in words} <= keys


def test_words_under_a_top_that_no_category_has_are_refused(tmp_path: Path, knowledge: KnowledgeBase) -> None:
    copy(FOLDER / PILES, tmp_path)
    with pytest.raises(KnowledgeRefused, match=FILE):
        taught_words(knowledge, tmp_path)
    (tmp_path / FILE).write_text('"杂货" = "锅 碗"', "utf-8")
    with pytest.raises(KnowledgeRefused, match="杂货"):
        taught_words(knowledge, tmp_path)
