"""A tiny training, from titles to a folder that serves: what is learnt, that torch and ONNX agree, what damaged graphs are told."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from smallpool_core.errors import ModelRefused
from smallpool_models.encoders.ner import KIND, SCHEMA, SpanTagger, inputs_of, outputs_of
from smallpool_models.ner.features import Reader, Vocabulary
from smallpool_models.ner.scores import score
from smallpool_models.ner.tagging import Tagging
from smallpool_models.ner.titles import Labelled, TitleSet
from smallpool_models.registry.folder import read_model, write_model
from smallpool_models.training.card import ner_card
from smallpool_models.training.crf import log_partition, score_of
from smallpool_models.training.export import to_onnx
from smallpool_models.training.folder import write_ner
from smallpool_models.training.ner import NerSettings, Trained, train_ner
from smallpool_models.training.network import Ensemble, Network, NetworkSettings, tensors
from smallpool_models.understanding import KnowledgeUnderstander
from tagger_rig import cut_short, with_other_inputs, with_weights_in_another_file

BRANDS, THINGS, COLOURS = ("海尔", "美的", "云龙牌"), ("空调", "茶壶", "手机壳"), ("红色", "黑")
SETTINGS = NerSettings(epochs=6, titles_a_step=8, mean_steps=10, rate=0.02, network=NetworkSettings(hidden=16, layers=2, drop=0.1))
ODD = ["", "😀" * 30, "\x00\x1b[31m", "<b>茶壶</b>", "ｔｅａ " * 2_500, "臺灣茶壺", "\ud800", "\n\n茶壶\n"]


def shop(name: str, kinds: tuple[str, str]) -> TitleSet:
    """Titles of a brand, a colour that only a second set labels, and a thing."""
    titles = []
    for number, (brand, colour, thing) in enumerate(product(BRANDS, COLOURS, THINGS)):
        for lead in ("", "转让", "自用"):
            text = f"{lead}{brand}{colour}{thing}{number}"
            at = [len(lead), len(lead) + len(brand), len(lead) + len(brand) + len(colour), len(text) - len(str(number))]
            spans = {"brand": (at[0], at[1]), "colour": (at[1], at[2]), "product": (at[2], at[3])}
            titles.append(Labelled(text, tuple(sorted((*spans[kind], kind) for kind in kinds))))
    return TitleSet(name, tuple(titles), tuple(sorted(kinds)), {"holds U+FFFD": 2}, "0" * 64)


SETS = (shop("branded", ("brand", "product")), shop("coloured", ("colour", "product")))


@pytest.fixture(scope="module")
def trained(understander: KnowledgeUnderstander) -> Trained:
    return train_ner(SETS, {"knowledge:product": ["茶壶"]}, understander.segmenter, SETTINGS, lambda *_: None)


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "ner"
    write_ner(made, trained, ner_card(trained, SETS, {"knowledge:product": ["茶壶"]}, SETTINGS))
    return made


@pytest.fixture(scope="module")
def tagger(folder: Path, understander: KnowledgeUnderstander) -> SpanTagger:
    return SpanTagger(read_model(folder, KIND, SCHEMA), understander.segmenter)


@pytest.mark.parametrize("one", SETS, ids=lambda one: one.name)
def test_each_head_learns_the_types_of_its_own_set(tagger: SpanTagger, one: TitleSet) -> None:
    found = tagger.tag([title.text for title in one.titles], one.name)
    assert {kind for spans in found for _, _, kind in spans} == set(one.types)
    assert score([title.spans for title in one.titles], found).f1 > 0.9


def farthest(network: Ensemble, vocabulary: Vocabulary, tagger: SpanTagger, understander: KnowledgeUnderstander) -> float:
    """By how much emissions in torch and in ONNX Runtime differ at most, over both heads."""
    texts = [*[title.text for title in SETS[0].titles[:20]], *ODD[1:]]
    batch = (
        Reader(vocabulary, understander.segmenter)
        .read([text[:1_000] for text in texts])
        .batch(np.arange(len(texts)), len(vocabulary.classes))
    )
    inside = np.arange(len(batch.characters))[:, None] < batch.lengths
    apart = []
    for head in range(2):
        served = tagger._session.run([f"emissions_{head}"], {one.name: getattr(batch, one.name) for one in inputs_of()})[0]
        with torch.no_grad():
            apart.append(np.abs(served - network(tensors(batch), head).numpy())[inside].max())
    return float(max(apart))


def test_the_net_in_onnx_runtime_gives_what_it_gives_in_torch(
    trained: Trained, tagger: SpanTagger, understander: KnowledgeUnderstander
) -> None:
    assert farthest(trained.network, trained.vocabulary, tagger, understander) < 1e-4


@pytest.mark.parametrize("form", [NetworkSettings(direct=False), NetworkSettings(layers=2), NetworkSettings(layers=0)], ids=str)
def test_every_form_of_the_net_is_exported_as_it_is(
    trained: Trained, folder: Path, tmp_path: Path, understander: KnowledgeUnderstander, form: NetworkSettings
) -> None:
    vocabulary = trained.vocabulary
    sizes = (len(vocabulary.characters), len(vocabulary.pairs), len(vocabulary.classes))
    network = Ensemble([Network(form, *sizes, list(trained.heads.values())) for _ in range(2)]).eval()
    files = dict(read_model(folder, KIND, SCHEMA).files)
    write_model(tmp_path, KIND, SCHEMA, files | {"model.onnx": to_onnx(network)}, inputs_of(), outputs_of(2))
    tagger = SpanTagger(read_model(tmp_path, KIND, SCHEMA), understander.segmenter)
    assert farthest(network, vocabulary, tagger, understander) < 1e-4


def test_a_title_is_tagged_the_same_alone_and_among_others_whatever_it_holds(tagger: SpanTagger) -> None:
    texts = [*ODD, *(title.text for title in SETS[0].titles)]
    together = tagger.tag(texts, "branded")
    assert together == [tagger.tag([text], "branded")[0] for text in texts]
    for text, spans in zip(texts, together, strict=True):
        assert all(0 <= start < end <= len(text) for start, end, _ in spans)


def test_the_head_is_that_whose_types_are_most_like_those_asked_for(tagger: SpanTagger) -> None:
    assert tagger.head_for(("brand", "product")) == "branded"
    assert tagger.head_for(("colour", "product", "size")) == "coloured"
    assert tagger.head_for(("price",)) is None


def test_an_ensemble_gives_the_mean_of_its_nets(trained: Trained, understander: KnowledgeUnderstander) -> None:
    batch = tensors(
        Reader(trained.vocabulary, understander.segmenter).read(["海尔红色茶壶"]).batch(np.arange(1), len(trained.vocabulary.classes))
    )
    one, other = (trained.network.member(number)(batch, 0) for number in range(2))
    assert not torch.allclose(one, other, atol=0.1), "nets of two seeds"
    assert torch.allclose(trained.network(batch, 0), (one + other) / 2, atol=1e-5)


def test_the_same_seed_gives_the_same_model(trained: Trained, understander: KnowledgeUnderstander) -> None:
    again = train_ner(SETS, {"knowledge:product": ["茶壶"]}, understander.segmenter, SETTINGS, lambda *_: None)
    assert all(torch.equal(one, other) for one, other in zip(trained.network.parameters(), again.network.parameters(), strict=True))


def test_the_card_tells_of_the_data_and_of_the_dropped_rows(folder: Path) -> None:
    card = (folder / "CARD.md").read_text("utf-8")
    assert "| branded | 54 |" in card
    assert "2 (holds U+FFFD)" in card
    assert "Seed 1; epoch" in card


def test_the_partition_of_the_crf_is_the_sum_over_all_legal_taggings() -> None:
    tagging, length = Tagging(("product",)), 4
    head_scores = [torch.randn(tagging.size, tagging.size), torch.randn(tagging.size), torch.randn(tagging.size)]
    head_scores[0][~torch.from_numpy(tagging.follows())] = -1e4
    emissions, lengths = torch.randn(length, 1, tagging.size), torch.tensor([length])
    every = [torch.tensor(tags)[:, None] for tags in product(range(tagging.size), repeat=length)]
    transitions = (head_scores[0], head_scores[1], head_scores[2])
    total = torch.stack([score_of(emissions, tags, lengths, transitions)[0] for tags in every]).logsumexp(0)
    assert log_partition(emissions, lengths, transitions)[0].item() == pytest.approx(total.item(), abs=1e-3)


def without_an_output(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    del model.graph.output[-1]
    return model.SerializeToString()


def of_another_width(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    table = next(one for one in model.graph.initializer if one.name == "0_words_weight")
    table.CopyFrom(numpy_helper.from_array(np.zeros((3, 64), dtype=np.float32), "0_words_weight"))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (with_weights_in_another_file, "weights in another file"),
        (with_other_inputs, "the manifest promises"),
        (without_an_output, "the manifest promises"),
        (cut_short, "train the model again"),
        (of_another_width, "train the model again"),
        (lambda _: b"\x80\x04\x95", "train the model again"),
    ],
)
def test_a_graph_that_is_not_what_it_should_be_is_refused_though_its_digest_fits(
    folder: Path, tmp_path: Path, understander: KnowledgeUnderstander, damage: Callable[[bytes], bytes], said: str
) -> None:
    files = dict(read_model(folder, KIND, SCHEMA).files)
    write_model(tmp_path, KIND, SCHEMA, files | {"model.onnx": damage(files["model.onnx"])}, inputs_of(), outputs_of(2))
    with pytest.raises(ModelRefused, match=said):
        SpanTagger(read_model(tmp_path, KIND, SCHEMA), understander.segmenter)


def test_a_vocabulary_of_another_form_is_refused(folder: Path, tmp_path: Path, understander: KnowledgeUnderstander) -> None:
    files = dict(read_model(folder, KIND, SCHEMA).files)
    write_model(tmp_path, KIND, SCHEMA, files | {"vocabulary.json": b'{"heads": {}}'}, inputs_of(), outputs_of(2))
    with pytest.raises(ModelRefused, match="vocabulary"):
        SpanTagger(read_model(tmp_path, KIND, SCHEMA), understander.segmenter)
