from math import isclose
from typing import Any

import pytest

from builders import HOUR, NOW
from read_rig import hit
from smallpool_core.pages import Hit
from smallpool_core.statistics import Responses
from smallpool_core.users import Touched
from smallpool_service.candidates import Candidate
from smallpool_service.popularity import Popularity
from smallpool_service.score import Taste, score, usual_prices


def taste(weights: dict[str, float], **changes: object) -> Taste:
    values = {"triggers": {}, "prices": {}, "now": NOW, "half_life_ms": 24 * HOUR, "life_share": 0.25}
    return Taste(weights=weights, **(values | changes))  # type: ignore[arg-type]


def popularity(**responses: Any) -> Popularity:
    return Popularity(Responses(**responses), 5.0, 20.0)


def value(dimension: str, row: Hit, known: Popularity | None = None, **changes: object) -> float:
    """What one row scores where one dimension is all that counts."""
    return score([Candidate(row, {})], taste({dimension: 1.0}, **changes), known or popularity())[0].score


def test_match_is_the_share_of_the_best_trigger_of_every_kind() -> None:
    triggers = {"brand:a": 1024, "brand:b": 512, "category:c": 512}
    assert value("match", hit(terms=["brand:a", "category:c"]), triggers=triggers) == 1.0
    assert value("match", hit(terms=["brand:b"]), triggers=triggers) == pytest.approx(512 / 1536)
    assert value("match", hit(), triggers=triggers) == 0.0


def test_matching_several_triggers_of_a_kind_never_scores_above_one() -> None:
    assert value("match", hit(terms=["point:a", "point:b"]), triggers={"point:a": 1024, "point:b": 1000}) == 1.0


def test_quality_and_seller_are_thousandths() -> None:
    assert value("quality", hit(quality=731)) == 0.731
    assert value("seller", hit(seller_score=250)) == 0.25


def test_freshness_halves_with_each_half_life_and_never_exceeds_one() -> None:
    assert value("freshness", hit(published_at=NOW - 24 * HOUR)) == 0.5
    assert value("freshness", hit(published_at=NOW - 48 * HOUR)) == 0.25
    assert value("freshness", hit(published_at=NOW + HOUR)) == 1.0


def test_popularity_is_one_half_at_the_setting_and_nothing_without_events() -> None:
    assert value("popularity", hit(), popularity(weights={"i1": 5.0})) == 0.5
    assert value("popularity", hit()) == 0.0


def test_an_item_with_an_end_ages_by_its_life_where_that_is_shorter() -> None:
    auction = hit(published_at=NOW - 5 * HOUR, expires_at=NOW + HOUR)
    assert value("freshness", auction) == pytest.approx(0.0992, abs=1e-4)
    assert value("freshness", auction, life_share=0.0) == pytest.approx(0.8655, abs=1e-4)
    assert value("freshness", hit(published_at=NOW - 24 * HOUR, expires_at=NOW + 1000 * HOUR)) == 0.5
    assert value("freshness", hit(published_at=NOW - HOUR, expires_at=NOW - HOUR)) == 0.0


SITE = {"weight_of_all": 100.0, "exposures_of_all": 1000.0}
"""A tenth of weight an exposure."""


def test_where_exposures_are_reported_an_item_of_which_nothing_is_known_does_as_the_site_does() -> None:
    assert value("popularity", hit(), popularity(**SITE)) == 0.5
    assert value("popularity", hit(), popularity(**SITE, weights={"i1": 10.0}, exposures={"i1": 100.0})) == 0.5


def test_an_item_shown_often_to_little_effect_is_less_popular_than_one_that_nobody_was_shown() -> None:
    shown = {"exposures": {"i1": 100.0}}
    assert value("popularity", hit(), popularity(**SITE, **shown)) == pytest.approx(20 / 140)
    assert value("popularity", hit(), popularity(**SITE, **shown, weights={"i1": 20.0})) == pytest.approx(220 / 340)


def test_few_exposures_of_an_item_say_little_and_few_of_the_site_nothing() -> None:
    few = {"weights": {"i1": 1.0}, "exposures": {"i1": 1.0}}
    assert 0.5 < value("popularity", hit(), popularity(**SITE, **few)) < 0.65
    assert value("popularity", hit(), popularity(weight_of_all=1.0, exposures_of_all=99.0, **few)) == pytest.approx(1 / 6)


def test_price_fit_compares_with_what_the_person_is_used_to_paying_in_that_category() -> None:
    prices = {"数码": 1000.0}
    assert value("price_fit", hit(price_cents=1000), prices=prices) == 1.0
    assert value("price_fit", hit(price_cents=4000), prices=prices) == 0.25
    assert value("price_fit", hit(price_cents=250), prices=prices) == 0.25
    assert value("price_fit", hit(price_cents=0), prices=prices) == 0.0
    assert value("price_fit", hit(price_cents=None), prices=prices) == 0.5
    assert value("price_fit", hit(price_cents=250, category="书"), prices=prices) == 0.5


def test_usual_prices_are_medians_by_top_category_and_free_items_say_nothing() -> None:
    paid = [("数码", 100), ("数码", 300), ("数码", 0), ("书", 100_000), ("", None)]
    assert usual_prices([Touched("i", "click", NOW, price, category) for category, price in paid]) == {"数码": 200.0, "书": 100_000}


def test_the_score_is_the_weighted_mean_of_the_values_and_stays_in_the_unit_interval() -> None:
    scored = score([Candidate(hit(quality=800, seller_score=200), {})], taste({"quality": 3.0, "seller": 1.0}), popularity())
    assert scored[0].values == (0.8, 0.2)
    assert isclose(scored[0].score, 0.65)


def test_a_dimension_of_which_nothing_is_known_is_left_out_rather_than_guessed() -> None:
    weights = {"match": 1.0, "vector": 1.0, "price_fit": 1.0, "quality": 1.0, "seller": 0.0}
    assert taste(weights).dimensions == ("quality",)
    assert taste(weights, triggers={"brand:a": 1}, prices={"书": 1.0}).dimensions == ("match", "quality", "price_fit")


def test_a_pool_that_weighs_nothing_scores_everything_zero() -> None:
    assert [scored.score for scored in score([Candidate(hit(), {})], taste({}), popularity())] == [0.0]
