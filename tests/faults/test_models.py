"""A model that is damaged, of another form or dangerous is refused, and the one before goes on; models are swapped whole, under load."""

import asyncio
import json
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ranker_rig import linear_net, write_ranker
from smallpool_config.ranking import ServedRanker
from smallpool_config.settings import ModelSettings, Settings, StoreSettings
from smallpool_config.tagging import ServedCategories, ServedTagger
from smallpool_config.wiring import open_system
from smallpool_core.errors import ModelRefused
from smallpool_core.items import Given
from smallpool_core.ranking import FEATURES
from smallpool_models.encoders.ner import READS
from smallpool_models.encoders.session import GRAPH
from smallpool_models.registry.folder import MANIFEST, Tensor, write_model
from smallpool_models.understanding import KnowledgeUnderstander
from system_rig import knowledge_understander
from tagger_rig import VOCABULARY, write_category, write_tagger

TITLES = ["和田玉手镯 海尔茶壶", "茶壶", "海尔冰箱 9成新"]


def cut_short(folder: Path) -> None:
    graph = folder / "model.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content[: len(content) // 2])
    resent(folder)


def of_another_digest(folder: Path) -> None:
    (folder / "vocabulary.json").write_bytes(b"{}")
    resent(folder)


def of_another_schema(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"schema": 99}), "utf-8")


def a_pickle(folder: Path) -> None:
    write_model(folder, "ner", 1, {"model.pkl": pickle.dumps(print)}, (), ())


def a_pickle_named_onnx(folder: Path) -> None:
    write_model(folder, "ner", 1, {"model.onnx": pickle.dumps(print), "vocabulary.json": b"{}"}, (), ())


def without_heads(folder: Path) -> None:
    rewritten(folder, heads={})


def with_a_character_of_another_plane(folder: Path) -> None:
    rewritten(folder, vocabulary={"characters": VOCABULARY.characters[1:] + "😀"})


def rewritten(folder: Path, **changes: dict[str, object]) -> None:
    """The same model with other words of its own; its digests are right."""
    reads, graph = json.loads((folder / READS).read_bytes()), (folder / GRAPH).read_bytes()
    for name, change in changes.items():
        reads[name] = reads[name] | change if change else {}
    manifest = json.loads((folder / MANIFEST).read_bytes())
    tensors = {part: tuple(msgspec.convert(manifest[part], list[Tensor])) for part in ("inputs", "outputs")}
    write_model(folder, "ner", 1, {GRAPH: graph, READS: json.dumps(reads).encode()}, tensors["inputs"], tensors["outputs"])


def resent(folder: Path) -> None:
    """The manifest written once more, as a copy of the folder would."""
    content = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(content + b"\n")


@pytest.mark.parametrize(
    "damage",
    [cut_short, of_another_digest, of_another_schema, a_pickle, a_pickle_named_onnx, without_heads, with_a_character_of_another_plane],
)
def test_case_28_a_bad_model_is_refused_and_the_old_one_serves(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    understander = knowledge_understander()
    first = write_tagger(tmp_path, 1)
    tagger = ServedTagger(tmp_path, understander.segmenter)
    tagging = understander.tagged_by(tagger)
    before = tagging.understand([Given(title=title) for title in TITLES])
    damage(tmp_path)
    tagging.refresh()
    assert tagging.refused(), "it says why"
    assert tagging.understand([Given(title=title) for title in TITLES]) == before
    assert before[0].versions["ner"] == first.version
    second = write_tagger(tmp_path, 2)
    tagging.refresh()
    assert (tagger.version, tagging.refused()) == (second.version, "")


def test_case_28_every_batch_is_tagged_by_one_whole_model_while_models_are_swapped(tmp_path: Path) -> None:
    understander = knowledge_understander()
    folder = tmp_path / "ner"
    wanted = {}
    for seed in (1, 2):
        manifest = write_tagger(folder, seed)
        wanted[manifest.version] = ServedTagger(folder, understander.segmenter).tag(TITLES)[1]
    assert len(set(map(str, wanted.values()))) == 2, "the two models differ, or the test would show nothing"
    tagger = ServedTagger(folder, understander.segmenter)
    seen = taken_while(lambda: swapped(folder, tagger), tagger)
    assert set(seen) == set(wanted)
    assert all(spans == wanted[version] for version, found in seen.items() for spans in found)


@pytest.mark.parametrize("damage", [cut_short, of_another_digest, of_another_schema, a_pickle])
def test_case_28_a_bad_model_of_categories_is_refused_and_the_old_one_serves(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    first = write_category(tmp_path, 1)
    labelling = knowledge_understander().labelled_by(categories=ServedCategories(tmp_path))
    given = [Given(title="冷气机"), Given(title="冷气机", category=("书",))]
    before = labelling.understand(given)
    assert (before[0].category, before[1].category) == (("种类1",), ("书",))
    assert before[0].versions["category"] == first.version
    damage(tmp_path)
    labelling.refresh()
    assert labelling.refused(), "it says why"
    assert labelling.understand(given) == before
    write_category(tmp_path, 2)
    labelling.refresh()
    assert labelling.understand(given)[0].category == ("种类2",)
    assert labelling.refused() == ""


def test_case_28_every_batch_is_labelled_by_one_whole_model_while_models_are_swapped(tmp_path: Path) -> None:
    versions = {write_category(tmp_path, seed).version: f"种类{seed}" for seed in (1, 2)}
    served = ServedCategories(tmp_path)
    seen: list[tuple[str, set[tuple[str, ...]]]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            version, found = served.predict(["冷气机"] * 100)
            seen.append((version, {guess.path for guess in found if guess}))

    thread = threading.Thread(target=ask)
    thread.start()
    for number in range(12):
        write_category(tmp_path, 1 + number % 2)
        served.refresh()
    stop.set()
    thread.join()
    assert all(paths == {(versions[version],)} for version, paths in seen)
    assert {version for version, _ in seen} == set(versions)


def a_net_of_other_features(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    tensors = {part: tuple(msgspec.convert(manifest[part], list[Tensor])) for part in ("inputs", "outputs")}
    write_model(folder, "ranker", 1, {GRAPH: linear_net(width=5)}, tensors["inputs"], tensors["outputs"])


@pytest.mark.parametrize("damage", [cut_short, of_another_schema, a_pickle, a_net_of_other_features])
def test_case_28_a_bad_ranker_is_refused_the_old_one_ranks_and_a_sound_one_is_taken_up(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    write_ranker(tmp_path, price=0.1)
    ranker = ServedRanker(tmp_path)
    rows = [[float(name == "price") for name in FEATURES]]
    damage(tmp_path)
    ranker.refresh()
    assert ranker.refused, "it says why"
    assert list(asyncio.run(ranker.rank(rows))) == pytest.approx([0.1])
    second = write_ranker(tmp_path, price=0.7)
    ranker.refresh()
    assert (ranker.version, ranker.refused) == (second.version, "")
    assert list(asyncio.run(ranker.rank(rows))) == pytest.approx([0.7])


def test_case_28_a_system_whose_ranker_is_no_model_at_the_start_says_so(tmp_path: Path) -> None:
    (tmp_path / "ranker").mkdir()
    settings = Settings(store=StoreSettings(str(tmp_path / "data"), "off"), models=ModelSettings(ner="", ranker=str(tmp_path / "ranker")))
    with pytest.raises(ModelRefused, match="manifest"):
        open_system(settings).recaller  # noqa: B018, building it loads the ranker


def taken_while(swap: Callable[[], None], tagger: ServedTagger) -> dict[str, list[object]]:
    """What two threads were given, by version, until the swaps were done."""
    seen: dict[str, list[object]] = {}
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            version, spans = tagger.tag(TITLES)
            seen.setdefault(version, []).append(spans)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        swap()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return seen


def swapped(folder: Path, tagger: ServedTagger) -> None:
    for number in range(12):
        write_tagger(folder, 1 + number % 2)
        tagger.refresh()


def test_understanding_merges_what_is_tagged_with_what_is_known(tmp_path: Path) -> None:
    understander: KnowledgeUnderstander = knowledge_understander()
    write_tagger(tmp_path, 1)
    tagging = understander.tagged_by(ServedTagger(tmp_path, understander.segmenter))
    for alone, both in zip(*(one.understand([Given(title=title) for title in TITLES]) for one in (understander, tagging)), strict=True):
        assert set(alone.spans) <= set(both.spans), "the knowledge base wins where both speak"
        assert both.versions == alone.versions | {"ner": tagging.version.rpartition("-")[2]}
