"""A page keeps places for what was explored: as many as its share says, behind what is pinned, under the cap."""

from collections.abc import Sequence

import pytest

from read_rig import hit
from smallpool_service.candidates import Candidate, Scored
from smallpool_service.reserve import reserve


def scored(item_id: str, *sources: str, key: str = "") -> Scored:
    one = hit(item_id, spread_key=key or item_id)
    return Scored(Candidate(one, {source: place for place, source in enumerate(sources or ("terms",), start=1)}), (), 0.5)


def ranking(*explored: int, count: int = 30) -> list[Scored]:
    """Items by rank, of which those at some ranks were explored, in that order."""
    ranked = [scored(f"i{rank:02}") for rank in range(count)]
    for place, rank in enumerate(explored, start=1):
        ranked[rank].candidate.ranks["explore"] = place
    return ranked


def page(ranked: Sequence[Scored], share: float = 0.2, size: int = 10, cap: int = 3, seed: int = 1) -> list[str]:
    return [one.item_id for one in reserve(ranked, size, {"explore": share}, cap, None, seed)[:size]]


@pytest.mark.parametrize("seed", range(20))
def test_as_many_as_the_share_says_come_into_the_second_half_of_the_page_in_their_order(seed: int) -> None:
    shown = page(ranking(25, 20, 28), seed=seed)
    assert [item_id for item_id in shown if item_id > "i09"] == ["i25", "i20"]
    assert shown[:5] == [f"i{rank:02}" for rank in range(5)]


def test_a_share_of_less_than_a_place_is_a_place_now_and_then() -> None:
    with_one = sum("i20" in page(ranking(20), share=0.05, seed=seed) for seed in range(400))
    assert 150 <= with_one <= 250


def test_nothing_is_lost_and_nothing_comes_twice() -> None:
    ranked = ranking(20, 21)
    assert sorted(one.item_id for one in reserve(ranked, 10, {"explore": 0.2, "latent": 0.2}, 3, None, 1)) == [
        one.item_id for one in ranked
    ]


def test_what_is_on_the_page_already_needs_no_place() -> None:
    assert page(ranking(3)) == [f"i{rank:02}" for rank in range(10)]


def test_an_item_whose_key_is_full_is_passed_over() -> None:
    ranked = [
        *[scored(f"a{place}", key="full") for place in range(3)],
        *ranking(),
        scored("z1", "explore", key="full"),
        scored("z2", "explore"),
    ]
    assert "z1" not in page(ranked)
    assert "z2" in page(ranked)


def test_what_is_pinned_keeps_its_place() -> None:
    pinned = [scored(f"p{place}", "pinned") for place in range(9)]
    assert page([*pinned, *ranking(20, 21)], share=0.5)[:9] == [one.item_id for one in pinned]


def test_a_page_that_holds_all_there_is_stays_as_it_is() -> None:
    assert page(ranking(2, 3, count=8)) == [f"i{rank:02}" for rank in range(8)]


def with_latent(*ranks: int, explored: tuple[int, ...] = ()) -> list[Scored]:
    ranked = ranking(*explored)
    for place, rank in enumerate(ranks, start=1):
        ranked[rank].candidate.ranks["latent"] = place
    return ranked


def both(ranked: Sequence[Scored], seed: int) -> list[str]:
    return [one.item_id for one in reserve(ranked, 10, {"explore": 0.1, "latent": 0.1}, 3, None, seed)[:10]]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_explored_and_what_is_of_a_new_category_have_places_of_their_own(seed: int) -> None:
    shown = both(with_latent(15, 16, explored=(20, 21)), seed)
    assert sorted(item_id for item_id in shown if item_id > "i09") == ["i15", "i20"]
    assert shown[:5] == [f"i{rank:02}" for rank in range(5)]


@pytest.mark.parametrize("seed", range(20))
def test_an_item_of_a_new_category_that_is_on_the_page_already_is_the_one_that_is_sure(seed: int) -> None:
    shown = both(with_latent(3, 15, explored=(20,)), seed)
    assert sorted(item_id for item_id in shown if item_id > "i09") == ["i20"]


@pytest.mark.parametrize("seed", range(20))
def test_an_item_of_a_new_category_that_a_place_for_another_takes_off_the_page_is_not_the_one_that_is_sure(seed: int) -> None:
    shown = both(with_latent(9, 15, explored=(20,)), seed)
    assert len({"i09", "i15"} & set(shown)) == 1
    assert "i20" in shown
