import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.latent import LatentCategory, intra_list_similarity, latent_categories
from smallpool_core.vectors import Vectors, packed_vector

NEAREST = st.lists(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(-1, 1)), max_size=6), max_size=4)


def of(*rows: list[float]) -> Vectors:
    return Vectors("m", len(rows[0]) if rows else 2, b"".join(packed_vector(row) for row in rows))


def test_likeness_of_a_list_is_the_mean_over_pairs_of_different_rows() -> None:
    rng = random.Random(3)
    rows = [[rng.gauss(0, 1) for _ in range(5)] for _ in range(4)]
    units = [list(array("f", packed_vector(row))) for row in rows]
    pairs = [sum(a * b for a, b in zip(units[i], units[j], strict=True)) for i in range(4) for j in range(4) if i != j]
    assert intra_list_similarity(of(*rows)) == pytest.approx(sum(pairs) / 12, abs=1e-6)


@pytest.mark.parametrize(("rows", "likeness"), [([[1, 0], [1, 0]], 1.0), ([[1, 0], [0, 1]], 0.0), ([[1, 0], [-1, 0]], -1.0)])
def test_the_same_twice_is_wholly_alike_and_opposites_are_the_contrary(rows: list[list[float]], likeness: float) -> None:
    assert intra_list_similarity(of(*rows)) == pytest.approx(likeness, abs=1e-6)


@pytest.mark.parametrize("vectors", [of(), of([3.0, 4.0])], ids=["none", "one"])
def test_fewer_than_two_have_no_pair_that_could_be_alike(vectors: Vectors) -> None:
    assert intra_list_similarity(vectors) == 0.0


def test_latent_categories_are_the_near_ones_without_the_recent_by_likeness() -> None:
    nearest = [[("tea", 0.9), ("cups", 0.5)], [("cups", 0.7), ("desks", 0.6)]]
    assert latent_categories(nearest, {"tea"}) == (LatentCategory("cups", 0.7, 1), LatentCategory("desks", 0.6, 1))


def test_whoever_visited_all_that_is_near_has_no_latent_category() -> None:
    assert latent_categories([[("tea", 0.9), ("cups", 0.5)]], ("cups", "tea")) == ()


@given(NEAREST, st.sets(st.sampled_from("abcdefgh")))
def test_a_latent_category_is_never_a_recent_one_and_comes_once(nearest: list[list[tuple[str, float]]], recent: set[str]) -> None:
    found = latent_categories(nearest, recent)
    names = [one.category for one in found]
    assert recent.isdisjoint(names)
    assert len(set(names)) == len(names)
    assert set(names) == {category for row in nearest for category, _ in row} - recent
    assert [one.likeness for one in found] == sorted((one.likeness for one in found), reverse=True)
