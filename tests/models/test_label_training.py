"""A tiny training of categories and of tags, from titles to folders that serve: what is learnt, that torch and ONNX agree, refusals."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from msgspec import structs
from onnx import numpy_helper
from torch import nn

from smallpool_core.errors import ModelRefused, TitlesRefused
from smallpool_models.encoders.labels import CATEGORY, INPUTS, OUTPUTS, SCHEMA, TAGS, CategoryPredictor, LabelScorer, TagPredictor
from smallpool_models.labels.grams import GramReader
from smallpool_models.labels.nearest import NearestTitles
from smallpool_models.labels.rows import LabelledTitle, LabelSet, set_of
from smallpool_models.registry.folder import read_model, write_model
from smallpool_models.training.label_card import label_card
from smallpool_models.training.label_export import write_labels
from smallpool_models.training.label_network import LabelNetworkSettings
from smallpool_models.training.labels import LabelSettings, TrainedLabels, scores_of, train_labels
from smallpool_models.training.mean import RunningMean
from smallpool_models.training.squares import machines, trust
from smallpool_models.training.tags import train_tags
from tagger_rig import cut_short, with_other_inputs, with_weights_in_another_file

THINGS = {"茶›茶壶": ("紫砂壶", "茶壶", "盖碗"), "家电›空调": ("空调", "挂机", "变频柜机"), "图书›小说": ("小说", "武侠全集", "推理文库")}
BRANDS = ("海尔", "美的", "云龙牌")
ODD = ["", "😀" * 30, "\x00\x1b[31m", "<b>茶壶</b>", "ｔｅａ " * 2_500, "臺灣茶壺", "\ud800", "\n\n茶壶\n"]


def shop(task: str) -> LabelSet:
    """Titles of a brand and a thing; as tags both are asked for."""
    titles = []
    for number, ((category, things), brand, lead) in enumerate(product(THINGS.items(), BRANDS, ("", "转让", "自用", "全新", "二手"))):
        for thing in things:
            labels = (category,) if task == "category" else (brand, category)
            titles.append(LabelledTitle(f"{lead}{brand}{thing}{number}", labels))
    return set_of("shop", titles, {"holds U+FFFD": 2}, "0" * 64)


def settings_for(task: str, **network: object) -> LabelSettings:
    return LabelSettings(
        "category" if task == "category" else "tags",
        epochs=12,
        patience=12,
        titles_a_step=8,
        mean_steps=20,
        rate=0.03,
        network=LabelNetworkSettings(**{"sums": 2, "width": 8, **network}),  # type: ignore[arg-type]
    )


def trained_on(task: str, **network: object) -> TrainedLabels:
    train = train_labels if task == "category" else train_tags
    return train(shop(task), settings_for(task, **network), lambda *_: None)


@pytest.fixture(scope="module", params=["category", "tags"])
def trained(request: pytest.FixtureRequest) -> TrainedLabels:
    return trained_on(request.param)


@pytest.fixture(scope="module")
def folder(trained: TrainedLabels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    task = "category" if trained.labels == tuple(sorted(THINGS)) else "tags"
    made = tmp_path_factory.mktemp("models") / task
    write_labels(made, trained, label_card(trained, shop(task), settings_for(task)))
    return made


def test_the_labels_of_new_titles_are_learnt(folder: Path) -> None:
    texts = [f"出售{brand}{things[1]}" for brand, things in product(BRANDS, THINGS.values())]
    files = read_model(folder, folder.name, SCHEMA)
    if folder.name == CATEGORY:
        found = CategoryPredictor(files).predict(texts)
        assert [label for label, _ in found] == list(THINGS) * 3
        assert all(0 <= sure <= 1 for _, sure in found)
    else:
        wanted = [{brand, category} for brand, category in product(BRANDS, THINGS)]
        assert [set(tags) for tags in TagPredictor(files).predict(texts)] == wanted


@pytest.mark.parametrize("parts", [{}, {"linear": False}, {"sums": 0}], ids=["all", "sums alone", "linear alone"])
def test_the_net_in_onnx_runtime_gives_what_it_gives_in_torch(parts: dict[str, object], tmp_path: Path) -> None:
    trained = trained_on("category", **parts)
    write_labels(tmp_path, trained, label_card(trained, shop("category"), settings_for("category", **parts)))
    texts = [*ODD, *(title.text for title in shop("category").titles)]
    served = LabelScorer(read_model(tmp_path, CATEGORY, SCHEMA)).scores(texts)
    reader = GramReader(trained.vocabulary)
    grams = reader.read(texts)
    there = scores_of(trained.network, grams) + NearestTitles(trained.remembered, reader, len(trained.labels)).votes(grams)
    assert np.abs(there).max() > 0.5
    assert np.abs(served - there).max() < 1e-4


def test_a_title_is_scored_the_same_alone_and_among_others_whatever_it_holds(folder: Path) -> None:
    scorer = LabelScorer(read_model(folder, folder.name, SCHEMA))
    texts = [*ODD, *(title.text for title in shop("tags").titles)]
    together = scorer.scores(texts)
    assert np.isfinite(together).all()
    assert np.abs(together - np.concatenate([scorer.scores([text]) for text in texts])).max() < 1e-5
    assert len(scorer.scores([])) == 0


def test_the_same_seed_gives_the_same_model() -> None:
    first, again = trained_on("category"), trained_on("category")
    assert all(torch.equal(one, other) for one, other in zip(first.network.parameters(), again.network.parameters(), strict=True))


def test_the_card_tells_of_the_data_and_of_the_dropped_rows(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_bytes())
    assert (card["task"], card["data_sha256"], card["dropped"]) == (folder.name, "0" * 64, {"holds U+FFFD": 2})
    held_out = card["counts"]["dev"] if folder.name == CATEGORY else 0  # tags are held out one title at a time
    assert card["counts"]["train"] + held_out == card["counts"]["titles"] == 135
    assert "| shop | 135 |" in (folder / "CARD.md").read_text("utf-8")


def test_where_not_all_epochs_fit_into_the_minutes_the_rate_falls_over_those_that_do() -> None:
    told: list[tuple[str, int, int]] = []
    trained = train_labels(shop("category"), structs.replace(settings_for("category"), minutes=0.0), lambda *one: told.append(one))
    assert len(trained.epochs) == 1
    doing, done, planned = told[-1]
    assert doing == "epoch 1"
    assert done == planned, "the second training plans what the first one came to"


def test_the_mean_of_a_training_of_a_few_steps_is_what_it_learnt() -> None:
    network = nn.Linear(3, 2)
    mean = RunningMean(network, 300)
    for step in range(1, 4):
        with torch.no_grad():
            network.weight.fill_(step)
        mean.take(network)
        assert torch.equal(mean.network.weight, network.weight)
    for _ in range(4, 400):
        mean.take(network)
    with torch.no_grad():
        network.weight.fill_(4)
    for _ in range(4):
        mean.take(network)
    assert 3 < mean.network.weight[0, 0].item() < 3.1, "of many steps it is a mean"


def test_one_label_alone_can_not_be_learnt() -> None:
    one = set_of("shop", [LabelledTitle(f"茶壶{number}", ("茶",)) for number in range(50)], {}, "0" * 64)
    with pytest.raises(TitlesRefused, match="at least two labels"):
        train_labels(one, settings_for("category"), lambda *_: None)


def test_what_a_machine_would_have_said_of_a_title_is_what_it_says_trained_without_it() -> None:
    rng = np.random.default_rng(1)
    rows = rng.random((12, 5)).astype(np.float32)
    truth = (rng.random((12, 3)) < 0.4).astype(np.float32)
    _, left_out = machines(rows @ rows.T, truth, 0.5)
    for title in range(12):
        others = np.delete(np.arange(12), title)
        weights, _ = machines(rows[others] @ rows[others].T, truth[others], 0.5)
        assert left_out[title] == pytest.approx(rows[title] @ rows[others].T @ weights, abs=1e-3)


def test_the_name_counts_for_more_where_few_titles_have_the_tag() -> None:
    rng = np.random.default_rng(1)
    truth = np.zeros((400, 20), dtype=np.float32)
    truth[:4, :10] = truth[:100, 10:] = 1
    noise = rng.normal(size=truth.shape).astype(np.float32)
    scores = np.where(np.arange(20) < 10, 0.1 * noise, truth + 0.3 * noise).astype(np.float32)
    likeness = np.where(np.arange(20) < 10, truth + 0.3 * noise[::-1], 0.1 * noise[::-1]).astype(np.float32)
    counted = trust(scores, np.roll(scores, 1, axis=0), likeness, truth)
    assert counted[2, 0] > counted[2, 19]
    assert counted[0, 0] < counted[0, 19]


def with_a_shorter_table(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    table = next(one for one in model.graph.initializer if one.name == "table")
    table.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(table)[:9], "table"))
    return model.SerializeToString()


def with_fewer_labels(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    bias = next(one for one in model.graph.initializer if one.name == "bias")
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias)[:2], "bias"))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (with_weights_in_another_file, "weights in another file"),
        (with_other_inputs, "the manifest promises"),
        (cut_short, "train the model again"),
        (with_a_shorter_table, "train the model again"),
        (with_fewer_labels, "train the model again"),
        (lambda _: b"\x80\x04\x95", "train the model again"),
    ],
)
def test_a_graph_that_is_not_what_it_should_be_is_refused_though_its_digest_fits(
    folder: Path, tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    files = dict(read_model(folder, folder.name, SCHEMA).files)
    write_model(tmp_path, folder.name, SCHEMA, files | {"model.onnx": damage(files["model.onnx"])}, INPUTS, OUTPUTS)
    with pytest.raises(ModelRefused, match=said):
        LabelScorer(read_model(tmp_path, folder.name, SCHEMA))


@pytest.mark.parametrize(
    "change", [{"labels": []}, {"labels": ["a", "a", "b"]}, {"vocabulary": {"grams": ["x"], "rarity": []}}, {"more": 1}]
)
def test_a_vocabulary_of_another_form_is_refused(folder: Path, tmp_path: Path, change: dict[str, object]) -> None:
    files = dict(read_model(folder, folder.name, SCHEMA).files)
    changed = json.dumps(json.loads(files["vocabulary.json"]) | change).encode()
    write_model(tmp_path, folder.name, SCHEMA, files | {"vocabulary.json": changed}, INPUTS, OUTPUTS)
    with pytest.raises(ModelRefused, match="vocabulary"):
        LabelScorer(read_model(tmp_path, folder.name, SCHEMA))


@pytest.mark.parametrize(("kind", "part"), [(CATEGORY, "sureness"), (TAGS, "rule")])
def test_a_model_that_does_not_say_how_its_scores_are_read_is_refused(folder: Path, tmp_path: Path, kind: str, part: str) -> None:
    files = dict(read_model(folder, folder.name, SCHEMA).files)
    changed = json.dumps(json.loads(files["vocabulary.json"]) | {part: None}).encode()
    write_model(tmp_path, kind, SCHEMA, files | {"vocabulary.json": changed}, INPUTS, OUTPUTS)
    with pytest.raises(ModelRefused, match="train the model again"):
        (CategoryPredictor if kind == CATEGORY else TagPredictor)(read_model(tmp_path, kind, SCHEMA))
