"""What serves computes what was trained, and opens nothing that is not whole."""

import json
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from smallpool_core.encoder_ports import Parts, Token
from smallpool_core.errors import ModelRefused, VectorRefused
from smallpool_models.encoders.interests import OnnxUserEncoder
from smallpool_models.encoders.items import KIND, SCHEMA, OnnxItemEncoder
from smallpool_models.registry.folder import MANIFEST, ModelFiles, read_model, write_model
from vectors_rig import SETTINGS, small_world, vocabulary_of

torch = pytest.importorskip("torch")
from smallpool_models.training.vectors.card import vector_card  # noqa: E402
from smallpool_models.training.vectors.export import write_vectors  # noqa: E402
from smallpool_models.training.vectors.interests import TrainedVectors, train_interests  # noqa: E402
from smallpool_models.training.vectors.items_read import ItemsRead  # noqa: E402
from smallpool_models.training.vectors.trained_items import read_items  # noqa: E402
from smallpool_models.training.vectors.user_network import Touched  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainedVectors]:
    folder, world = tmp_path_factory.mktemp("vectors"), small_world()
    settings = replace(SETTINGS, epochs=2)
    trained = train_interests(world, vocabulary_of(world), settings, lambda _doing, _done, _total: None)
    write_vectors(folder, trained, vector_card(trained, world, settings, "smallpool train interests", 0.0))
    return folder, trained


@pytest.fixture(scope="module")
def files(model: tuple[Path, TrainedVectors]) -> ModelFiles:
    return read_model(model[0], KIND, SCHEMA)


def rows(vectors: list[bytes]) -> np.ndarray:
    return np.array([np.frombuffer(one, "<f4") for one in vectors])


def tokens(vectors: list[bytes]) -> list[Token]:
    return [Token(one, 1.0, float(len(vectors) - place), "short") for place, one in enumerate(vectors)]


def test_the_graph_of_items_computes_what_was_trained(model: tuple[Path, TrainedVectors], files: ModelFiles) -> None:
    world, trained = small_world(), model[1]
    found = rows(OnnxItemEncoder(files).encode(world.items))
    there = ItemsRead(world.items, trained.vocabulary).vectors(trained.network.items).numpy()[1:]
    assert np.abs(found - there).max() < 1e-4
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5


@pytest.mark.parametrize("count", [1, 5, 64])
def test_the_graph_of_interests_computes_what_was_trained(model: tuple[Path, TrainedVectors], files: ModelFiles, count: int) -> None:
    vectors = OnnxItemEncoder(files).encode([small_world().items[place % 48] for place in range(count)])
    found = OnnxUserEncoder(files).interests(tokens(vectors), profile=vectors[:1])
    touched = torch.from_numpy(rows(vectors)).unsqueeze(0)
    profile = touched[:, :1].expand_as(touched)
    with torch.no_grad():
        there = model[1].network.users(Touched(touched, torch.ones(1, count, dtype=torch.bool), profile))[0, -1].numpy()
    told = np.frombuffer(found.vectors.values, "<f4").reshape(len(found), -1)
    distances = np.abs(told[:, None] - there[None]).max(axis=2)
    assert distances.min(axis=1).max() < 1e-4
    assert distances.min(axis=0).max() < 1e-4
    assert sum(found.shares) == pytest.approx(1)
    assert list(found.shares) == sorted(found.shares, reverse=True)


def test_an_item_has_the_same_vector_alone_and_among_others(files: ModelFiles) -> None:
    encoder, items = OnnxItemEncoder(files), small_world().items
    assert [encoder.encode([one])[0] for one in items] == encoder.encode(items)


def test_an_item_of_which_nothing_is_known_has_no_vector(files: ModelFiles) -> None:
    encoder = OnnxItemEncoder(files)
    unknown = Parts("书", ("tag:never",), ("从未",), "never")
    assert encoder.encode([Parts(), unknown, Parts(title_words=("普洱茶",))])[:2] == [b"", b""]
    assert encoder.encode([Parts(title_words=("普洱茶", "从未"))])[0]


def test_any_part_alone_gives_a_vector(files: ModelFiles) -> None:
    alone = [Parts("茶›普洱茶"), Parts(terms=("tag:t1",)), Parts(title_words=("普洱茶",)), Parts(item_id="3")]
    assert [len(one) for one in OnnxItemEncoder(files).encode(alone)] == [256] * 4


def test_a_level_above_an_unknown_category_still_counts(files: ModelFiles) -> None:
    encoder = OnnxItemEncoder(files)
    assert encoder.encode([Parts("茶›从未")])[0]


def test_nobody_has_interests_for_nothing(files: ModelFiles) -> None:
    assert len(OnnxUserEncoder(files).interests([])) == 0


def test_one_click_and_one_taste_alone_give_interests(files: ModelFiles) -> None:
    encoder = OnnxUserEncoder(files)
    vector = OnnxItemEncoder(files).encode([Parts("茶›普洱茶")])[0]
    for horizon in ("short", "long"):
        assert len(encoder.interests([Token(vector, 0.5, 10.0, horizon)])) == SETTINGS.users.interests


def test_the_order_in_which_tokens_come_does_not_count_but_their_age(files: ModelFiles) -> None:
    given = tokens(OnnxItemEncoder(files).encode(small_world().items[:9]))
    encoder = OnnxUserEncoder(files)
    assert encoder.interests(given) == encoder.interests(given[::-1])


@pytest.mark.parametrize(
    ("vector", "told"),
    [(b"", "without a vector"), (b"\0" * 12, "12 bytes"), (b"\0" * 256, "length 0.0"), (b"\0\0\xc0\x7f" * 64, "length nan")],
)
def test_a_token_that_is_no_vector_is_refused(files: ModelFiles, vector: bytes, told: str) -> None:
    with pytest.raises(VectorRefused, match=told):
        OnnxUserEncoder(files).interests([Token(vector, 1.0, 0.0, "short")])


def test_a_token_that_weighs_nothing_is_refused(files: ModelFiles) -> None:
    vector = OnnxItemEncoder(files).encode([Parts("茶›普洱茶")])[0]
    with pytest.raises(VectorRefused, match="weight is not above 0"):
        OnnxUserEncoder(files).interests([Token(vector, 0.0, 0.0, "short")])


def test_training_goes_on_from_the_items_of_a_model(model: tuple[Path, TrainedVectors]) -> None:
    folder, trained = model
    vocabulary, network = read_items(folder)
    assert vocabulary == trained.vocabulary
    items = ItemsRead(small_world().items, vocabulary)
    assert (items.vectors(network) - items.vectors(trained.network.items)).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["items.onnx", "user.onnx", "vocabulary.json"])
def test_case_28_a_truncated_file_is_refused(model: tuple[Path, TrainedVectors], tmp_path: Path, name: str) -> None:
    for file in model[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-9])
    with pytest.raises(ModelRefused, match="copy the model's folder whole"):
        read_model(tmp_path, KIND, SCHEMA)


def test_case_28_another_schema_is_refused(model: tuple[Path, TrainedVectors], tmp_path: Path) -> None:
    for file in model[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    told = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    (tmp_path / MANIFEST).write_text(json.dumps({**told, "schema": SCHEMA + 1}), encoding="utf-8")
    with pytest.raises(ModelRefused, match="train the model again"):
        read_model(tmp_path, KIND, SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: {**one, "items.onnx": one["user.onnx"]},
        lambda one: {**one, "user.onnx": one["items.onnx"]},
        lambda one: {**one, "items.onnx": b"\x80\x04pickled"},
        lambda one: {name: content for name, content in one.items() if name != "user.onnx"},
        lambda one: {**one, "vocabulary.json": one["vocabulary.json"].replace(b'"dimensions":64', b'"dimensions":32')},
        lambda one: {**one, "vocabulary.json": one["vocabulary.json"].replace(b'"words":[', b'"words":["more",')},
    ],
)
def test_case_28_files_that_do_not_fit_each_other_are_refused(files: ModelFiles, tmp_path: Path, change: "object") -> None:
    changed = change(files.files)  # type: ignore[operator]
    assert changed != files.files
    write_model(tmp_path, KIND, SCHEMA, changed, files.manifest.inputs, files.manifest.outputs)
    read = read_model(tmp_path, KIND, SCHEMA)
    with pytest.raises(ModelRefused):
        (OnnxItemEncoder(read), OnnxUserEncoder(read))
