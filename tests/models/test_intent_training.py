"""A tiny training of what words mean, from titles with tags to a folder that serves: what is learnt, what is judged, refusals."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from smallpool_core.errors import ModelRefused, TitlesRefused
from smallpool_models.encoders.session import GRAPH
from smallpool_models.encoders.words import KIND, READS, SCHEMA, IntentEncoder, IntentReads
from smallpool_models.intent.judging import Model, judged
from smallpool_models.intent.learnt import learnt_marks, read_learnt
from smallpool_models.intent.okapi import bigrams
from smallpool_models.intent.split import is_held_back, learnt_from
from smallpool_models.labels.rows import LabelledTitle, LabelSet, set_of
from smallpool_models.registry.folder import read_model, write_model
from smallpool_models.training.intent import IntentSettings, Shelf, TrainedIntent, train_intent, vectors_of
from smallpool_models.training.intent_card import intent_card
from smallpool_models.training.intent_export import write_intent
from smallpool_models.training.intent_network import IntentNetworkSettings
from tagger_rig import cut_short, with_other_inputs, with_weights_in_another_file

BRANDS = {"雅诗兰黛": "estee", "兰蔻": "lancome", "玉兰油": "olay", "倩碧": "clinique"}
THINGS = ("面霜", "眼霜", "洁面乳", "爽肤水")
ODD = ["", "😀" * 30, "\x00\x1b[31m", "*:* AND (a OR b)~2", "ｔｅａ " * 2_500, "臺灣茶壺", "\ud800", "🍵"]
SMALL = IntentSettings(
    domain_steps=4,
    tag_steps=80,
    tag_rate=5e-2,
    parts_beside=0.0,
    fewest=1,
    network=IntentNetworkSettings(sketch=512, width=16, share=2.0),
)
QUICK = replace(SMALL, domain_steps=2, tag_steps=2)


def counter() -> LabelSet:
    """Titles that name a brand in Latin letters only; the tags name it in Chinese."""
    titles = []
    for (brand, latin), thing, lead in product(BRANDS.items(), THINGS, ("全新", "正品")):
        titles.append(LabelledTitle(f"{lead}{latin}{thing}", (f"{brand} {thing}",)))
    return set_of("counter", titles, {}, "0" * 64)


def trained_on(titles: LabelSet, settings: IntentSettings = SMALL, others: tuple[str, ...] = ()) -> TrainedIntent:
    return train_intent(titles.titles, None, Shelf(others), settings, lambda *_: None)


@pytest.fixture(scope="module")
def trained() -> TrainedIntent:
    return trained_on(counter())


@pytest.fixture(scope="module")
def folder(trained: TrainedIntent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(trained, tmp_path_factory.mktemp("intent") / "model")


def written(trained: TrainedIntent, folder: Path) -> Path:
    card = intent_card(trained, SMALL, space="", command="smallpool train intent", data={"counter": "0" * 64}, held_back=0.0)
    write_intent(folder, trained, card, learnt_marks(["兰蔻 面霜"], ["一"]))
    return folder


def encoder_of(folder: Path) -> IntentEncoder:
    return IntentEncoder(read_model(folder, KIND, SCHEMA))


def test_words_find_titles_that_share_none_of_them_where_tags_have_told_what_they_mean(folder: Path) -> None:
    encoder = encoder_of(folder)
    titles = [f"专柜{latin}正装" for latin in BRANDS.values()]
    scores = encoder.vectors(list(BRANDS)) @ encoder.title_vectors(titles).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_name_that_nobody_ever_wrote_finds_the_title_that_holds_it(folder: Path) -> None:
    encoder = encoder_of(folder)
    scores = encoder.vectors(["髤漆 犀皮"]) @ encoder.title_vectors(["全新olay面霜", "清代髤漆犀皮盒", "正品兰蔻眼霜"]).T
    assert scores.argmax() == 1


@pytest.mark.parametrize("sketch", [512, 0])
def test_torch_and_onnx_give_the_same_vectors(sketch: int, tmp_path: Path) -> None:
    settings = replace(QUICK, network=IntentNetworkSettings(sketch=sketch, width=16))
    trained = trained_on(counter(), settings)
    texts = [*BRANDS, *(title.text for title in counter().titles), *ODD]
    there = encoder_of(written(trained, tmp_path / "model")).vectors(texts)
    assert there.shape == (len(texts), (sketch + 1 if sketch else 0) + 16)
    np.testing.assert_allclose(there, vectors_of(trained, texts), atol=1e-4)


def test_vectors_have_unit_length_and_a_text_without_words_has_none(folder: Path) -> None:
    encoder = encoder_of(folder)
    found = encoder.encode([*ODD, "兰蔻"])
    assert [bool(one) for one in found] == [False, False, True, True, True, True, False, False, True]
    for vector in filter(None, found):
        assert np.linalg.norm(np.frombuffer(vector, dtype="<f4")) == pytest.approx(1, abs=1e-5)
        assert len(vector) == 4 * encoder.dimensions


def test_a_text_has_the_same_vector_alone_and_among_others(folder: Path) -> None:
    encoder = encoder_of(folder)
    texts = ["兰蔻", "倩碧 洁面乳 正品专柜包邮代购全新", "olay"]
    np.testing.assert_allclose(encoder.vectors(texts), np.vstack([encoder.vectors([text]) for text in texts]), atol=1e-6)


def test_the_same_seed_trains_the_same_model() -> None:
    first, second = (vectors_of(trained_on(counter(), QUICK), ["兰蔻 面霜"]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_titles_of_other_domains_are_learnt_from_first() -> None:
    trained = trained_on(counter(), QUICK, others=("手机壳 苹果", "紫砂壶 宜兴", "小说 全集"))
    assert [lesson.name for lesson in trained.lessons] == ["transfer", "domain", "tags"]


def test_no_title_of_a_tag_that_is_held_back_is_learnt_from() -> None:
    titles = counter().titles
    kept = learnt_from(titles, 0.3, seed=1)
    gone = {tag for title in titles for tag in title.labels if is_held_back(tag, 0.3, seed=1)}
    assert gone
    assert 0 < len(kept) < len(titles)
    assert not gone & {tag for title in kept for tag in title.labels}


def test_a_model_is_judged_by_nothing_that_it_learnt_from(folder: Path) -> None:
    titles = counter()
    kept = learnt_from(titles.titles, 0.3, seed=1)
    learnt = learnt_marks({tag for title in kept for tag in title.labels}, {title.text for title in kept})
    encoder = encoder_of(folder)
    figures = judged(titles, Model(encoder, learnt), None, lambda one, texts: one.title_vectors(texts), bigrams)
    assert figures["judged_by"] == "tags that no lesson saw"
    assert figures["titles"] == len(titles.titles) - len(kept)
    assert figures["seen_tags"] is None
    everything = learnt_marks(titles.labels, {title.text for title in titles.titles})
    with pytest.raises(TitlesRefused, match="were learnt from"):
        judged(titles, Model(encoder, everything), None, lambda one, texts: one.title_vectors(texts), bigrams)


def test_what_was_learnt_from_is_told_by_the_folder(folder: Path) -> None:
    assert read_learnt(read_model(folder, KIND, SCHEMA)) == learnt_marks(["兰蔻 面霜"], ["一"])


def test_titles_without_tags_teach_nothing() -> None:
    with pytest.raises(TitlesRefused, match="two titles with tags"):
        train_intent([], None, Shelf(()), SMALL, lambda *_: None)


@pytest.mark.parametrize("harm", [cut_short, with_other_inputs, with_weights_in_another_file])
def test_case_28_a_graph_that_is_cut_short_or_of_another_form_is_refused(
    harm: Callable[[bytes], bytes], folder: Path, tmp_path: Path
) -> None:
    files = read_model(folder, KIND, SCHEMA)
    harmed = {**files.files, GRAPH: harm(files.files[GRAPH])}
    write_model(tmp_path / "model", KIND, SCHEMA, harmed, files.manifest.inputs, files.manifest.outputs)
    with pytest.raises(ModelRefused):
        encoder_of(tmp_path / "model")


def test_case_28_a_folder_of_another_schema_or_kind_is_refused(folder: Path) -> None:
    with pytest.raises(ModelRefused, match="schema"):
        read_model(folder, KIND, SCHEMA + 1)
    with pytest.raises(ModelRefused, match="kind"):
        read_model(folder, "vectors", SCHEMA)


def test_case_28_a_vocabulary_that_does_not_fit_the_table_is_refused(folder: Path, tmp_path: Path) -> None:
    files = read_model(folder, KIND, SCHEMA)
    reads = msgspec.json.decode(files.files[READS], type=IntentReads)
    vocabulary = replace(reads.vocabulary, pieces=(*reads.vocabulary.pieces, "多"), rarity=(*reads.vocabulary.rarity, 1.0))
    longer = {**files.files, READS: msgspec.json.encode(replace(reads, vocabulary=vocabulary))}
    write_model(tmp_path / "model", KIND, SCHEMA, longer, files.manifest.inputs, files.manifest.outputs)
    with pytest.raises(ModelRefused):
        encoder_of(tmp_path / "model")
