"""Vectors of terms: who likes a category is near to what is in it, and everybody computes the same."""

import subprocess
import sys
from math import nan, sqrt
from struct import pack

import pytest

from smallpool_core.errors import VectorRefused
from smallpool_core.term_vectors import DIMENSIONS, MODEL, interests
from smallpool_core.vectors import Vectors, check_vectors, packed_vector
from smallpool_stores.memory.vectors import ONE
from vector_rig import item_vector, product, rows_of, signs

PHONES = ("category:数码›手机", "category:数码", "brand:apple", "seller:s1", "city:杭州")


def test_an_item_is_near_to_one_that_shares_its_terms_and_not_to_another() -> None:
    one, like, other = item_vector(PHONES), item_vector((*PHONES[:2], "brand:小米")), item_vector(("category:文玩›手串", "category:文玩"))
    assert product(one, like) > 0.5 * ONE
    assert abs(product(one, other)) < 0.35 * ONE


def test_who_sells_an_item_and_where_is_not_in_its_vector() -> None:
    assert item_vector(PHONES) == item_vector((*PHONES[:3], "seller:s2", "city:北京"))
    assert item_vector(("seller:s1", "city:北京")) == [0] * DIMENSIONS


def test_each_top_category_is_an_interest_the_heaviest_first_and_what_has_none_counts_half_of_each() -> None:
    own = ({"category:数码›手机": 1024, "category:数码": 400, "price_band:数码:3": 50}, {"category:服饰": 300})
    weights = {"category:服饰": 300, **own[0], "brand:apple": 200, "seller:s": 900}
    for vector, terms in zip(rows_of(interests(weights)), own, strict=True):
        sums = [
            2 * sum(weight * signs(term)[place] for term, weight in terms.items()) + sum(terms.values()) * signs("brand:apple")[place]
            for place in range(DIMENSIONS)
        ]
        length = sqrt(sum(value * value for value in sums))
        assert vector == [round(127 * value / length) for value in sums]


def test_of_many_categories_the_heaviest_are_interests() -> None:
    weights = {f"category:c{place}": 10 + place for place in range(9)}
    assert interests(weights, 2) == interests({"category:c8": 18, "category:c7": 17})


def test_wishes_of_no_category_are_one_interest() -> None:
    assert len(interests({"brand:apple": 3, "tag:old": 1})) == 1


@pytest.mark.parametrize("weights", [{}, {"seller:s1": 5}, {"item:i1": 5, "city:x": 1}])
def test_who_asks_for_nothing_that_says_what_an_item_is_has_no_interest(weights: dict[str, int]) -> None:
    assert len(interests(weights)) == 0


def test_another_process_computes_the_same() -> None:
    weights = {"category:数码›手机": 1024, "brand:apple": 200, "tag:\ud800": 3}
    code = f"from smallpool_core.term_vectors import interests; print(interests({weights!a}).values.hex())"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert bytes.fromhex(printed) == interests(weights).values


def numbers(*values: float) -> bytes:
    return pack(f"<{len(values)}f", *values)


UNIT = [1.0] + [0.0] * (DIMENSIONS - 1)


def test_unit_vectors_of_the_model_are_taken() -> None:
    check_vectors(Vectors(MODEL, DIMENSIONS, packed_vector([3.0, *UNIT[1:]]) + numbers(*UNIT)), MODEL, DIMENSIONS)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (Vectors("terms-0", DIMENSIONS, numbers(*UNIT)), "of model 'terms-0'"),
        (Vectors(MODEL, DIMENSIONS, numbers(*UNIT, 0.0)), "260 bytes of 64 dimensions"),
        (Vectors(MODEL, 32, numbers(*UNIT)), "of 32 dimensions"),
        (Vectors(MODEL, DIMENSIONS, numbers(*UNIT, nan, *UNIT[1:])), "vector 1 has length nan"),
        (Vectors(MODEL, DIMENSIONS, numbers(float("inf"), *UNIT[1:])), "length inf"),
        (Vectors(MODEL, DIMENSIONS, numbers(*[0.0] * DIMENSIONS)), "length 0.0"),
        (Vectors(MODEL, DIMENSIONS, numbers(2.0, *UNIT[1:])), "length 2.0"),
    ],
)
def test_what_is_no_vector_of_the_model_is_refused_with_what_was_found(vectors: Vectors, said: str) -> None:
    with pytest.raises(VectorRefused, match=said):
        check_vectors(vectors, MODEL, DIMENSIONS)


@pytest.mark.parametrize("values", [[0.0] * 4, [nan, 1.0], [float("inf")], [1e308, 1e308]])
def test_what_has_no_length_cannot_be_scaled(values: list[float]) -> None:
    with pytest.raises(VectorRefused, match="leave it out"):
        packed_vector(values)
