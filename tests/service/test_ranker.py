"""A ranker scores in place of the weights, or with them; one that fails or is late costs nothing but its scores."""

import asyncio
from collections.abc import Sequence
from math import inf, isfinite, nan

import pytest

from builders import HOUR, NOW
from read_rig import World, hit, ids, in_pool, shelf
from smallpool_core.ranking import FEATURES, MEANINGS, Ranker
from smallpool_core.statistics import Responses
from smallpool_service.candidates import Candidate
from smallpool_service.late_ranker import watched
from smallpool_service.popularity import Popularity
from smallpool_service.rank import features_of, ranker_of
from smallpool_service.recaller import Recaller
from smallpool_service.score import Taste, score
from smallpool_service.settings import ReadSettings

EAGER = ReadSettings(pools_refresh_ms=0)


class Prefers:
    """Scores by one feature, divided by ten; keeps what it was shown."""

    def __init__(self, feature: str) -> None:
        self.feature = feature
        self.rows: list[Sequence[float]] = []

    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        self.rows += rows
        return [row[FEATURES.index(self.feature)] / 10 for row in rows]


class Says:
    """Gives these scores, whatever it is asked."""

    def __init__(self, *scores: float) -> None:
        self.scores = scores

    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        return self.scores


class Fails:
    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        raise ValueError("its input is not what it was trained on")


class Hangs:
    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


def ranked_by(ranker: Ranker, *items: object, settings: ReadSettings = EAGER, pool_id: str = "") -> World:
    """A world of a shelf, whose first item scores best by the weights."""
    world = World(*(items or shelf(5)))  # type: ignore[arg-type]
    world.recaller = Recaller(world.ports, settings=settings, rankers={pool_id: ranker})
    return world


def prices() -> list[object]:
    """The newer the cheaper, so that a preference for what is dear turns the order round."""
    return [in_pool(f"i{place}", f"类{place}", price_cents=10**place, published_at=NOW - 1000 * place) for place in range(1, 6)]


def test_the_ranker_decides_the_order_in_place_of_the_weights() -> None:
    assert World(*prices()).page() == ["i1", "i2", "i3", "i4", "i5"]  # type: ignore[arg-type]
    page = ranked_by(Prefers("price"), *prices()).recall(explain=True)
    assert ids(page) == ["i5", "i4", "i3", "i2", "i1"]
    assert page.items[0].score == pytest.approx(0.5, abs=1e-3) == page.items[0].explain.ranker  # type: ignore[union-attr]
    assert "rank" in [stage.stage for stage in page.trace.stages]


def test_the_ranker_is_blended_with_the_weights_by_a_setting() -> None:
    plain = {item.item_id: item.score for item in World(*prices()).recall().items}  # type: ignore[arg-type]
    page = ranked_by(Prefers("price"), *prices(), settings=ReadSettings(pools_refresh_ms=0, ranker_share=0.25)).recall(explain=True)
    for item in page.items:
        assert item.score == pytest.approx(0.25 * item.explain.ranker + 0.75 * plain[item.item_id], abs=1e-5)  # type: ignore[union-attr,operator]


def test_scores_outside_of_the_unit_interval_are_cut_to_it_and_what_is_no_number_sinks() -> None:
    page = ranked_by(Says(nan, 7.0, -3.0, inf, 0.5)).recall()
    assert ids(page) == ["i001", "i004", "i002", "i000", "i003"]
    assert [item.score for item in page.items] == [1.0, 0.5, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("ranker", [Fails(), Says(1.0), Hangs()], ids=["raises", "gives too few scores", "hangs"])
def test_a_ranker_that_fails_or_is_late_leaves_the_weighted_order_and_is_named(ranker: Ranker) -> None:
    page = ranked_by(ranker).recall()
    assert ids(page) == ["i000", "i001", "i002", "i003", "i004"]
    assert (page.degraded, page.short) == (["ranker"], "exhausted")


def test_a_pool_may_have_a_ranker_of_its_own() -> None:
    one, all_others = Prefers("price"), Prefers("age_h")
    both, own = watched({"p": one, "": all_others}, EAGER), watched({"p": one}, EAGER)
    assert ranker_of(both, "p") is both["p"]
    assert ranker_of(both, "q") is both[""]
    assert ranker_of(own, "q") is None
    assert ids(ranked_by(one, *prices(), pool_id="q").recall()) == ["i1", "i2", "i3", "i4", "i5"]


def test_features_are_finite_and_stand_in_the_order_of_their_names_whatever_the_pool_weighs() -> None:
    row = hit(quality=250, price_cents=99, published_at=NOW - 2 * HOUR, expires_at=NOW + 3 * HOUR, sale="auction", static_score=511)
    taste = Taste({"quality": 1.0}, {}, {}, NOW, HOUR, 0.0)
    popularity = Popularity(Responses(weights={"i1": 5.0}), 5.0, 20.0)
    [values] = features_of(score([Candidate(row, {"terms": 4, "newest": 2})], taste, popularity), taste, popularity)
    assert all(map(isfinite, values))
    assert dict(zip(FEATURES, values, strict=True)) == pytest.approx(
        {
            "match": 0.0,
            "vector": 0.0,
            "quality": 0.25,
            "freshness": 0.25,
            "seller": 0.5,
            "price_fit": 0.5,
            "popularity": 0.5,
            "static": 1.0,
            "matched": 0.0,
            "sources": 2.0,
            "best_rank": 0.5,
            "price": 2.0,
            "age_h": 2.0,
            "left_h": 3.0,
            "ends": 1.0,
            "auction": 1.0,
        }
    )
    assert tuple(MEANINGS) == FEATURES


def test_what_is_known_of_the_person_is_a_feature_where_the_pool_does_not_weigh_it() -> None:
    row = hit(terms=("brand:x",), category="数码›手机", price_cents=100)
    taste = Taste({"quality": 1.0}, {"brand:x": 512, "brand:y": 1024}, {"数码": 400.0}, NOW, HOUR, 0.0)
    popularity = Popularity(Responses(), 5.0, 20.0)
    [values] = features_of(score([Candidate(row, {"terms": 1})], taste, popularity), taste, popularity)
    told = dict(zip(FEATURES, values, strict=True))
    assert (told["match"], told["price_fit"]) == (0.5, 0.25)
