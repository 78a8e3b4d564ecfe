"""What is looked up side by side is what a dictionary says, pair by pair."""

from hypothesis import given
from hypothesis import strategies as st

from smallpool_models.understanding.characters import Characters, pairs_of, train_characters
from smallpool_models.understanding.pair_table import PairTable, codes_of
from smallpool_models.understanding.segment import Segmenter

LETTERS = "ab0和田玉\U0001f600\U0010ffff \ud800"
WORDS = Segmenter(["和田玉", "玉手镯"])
CHARACTERS = Characters(train_characters(["和田玉手镯 a", "手镯 0克", "和田玉 0克"], ["和田玉手镯"]))
TEXTS = st.lists(st.text("和田玉手镯克 a1.+-\U0001f600", max_size=12), max_size=6)


@given(st.dictionaries(st.text(LETTERS, min_size=2, max_size=2), st.floats(-9, 0)), st.text(LETTERS, min_size=1, max_size=20))
def test_a_table_has_the_values_of_its_pairs_and_of_no_other(values: dict[str, float], text: str) -> None:
    found = PairTable(values, 1.0).values(codes_of(text))
    assert found.tolist() == [values.get(pair, 1.0) for pair in pairs_of(text)]


@given(TEXTS)
def test_texts_are_cut_alike_alone_and_among_others(texts: list[str]) -> None:
    assert WORDS.cut_all(texts) == [WORDS.cut(text) for text in texts]
    assert WORDS.paths(texts) == [WORDS.path(text) for text in texts]


@given(TEXTS)
def test_orders_of_characters_are_the_same_alone_and_among_others(texts: list[str]) -> None:
    assert CHARACTERS.scores(texts) == [CHARACTERS.scores([text])[0] for text in texts]
