"""A constraint put into the vector itself: the shift finds what the exact slice finds, and a rule's code is told from few others."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_stores.faiss.rule_vectors import RULE_POSITIONS, TERM_POSITIONS, RuleVectors, pool_code
from smallpool_stores.faiss.shifted import ShiftedIndex, codes


def unit(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    drawn = rng.standard_normal((count, size))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@given(
    seed=st.integers(0, 2**32),
    share=st.floats(0, 1),
    shift=st.sampled_from([3.0, 5.0, 10.0]),
    size=st.sampled_from([3, 8, 64]),
)
def test_the_shift_finds_what_the_slice_of_the_category_holds_in_its_order_and_leaks_nothing(
    seed: int, share: float, shift: float, size: int
) -> None:
    rng, categories = np.random.default_rng(seed), 1 + round(share * (min(300, comb(size, 2)) - 1))
    vectors, of = unit(rng, 300, size), np.append(rng.integers(0, categories, 299), categories - 1)
    index = ShiftedIndex(vectors, of, shift)
    for vector, category in zip(unit(rng, 5, size), rng.integers(0, categories, 5).tolist(), strict=True):
        inside = (of == category).nonzero()[0]
        found = index.near(vector, category, len(inside)) if inside.size else inside
        assert sorted(found.tolist()) == inside.tolist()
        products = vectors[found] @ vector
        assert (products[:-1] >= products[1:] - 1e-4).all()


def test_categories_beyond_the_coordinates_have_pairs_of_them_and_no_two_the_same() -> None:
    made = codes(comb(64, 2), 64)
    assert (made.sum(axis=1) == 2).all()
    assert len(np.unique(made, axis=0)) == len(made) == 2_016
    assert codes(64, 64).tolist() == np.eye(64).tolist()
    with pytest.raises(ValueError, match="2016 at most"):
        codes(comb(64, 2) + 1, 64)


@pytest.mark.parametrize("shift", [0.0, 2.9, 11.0, 1000.0])
def test_a_shift_that_does_not_divide_or_drowns_the_order_is_refused(shift: float) -> None:
    with pytest.raises(ValueError, match="could not shift"):
        ShiftedIndex(unit(np.random.default_rng(1), 4, 8), np.zeros(4, np.int64), shift)


def confusion(rules: int, seed: int = 3) -> float:
    rng, names = np.random.default_rng(seed), [f"p{rule}" for rule in range(rules)]
    vectors, members = unit(rng, 2_000, TERM_POSITIONS), rng.random((2_000, rules)) < min(0.4, 10 / rules)
    index = RuleVectors(vectors, names, members, weight=1.0)
    asked = enumerate(unit(rng, 30, TERM_POSITIONS))
    return 1 - float(np.mean([members[index.near(vector, names[place % rules], 20), place % rules] for place, vector in asked]))


def test_of_few_rules_none_is_taken_for_another_and_of_many_most_are() -> None:
    few, some, many = (confusion(rules) for rules in (5, 50, 1_000))
    assert few < 0.02
    assert few < some < many
    assert many > 0.5


def test_a_pools_code_is_the_same_everywhere_and_of_unit_length() -> None:
    assert pool_code("p").tolist() == pool_code("p").tolist() != pool_code("q").tolist()
    assert pool_code("p").shape == (RULE_POSITIONS,)
    assert float(np.linalg.norm(pool_code("文玩"))) == pytest.approx(1)
