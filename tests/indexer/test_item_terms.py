"""Terms of an item and of a query, and the static score."""

import pytest

from builders import given, wide_item
from smallpool_core.terms import MAX_TERMS_PER_ITEM
from smallpool_indexer.terms import popularity_of, query_terms, static_score, terms_of
from write_rig import understood


def test_terms_come_in_the_order_of_their_worth() -> None:
    item = wide_item(
        category="数码›手机›苹果手机", brand="apple", points=("128g", "国行"), tags=("包邮",), price_band=3, city="上海"
    )  # fmt: skip
    assert terms_of(item) == (
        "category:数码›手机›苹果手机", "brand:apple", "seller:s1", "point:128g", "point:国行", "category:数码›手机", "category:数码",
        "tag:包邮", "price_band:数码:3", "city:上海",
    )  # fmt: skip


def test_what_is_missing_gives_no_term() -> None:
    assert terms_of(wide_item(category="其他", seller_id=None)) == ("category:其他",)


def test_no_more_than_32_terms_are_kept_and_the_seller_is_among_them() -> None:
    item = wide_item(brand="b", points=tuple(f"p{n}" for n in range(40)), tags=("t",), city="上海")
    terms = terms_of(item)
    assert len(terms) == MAX_TERMS_PER_ITEM == 32
    assert terms[:4] == ("category:数码›手机", "brand:b", "seller:s1", "point:p0")


def test_each_term_comes_once() -> None:
    assert terms_of(wide_item(seller_id=None, points=("a", "a"))) == ("category:数码›手机", "point:a", "category:数码")


def test_a_search_asks_for_what_its_words_stand_for() -> None:
    assert query_terms(understood(given("苹果 #国行", category=("数码", "手机")))) == ("category:数码›手机", "brand:苹果", "point:国行")


@pytest.mark.parametrize(
    ("quality", "seller_score", "popularity", "score"),
    [(0, 0, 0, 0), (1000, 1000, 1000, 511), (1000, 0, 0, 307), (0, 1000, 0, 128), (0, 0, 1000, 77), (500, 500, 0, 217)],
)
def test_the_static_score_is_its_weighted_parts_in_0_to_511(quality: int, seller_score: int, popularity: int, score: int) -> None:
    assert static_score(quality, seller_score, popularity) == score


@pytest.mark.parametrize(("weight", "popularity"), [(0.0, 0), (1.25, 200), (5.0, 500), (1e300, 1000)])
def test_popularity_is_one_half_at_a_weight_of_five_clicks(weight: float, popularity: int) -> None:
    assert popularity_of(weight) == popularity
