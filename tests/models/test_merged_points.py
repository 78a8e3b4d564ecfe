"""What a tagger adds to what the knowledge base hears, and what it may not."""

from collections.abc import Sequence

import pytest

from smallpool_core.items import Given, Understood
from smallpool_models.understanding import KnowledgeUnderstander
from smallpool_models.understanding.merge import Tagged


class Dictated:
    """A tagger that finds the words it was given."""

    version = "dictated"
    refused = ""

    def __init__(self, **kinds: str) -> None:
        self._words = {word: kind for kind, words in kinds.items() for word in words.split()}

    def tag(self, texts: Sequence[str]) -> tuple[str, list[list[Tagged]]]:
        return self.version, [self._in(text) for text in texts]

    def refresh(self) -> None:
        """It never changes."""

    def _in(self, text: str) -> list[Tagged]:
        return sorted((text.index(word), text.index(word) + len(word), kind) for word, kind in self._words.items() if word in text)


def read(understander: KnowledgeUnderstander, title: str, **kinds: str) -> Understood:
    return understander.tagged_by(Dictated(**kinds)).understand([Given(title=title)])[0]


def test_a_word_that_the_knowledge_base_lacks_becomes_a_point_with_its_characters_as_key(understander: KnowledgeUnderstander) -> None:
    understood = read(understander, "云雀牌 量子拨片 红色", product="量子拨片")
    assert "量子拨片" in understood.points
    assert (4, 8, "product", "量子拨片") in [(span.start, span.end, span.type, span.key) for span in understood.spans]


def test_a_tagged_brand_is_the_brand_where_the_knowledge_base_names_none(understander: KnowledgeUnderstander) -> None:
    assert read(understander, "云雀牌 拨片", brand="云雀牌").brand == "云雀牌"
    known = read(understander, "云雀牌 华为手机", brand="云雀牌")
    assert known.brand != "云雀牌"
    assert known.brand == understander.understand([Given(title="云雀牌 华为手机")])[0].brand


def test_where_both_speak_of_the_same_characters_the_knowledge_base_wins(understander: KnowledgeUnderstander) -> None:
    alone = understander.understand([Given(title="和田玉手镯")])[0]
    both = read(understander, "和田玉手镯", brand="和田", style="玉手镯")
    assert (both.points, both.spans, both.brand) == (alone.points, alone.spans, alone.brand)


@pytest.mark.parametrize("nothing", ["玥", "123", "--", "的"])
def test_single_characters_numbers_and_marks_are_no_points(understander: KnowledgeUnderstander, nothing: str) -> None:
    title = f"龘 {nothing} 龘"
    assert read(understander, title, product=nothing).points == understander.understand([Given(title=title)])[0].points


def test_spans_are_of_the_title_as_it_was_written(understander: KnowledgeUnderstander) -> None:
    understood = read(understander, "５㎏ 雲雀撥片", product="云雀拨片")
    assert [(span.start, span.end) for span in understood.spans if span.key == "云雀拨片"] == [(3, 7)]
