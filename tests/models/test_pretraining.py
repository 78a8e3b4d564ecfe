"""Titles that nobody labelled: what the net learns of them before it is trained, and that it cannot see what it is to guess."""

import time

import numpy as np
import pytest
import torch

from smallpool_models.ner.features import Features, Reader, Vocabulary
from smallpool_models.ner.tagging import Tagging
from smallpool_models.ner.titles import Labelled, TitleSet
from smallpool_models.training.ner import NerSettings, train_ner
from smallpool_models.training.network import Network, NetworkSettings
from smallpool_models.training.pretraining import PretrainingSettings, _without, pretrain
from smallpool_models.understanding import KnowledgeUnderstander

VOCABULARY = Vocabulary("茶壶海尔空调红黑", ("茶壶", "空调", "红茶", "黑茶"), ("knowledge:product",), {"空调": 1})
TITLES = [f"{brand}{colour}{thing}" for brand in ("", "海尔") for colour in ("红", "黑", "") for thing in ("茶壶", "空调")] * 8
SETTINGS = NetworkSettings(character_width=8, pair_width=8, shape_width=4, word_width=4, hidden=16, drop=0.1)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(1)
    return Network(SETTINGS, len(VOCABULARY.characters), len(VOCABULARY.pairs), 1, [Tagging(("product",))])


def features(understander: KnowledgeUnderstander, titles: list[str]) -> Features:
    return Reader(VOCABULARY, understander.segmenter).read(titles)


def read(network: Network, understander: KnowledgeUnderstander, epochs: int) -> float:
    settings = PretrainingSettings(epochs=epochs, titles_a_step=8, rate=0.02)
    return pretrain(network, features(understander, TITLES), 1, settings, 1, lambda *_: None)


def test_the_net_learns_to_guess_hidden_characters_and_its_heads_stay(network: Network, understander: KnowledgeUnderstander) -> None:
    before = [weights.clone() for weights in network.head(0).parameters()]
    first = read(network, understander, 1)
    assert read(network, understander, 10) < 0.7 * first
    assert all(torch.equal(one, other) for one, other in zip(before, network.head(0).parameters(), strict=True))


def test_titles_that_differ_in_a_hidden_character_alone_are_read_alike(understander: KnowledgeUnderstander) -> None:
    hidden = np.zeros((3, 1), dtype=np.bool_)
    hidden[1] = True
    one, other = (_without(features(understander, [title]).batch(np.arange(1), 1), hidden) for title in ("红茶壶", "红海壶"))
    for part in ("characters", "left", "right", "words"):
        assert np.array_equal(getattr(one, part), getattr(other, part))


def test_pairs_of_unlabelled_titles_are_known_to_the_model_that_is_trained_after(understander: KnowledgeUnderstander) -> None:
    labelled = TitleSet("shop", tuple(Labelled(f"茶壶{number}", ((0, 2, "product"),)) for number in range(40)), ("product",), {}, "0")
    settings = NerSettings(epochs=1, network=SETTINGS, pretraining=PretrainingSettings(epochs=1))
    trained = train_ner([labelled], {"knowledge:product": ["茶壶"]}, understander.segmenter, settings, lambda *_: None, ["量子拨片"] * 9)
    assert {"量子", "拨片"} <= set(trained.vocabulary.pairs)


def test_reading_beforehand_keeps_to_the_minutes_of_the_training(understander: KnowledgeUnderstander) -> None:
    labelled = TitleSet("shop", tuple(Labelled(f"茶壶{number}", ((0, 2, "product"),)) for number in range(40)), ("product",), {}, "0")
    reading = PretrainingSettings(epochs=3_000, titles_a_step=8)
    settings = NerSettings(epochs=1, members=1, minutes=0.1, network=SETTINGS, pretraining=reading)
    told: list[tuple[str, int, int]] = []
    started = time.process_time()
    train_ner([labelled], {"knowledge:product": ["茶壶"]}, understander.segmenter, settings, lambda *one: told.append(one), TITLES)
    assert time.process_time() - started < 12
    first, last = (some[1:] for some in (told[1], [one for one in told if "unlabelled" in one[0]][-1]))
    assert first == (1, 36_000)
    assert 16 < last[0] <= last[1] < 36_000
