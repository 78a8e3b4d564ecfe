"""The nearest of the titles that a model remembers vote for their labels, and titles that fit no labels are refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from smallpool_core.errors import ModelRefused
from smallpool_models.encoders.labels import CATEGORY, INPUTS, OUTPUTS, REMEMBERED, SCHEMA, LabelScorer
from smallpool_models.labels.grams import GramReader, learnt_vocabulary
from smallpool_models.labels.nearest import NEAREST, POWER, NearestTitles, remembered_titles
from smallpool_models.labels.rows import LabelledTitle, set_of
from smallpool_models.registry.folder import read_model, write_model
from smallpool_models.training.label_card import label_card
from smallpool_models.training.label_export import write_labels
from smallpool_models.training.label_network import LabelNetworkSettings
from smallpool_models.training.labels import LabelSettings, train_labels

LABELS = ("茶", "家电", "宜兴")
TITLES = [
    *(LabelledTitle(f"宜兴紫砂壶{number}", ("茶",)) for number in range(15)),
    *(LabelledTitle(f"海尔变频空调{number}", ("家电",)) for number in range(15)),
]
READER = GramReader(learnt_vocabulary([title.text for title in TITLES], 2))
NEAR = NearestTitles(remembered_titles(TITLES, LABELS, 2.0), READER, len(LABELS))


def test_a_title_is_given_the_labels_of_those_that_are_like_it() -> None:
    tea, cooler, strange = NEAR.votes(READER.read(["新紫砂壶", "变频空调", "xyz"])).tolist()
    assert tea == pytest.approx([2, 0, 0])
    assert cooler == pytest.approx([0, 2, 0])
    assert strange == [0, 0, 0]


def test_of_more_titles_that_are_as_near_than_may_vote_all_vote() -> None:
    alike = [
        LabelledTitle(f"茶壶{sign}", (label,)) for label, signs in (("茶", "甲乙丙丁戊己庚辛"), ("宜兴", "子丑寅卯")) for sign in signs
    ]
    reader = GramReader(learnt_vocabulary([title.text for title in alike], 2))
    for titles in (alike, alike[::-1]):
        near = NearestTitles(remembered_titles(titles, LABELS, 3.0), reader, len(LABELS))
        assert near.votes(reader.read(["茶壶午"])).tolist() == [pytest.approx([2, 0, 1])]


def test_votes_are_those_of_the_nearest_by_the_power_of_the_product_of_their_rows() -> None:
    rng = np.random.default_rng(1)
    titles = [LabelledTitle("".join(rng.choice(list("紫砂壶空调海尔变频宜兴"), 12)), (str(rng.choice(LABELS)),)) for _ in range(60)]
    reader = GramReader(learnt_vocabulary([title.text for title in titles], 1))
    near = NearestTitles(remembered_titles(titles, LABELS, 1.0), reader, len(LABELS))
    grams = reader.read([title.text for title in titles])
    rows = np.zeros((60, 1 + grams.numbers.max()))
    for row, (numbers, weights) in enumerate(zip(grams.numbers, grams.weights, strict=True)):
        rows[row, numbers[weights > 0]] = weights[weights > 0]
    alike = rows @ rows.T
    for row, found in enumerate(near.votes(grams)):
        nearest = np.argsort(-alike[row])[:NEAREST]
        shares = np.where(alike[row, nearest] > 0.1, alike[row, nearest], 0) ** POWER
        wanted = [sum(shares[[titles[one].labels[0] == label for one in nearest]]) / shares.sum() for label in LABELS]
        assert found == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(
    "change", [{"labels": []}, {"labels": [9] * 30}, {"labels": [[0]] * 30}, {"more": 1}], ids=["none", "unknown", "two", "more"]
)
def test_remembered_titles_that_do_not_fit_the_labels_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    settings = LabelSettings("category", epochs=1, network=LabelNetworkSettings(sums=0))
    shop = set_of("shop", [LabelledTitle(title.text, title.labels[:1]) for title in TITLES], {}, "0" * 64)
    trained = train_labels(shop, settings, lambda *_: None)
    write_labels(tmp_path, trained, label_card(trained, shop, settings))
    files = dict(read_model(tmp_path, CATEGORY, SCHEMA).files)
    changed = json.dumps(json.loads(files[REMEMBERED]) | change).encode()
    write_model(tmp_path, CATEGORY, SCHEMA, files | {REMEMBERED: changed}, INPUTS, OUTPUTS)
    with pytest.raises(ModelRefused, match="remembered"):
        LabelScorer(read_model(tmp_path, CATEGORY, SCHEMA))
