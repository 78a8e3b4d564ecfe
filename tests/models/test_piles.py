"""Titles as shops write them: labelled as they are made, and mostly of words that no file names."""

from itertools import pairwise
from pathlib import Path

import pytest

from smallpool_config.settings import KnowledgeSettings
from smallpool_core.errors import KnowledgeRefused
from smallpool_models.ner.piles import FILE, Piles
from smallpool_models.understanding import KnowledgeUnderstander
from smallpool_models.understanding.merge import KINDS

FOLDER = KnowledgeSettings().path


@pytest.fixture(scope="module")
def piles(understander: KnowledgeUnderstander) -> Piles:
    return Piles(understander, FOLDER)


def test_spans_lie_in_their_title_in_order_and_are_of_kinds_that_the_understander_takes(piles: Piles) -> None:
    for title in piles.make(500, 1):
        assert all(0 <= start < end <= len(title.text) and kind in KINDS for start, end, kind in title.spans)
        assert all(first[1] <= second[0] for first, second in pairwise(title.spans))


def test_the_same_seed_gives_the_same_titles_and_fewer_are_the_first_of_them(piles: Piles) -> None:
    assert piles.make(50, 3) == piles.make(80, 3)[:50]
    assert piles.make(50, 3) != piles.make(50, 4)


def test_most_brands_and_products_are_words_that_the_knowledge_base_lacks(piles: Piles, understander: KnowledgeUnderstander) -> None:
    words = [title.text[start:end] for title in piles.make(300, 1) for start, end, kind in title.spans if kind in {"brand", "product"}]
    unknown = [word for word in words if not understander.lexicon.knows(understander.folded(word))]
    assert 0.5 < len(unknown) / len(words) < 0.95


def test_a_file_of_words_of_another_form_is_refused(tmp_path: Path, understander: KnowledgeUnderstander) -> None:
    with pytest.raises(KnowledgeRefused, match=FILE):
        Piles(understander, tmp_path)
    (tmp_path / FILE).write_text('style = "a b"\nfamilies = []\n', "utf-8")
    with pytest.raises(KnowledgeRefused, match="missing required field"):
        Piles(understander, tmp_path)
