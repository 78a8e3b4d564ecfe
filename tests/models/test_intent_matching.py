"""What texts and titles have in common to the letter: products as BM25's, unit vectors, and what the first of several words counts."""

import math
from collections import Counter

import numpy as np
import pytest

from smallpool_models.intent.matching import FIRST, K1, SPLIT, B, Matcher
from smallpool_models.intent.okapi import characters
from smallpool_models.intent.reading import PieceVocabulary, learnt_pieces, pieces_of

TITLES = ("兰蔻小黑瓶精华 50ml", "雅诗兰黛小棕瓶", "olay面霜 水乳 面霜", "紫砂壶", "正品包邮 兰蔻 眼霜眼霜眼霜")
OTHERS = ("苹果手机壳包邮", "正品 洗衣机")
ODD = ["", "😀" * 30, "\x00\x1b[31m", "*:* AND (a OR b)~2", "ｔｅａ " * 2_500, "\ud800", "🍵", "一" * 5_000, "﷽" * 300]


@pytest.fixture
def vocabulary() -> PieceVocabulary:
    return learnt_pieces(TITLES, OTHERS, 1, 1_000)


def test_titles_come_in_the_order_that_bm25_gives_them(vocabulary: PieceVocabulary) -> None:
    matcher, query = Matcher(vocabulary, 4096), "兰蔻眼霜"
    rarity = dict(zip(vocabulary.pieces, vocabulary.rarity, strict=True))
    expected = []
    for title in TITLES:
        held, length = Counter(pieces_of(title)), len(characters(title)) / vocabulary.typical
        often = K1 * (1 - B + B * length)
        parts = [((rarity[one] - 1) * (1 if len(one) == 1 else SPLIT), held[one]) for one in pieces_of(query) if one in rarity]
        expected.append(sum(weight * count * (K1 + 1) / (count + often) for weight, count in parts))
    found = (matcher.asked([query]) @ matcher.titled(TITLES).T)[0]
    np.testing.assert_allclose(found / found.max(), np.array(expected) / max(expected), atol=1e-4)
    assert found.argsort()[::-1][:2].tolist() == [4, 0]


def test_the_first_of_several_words_counts_more(vocabulary: PieceVocabulary) -> None:
    matcher, titles = Matcher(vocabulary, 4096), ("兰蔻", "面霜")
    brand, thing = (matcher.asked(["兰蔻 面霜"]) @ matcher.titled(titles).T)[0]
    other_thing, other_brand = (matcher.asked(["面霜 兰蔻"]) @ matcher.titled(("面霜", "兰蔻")).T)[0]
    assert FIRST > 1
    assert brand > thing
    assert other_thing > other_brand
    one, another = (matcher.asked(["兰蔻面霜"]) @ matcher.titled(titles).T)[0]
    assert one == pytest.approx(another, rel=0.5), "a single word has no first"


@pytest.mark.parametrize("size", [64, 4096])
def test_vectors_have_unit_length_and_a_text_without_words_has_none(vocabulary: PieceVocabulary, size: int) -> None:
    matcher = Matcher(vocabulary, size)
    for vectors in (matcher.asked([*TITLES, *ODD]), matcher.titled([*TITLES, *ODD])):
        assert vectors.shape == (len(TITLES) + len(ODD), size + 1)
        lengths = np.linalg.norm(vectors, axis=1)
        spoken = [bool(pieces_of(text)) for text in [*TITLES, *ODD]]
        np.testing.assert_allclose(lengths, np.array(spoken, dtype=np.float32), atol=1e-5)


def test_a_name_that_no_title_ever_held_finds_the_one_that_does(vocabulary: PieceVocabulary) -> None:
    matcher = Matcher(vocabulary, 1024)
    assert (matcher.asked(["髤漆"]) @ matcher.titled([*TITLES, "清代髤漆犀皮盒"]).T).argmax() == len(TITLES)


def test_rarity_is_that_of_all_texts_and_the_domains_own_pieces_come_first(vocabulary: PieceVocabulary) -> None:
    place = vocabulary.pieces.index("正")
    assert vocabulary.rarity[place] == pytest.approx(1 + math.log(8 / 3), abs=1e-4)
    own = set().union(*map(pieces_of, TITLES))
    assert set(vocabulary.pieces[: len(own)]) == own
    assert vocabulary.typical == pytest.approx(sum(len(characters(title)) for title in TITLES) / len(TITLES), abs=1e-4)
