from math import isclose

import pytest

from builders import HOUR, NOW
from read_rig import hit
from smallpool_core.pages import Hit
from smallpool_core.users import Touched
from smallpool_service.candidates import Candidate
from smallpool_service.score import Taste, score, usual_prices


def taste(weights: dict[str, float], **changes: object) -> Taste:
    values = {"triggers": {}, "prices": {}, "now": NOW, "half_life_ms": 24 * HOUR, "popularity_half": 5.0}
    return Taste(weights=weights, **(values | changes))  # type: ignore[arg-type]


def value(dimension: str, row: Hit, popularity: dict[str, float] | None = None, **changes: object) -> float:
    """What one row scores where one dimension is all that counts."""
    return score([Candidate(row, {})], taste({dimension: 1.0}, **changes), popularity or {})[0].score


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
    assert value("popularity", hit(), {"i1": 5.0}) == 0.5
    assert value("popularity", hit()) == 0.0


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
    scored = score([Candidate(hit(quality=800, seller_score=200), {})], taste({"quality": 3.0, "seller": 1.0}), {})
    assert scored[0].values == (0.8, 0.2)
    assert isclose(scored[0].score, 0.65)


def test_a_dimension_of_which_nothing_is_known_is_left_out_rather_than_guessed() -> None:
    weights = {"match": 1.0, "vector": 1.0, "price_fit": 1.0, "quality": 1.0, "seller": 0.0}
    assert taste(weights).dimensions == ("quality",)
    assert taste(weights, triggers={"brand:a": 1}, prices={"书": 1.0}).dimensions == ("match", "quality", "price_fit")


def test_a_pool_that_weighs_nothing_scores_everything_zero() -> None:
    assert [scored.score for scored in score([Candidate(hit(), {})], taste({}), {})] == [0.0]
