"""Quality is trained on listings against spoilt copies, and measured on kinds of spoiling that training never saw."""

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec import json
from msgspec.structs import replace

from smallpool_core.items import ORIGINAL, Given
from smallpool_models.judging.corruptions import OF_MEASURING, OF_TRAINING
from smallpool_models.judging.evaluate import evaluate_quality
from smallpool_models.judging.train import EQUAL, HELD, MOST_TIMES, USUAL_SPREAD, drawn_to, train_quality
from smallpool_models.listings import generate_listings
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander
from smallpool_models.understanding.prices import Prices
from smallpool_models.understanding.quality_model import PARTS, QualityModel


@pytest.fixture(scope="module")
def listings(knowledge: KnowledgeBase) -> list[Given]:
    events = generate_listings(knowledge, count=700, seed=3, start_ms=1_750_000_000_000)
    return [event.given for event in events if event.given is not None]


@pytest.fixture(scope="module")
def model(listings: Sequence[Given], knowledge: KnowledgeBase) -> QualityModel:
    return train_quality(listings[:500], knowledge, trained_on="500 generated", data_sha256="0", seed=1)


def test_no_kind_of_measuring_is_one_of_training() -> None:
    assert not OF_TRAINING.keys() & OF_MEASURING.keys()
    assert not set(OF_TRAINING.values()) & set(OF_MEASURING.values())


def test_weights_are_of_every_part_and_none_is_negative_and_the_curve_rises(model: QualityModel) -> None:
    assert model.weights.keys() == set(PARTS)
    assert min(model.weights.values()) >= 0
    values, shares = zip(*model.curve, strict=True)
    assert list(values) == sorted(set(values))
    assert list(shares) == sorted(set(shares))
    assert (shares[0], shares[-1]) == (0, 1)


def test_content_is_held_and_a_part_that_never_differs_counts_as_one_that_hardly_does(model: QualityModel) -> None:
    assert {name: model.weights[name] for name in HELD} == HELD
    spreads = np.full(len(PARTS), USUAL_SPREAD)
    spreads[PARTS.index("conduct")] = 0
    spreads[PARTS.index(ORIGINAL)] = 0
    drawn = dict(zip(PARTS, drawn_to(spreads), strict=True))
    assert drawn["conduct"] == MOST_TIMES * EQUAL
    assert drawn[ORIGINAL] == drawn["photos"] == EQUAL


def test_words_that_were_taught_fit_their_category_though_no_listing_has_them(listings: Sequence[Given], knowledge: KnowledgeBase) -> None:
    words = [("马戏团", "票券"), ("马戏票", "票券"), ("滑雪票", "票券")]
    taught = train_quality(listings[:60], knowledge, trained_on="60 generated", data_sha256="0", seed=1, words=words)
    understander = KnowledgeUnderstander(replace(knowledge, quality_model=taught))
    fits, does_not = understander.understand([Given("马戏 滑雪票", category=(top,)) for top in ("票券", "数码")])
    assert fits.quality_parts["category"] > 0.5 > does_not.quality_parts["category"]


def test_the_same_data_and_seed_give_the_same_model_and_it_survives_a_file(
    listings: Sequence[Given], knowledge: KnowledgeBase, model: QualityModel
) -> None:
    again = train_quality(listings[:500], knowledge, trained_on="500 generated", data_sha256="0", seed=1)
    assert again == model
    assert json.decode(json.encode(model), type=QualityModel) == model


def test_listings_that_training_did_not_see_are_above_copies_of_kinds_that_it_did_not(
    listings: Sequence[Given], knowledge: KnowledgeBase, model: QualityModel
) -> None:
    understander = KnowledgeUnderstander(replace(knowledge, quality_model=model))
    titles = [(given.title, None) for given in listings[500:]]
    figures = evaluate_quality(titles, understander, Prices(knowledge.categories, {}), 1)
    assert figures.by_kind.keys() == OF_MEASURING.keys()
    assert all(share.pairs > 50 for share in figures.by_kind.values())
    assert figures.by_kind["contact details"].above >= 0.9
    assert figures.by_kind["absurd price"].above >= 0.9
    assert figures.by_kind["shuffled"].above >= 0.6
