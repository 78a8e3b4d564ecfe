"""What a net reads of titles: places stay those of the title, words are found wherever they overlap, a title alone is as among others."""

import numpy as np
import pytest

from smallpool_models.ner.features import Batch, Reader, Vocabulary, fold
from smallpool_models.ner.lexicons import build_lexicons, read_gazetteer
from smallpool_models.ner.titles import Labelled, TitleSet
from smallpool_models.understanding import KnowledgeUnderstander

VOCABULARY = Vocabulary("abc和田玉", ("和田", "\n和"), ("material", "place"), {"和田": 2, "和田玉": 1, "玉": 1, "abc": 1})


@pytest.fixture(scope="module")
def reader(understander: KnowledgeUnderstander) -> Reader:
    return Reader(VOCABULARY, understander.segmenter)


def only(batch: Batch, title: int) -> list[list[float]]:
    length = batch.lengths[title]
    parts = (batch.characters, batch.left, batch.right, batch.shapes, batch.words)
    return [part[:length, title].tolist() for part in parts]


def test_characters_are_folded_one_by_one_so_that_places_stay() -> None:
    assert fold("ＡＢ①㎏") == "ab1㎏"
    assert fold("Ａb和") == "ab和"
    assert len(fold("a😀\ud800b\n")) == 5


def test_words_of_the_lexicon_are_marked_where_they_begin_go_on_end_and_stand_alone(reader: Reader) -> None:
    batch = reader.read(["买和田玉"]).batch(np.array([0]), 2)
    begins, goes_on, ends, alone = (batch.words[:, 0, 2 * part : 2 * part + 2].tolist() for part in range(4))
    assert begins == [[0, 0], [1, 1], [0, 0], [0, 0]]
    assert goes_on == [[0, 0], [0, 0], [1, 0], [0, 0]]
    assert ends == [[0, 0], [0, 0], [0, 1], [1, 0]]
    assert alone == [[0, 0], [0, 0], [0, 0], [1, 0]]


def test_a_word_of_letters_is_not_found_inside_a_longer_one(reader: Reader) -> None:
    assert reader.read(["xabc abcd"]).batch(np.array([0]), 2).words.sum() == 0
    assert reader.read(["x abc"]).batch(np.array([0]), 2).words.sum() == 3


def test_pairs_know_the_edges_of_a_title(reader: Reader) -> None:
    batch = reader.read(["和田"]).batch(np.array([0]), 2)
    assert batch.left[:, 0].tolist() == [2, 1]
    assert batch.right[:, 0].tolist() == [1, 0]


@pytest.mark.parametrize("odd", ["", "\n\n", "😀和田玉", "\ud800", "ｱﾞ和" * 300, "\x00\x1b[31m", "<b>玉</b>"])
def test_a_title_reads_the_same_alone_and_among_others_whatever_it_holds(reader: Reader, odd: str) -> None:
    texts = ["abc和田玉", odd, "玉"]
    together = reader.read(texts).batch(np.arange(3), 2)
    for number, text in enumerate(texts):
        assert only(together, number) == only(reader.read([text]).batch(np.array([0]), 2), 0)


def test_what_one_title_alone_labels_is_not_known_of_it() -> None:
    titles = (
        Labelled("卖云龙牌茶壶", ((1, 4, "brand"), (4, 6, "product"))),
        Labelled("茶壶一把", ((0, 2, "product"),)),
        *(Labelled(f"{number}号茶壶", ((len(str(number)) + 1, len(str(number)) + 3, "product"),)) for number in range(200)),
        *(Labelled(f"{number}号青山牌", ((len(str(number)) + 1, len(str(number)) + 4, "brand"),)) for number in range(120)),
    )
    lexicons = build_lexicons({"knowledge:product": ["茶壶"]}, [TitleSet("shop", titles, ("brand", "product"), {}, "")])
    assert lexicons.classes == ("knowledge:product", "titles:shop:product", "titles:shop:brand")
    assert (lexicons.words["茶壶"], lexicons.words["云龙牌"]) == (0b011, 0b100)
    assert lexicons.once == {"卖云龙牌茶壶": {"云龙牌": 0b100}}


def test_numbered_gazetteers_are_of_one_class(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("words") / "brand12.dic"
    path.write_text("海尔\n\n ＯＴＡＸ \n", "utf-8")
    assert read_gazetteer(path) == ("brand", ["海尔", "otax"])
