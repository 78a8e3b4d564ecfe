"""Titles labelled by the knowledge base: spans of its types, and what people labelled stays."""

import pytest

from smallpool_models.ner.distant import label_by_knowledge, labelled_listings
from smallpool_models.ner.titles import Labelled, TitleSet
from smallpool_models.understanding import KnowledgeUnderstander
from smallpool_models.understanding.merge import KINDS


@pytest.fixture(scope="module")
def listings(understander: KnowledgeUnderstander) -> list[Labelled]:
    return labelled_listings(understander, count=200, seed=3)


def test_generated_titles_are_distinct_and_labelled_without_overlap(listings: list[Labelled]) -> None:
    assert 150 < len(listings) <= 200
    assert len({title.text for title in listings}) == len(listings)
    kinds = {kind for title in listings for _, _, kind in title.spans}
    assert {"product", "brand", "condition"} <= kinds <= KINDS
    for title in listings:
        ends = [0]
        for start, end, _ in title.spans:
            assert ends[-1] <= start < end <= len(title.text)
            ends.append(end)


def test_what_a_person_labelled_stays_and_the_knowledge_base_adds_only_types_that_the_set_lacks(
    understander: KnowledgeUnderstander,
) -> None:
    asked = TitleSet("buyers", (Labelled("9成新和田玉手镯和围棋", ((3, 8, "product"),)),), ("product",), {"holds U+FFFD": 1}, "f00")
    made = label_by_knowledge(understander, [asked], TitleSet("listings", (), (), {}, "abc"))
    assert made.titles[0].spans == ((0, 3, "condition"), (3, 8, "product")), "no material inside, and no product beside"
    assert made.dropped == {"buyers: holds U+FFFD": 1}
    assert (made.name, made.sha256) == ("listings", "abc+f00")
