"""Folders of models: what is written is read, what is damaged is refused with what to do, and a running process changes over whole."""

import json
import logging
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from smallpool_core.errors import KnowledgeRefused, ModelRefused, Problem
from smallpool_models.registry.folder import MANIFEST, Manifest, ModelFiles, Tensor, read_model, write_model
from smallpool_models.registry.served import Served, Watched

KIND, SCHEMA = "toy", 3
INPUTS = (Tensor("text", "tensor(int64)", 2),)


def write(folder: Path, word: str = "one", schema: int = SCHEMA) -> Manifest:
    files = {"model.onnx": word.encode(), "vocabulary.json": json.dumps({"word": word}).encode(), "CARD.md": b"# card"}
    return write_model(folder, KIND, schema, files, INPUTS, ())


def edit(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | changes), "utf-8")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    manifest = write(tmp_path / "model")
    read = read_model(tmp_path / "model", KIND, SCHEMA)
    assert read.manifest == manifest
    assert read.files["model.onnx"] == b"one"
    assert manifest.inputs == INPUTS


def test_the_version_follows_from_the_files_and_not_from_the_card(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a"), write(tmp_path / "b", "two")
    files = {"model.onnx": b"one", "vocabulary.json": b'{"word": "one"}', "CARD.md": b"# another card"}
    assert first.version != second.version
    assert write_model(tmp_path / "c", KIND, SCHEMA, files, INPUTS, ()).version == first.version


def truncated(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"on")


def of_other_bytes(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"two")


def without_a_file(folder: Path) -> None:
    (folder / "vocabulary.json").unlink()


def of_another_schema(folder: Path) -> None:
    edit(folder, schema=SCHEMA + 1)


def of_another_kind(folder: Path) -> None:
    edit(folder, kind="category")


def naming_a_file_elsewhere(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"]["../../secret.json"] = manifest["files"].pop("vocabulary.json")
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def with_a_pickle(folder: Path) -> None:
    files = {"model.onnx": b"one", "weights.pkl": pickle.dumps(print)}
    write_model(folder, KIND, SCHEMA, files, INPUTS, ())


def with_an_edited_version(folder: Path) -> None:
    edit(folder, version="0" * 12)


def with_an_unknown_field(folder: Path) -> None:
    edit(folder, trust="me")


def that_is_no_json(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"\x80\x04}")


def without_a_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


DAMAGES = {
    truncated: "another sha256; copy",
    of_other_bytes: "another sha256; copy",
    without_a_file: "the manifest names this file",
    of_another_schema: "schema 4; this smallpool reads schema 3: train the model again",
    of_another_kind: "kind 'category'; here a model of kind 'toy'",
    naming_a_file_elsewhere: "files lie in the folder itself",
    with_a_pickle: "files lie in the folder itself and end in",
    with_an_edited_version: "a version follows from the files",
    with_an_unknown_field: "unknown field",
    that_is_no_json: "train the model again",
    without_a_manifest: "made by `smallpool train`",
}


@pytest.mark.parametrize(("damage", "said"), DAMAGES.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_a_damaged_folder_is_refused_with_what_to_do(tmp_path: Path, damage: Callable[[Path], None], said: str) -> None:
    write(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelRefused) as refused:
        read_model(tmp_path, KIND, SCHEMA)
    assert said in str(refused.value)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_the_model_in_force_stays_while_the_new_one_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path)
    served = Served(tmp_path, KIND, SCHEMA, word_of)
    damage(tmp_path)
    touched(tmp_path)
    with caplog.at_level(logging.ERROR):
        assert not served.refresh()
        assert not served.refresh()
    assert served.current == "one"
    assert served.refused
    assert len(caplog.records) == 1, "a refusal is told once"
    write(tmp_path, "two")
    assert served.refresh()
    assert (served.current, served.refused) == ("two", "")


def test_a_rollback_by_rename_ends_the_refusal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path)
    served = Served(tmp_path, KIND, SCHEMA, word_of)
    (tmp_path / MANIFEST).rename(tmp_path / "aside")
    assert not served.refresh()
    assert served.refused
    (tmp_path / "aside").rename(tmp_path / MANIFEST)
    assert not served.refresh()
    assert (served.current, served.refused) == ("one", "")
    (tmp_path / MANIFEST).rename(tmp_path / "aside")
    caplog.clear()
    served.refresh()
    assert served.refused
    assert len(caplog.records) == 1, "a new refusal is told again"


@pytest.fixture
def words(tmp_path: Path) -> Path:
    (tmp_path / "words").write_text("one", "utf-8")
    return tmp_path


def read_word(folder: Path) -> str:
    word = (folder / "words").read_text("utf-8")
    if word == "bad":
        raise KnowledgeRefused([Problem("words", word, "no word")])
    return word


def looked(watched: Watched[str]) -> bool:
    """Two looks: what changes between them is left for later."""
    return watched.refresh() or watched.refresh()


def test_edited_files_that_are_put_back_are_in_force_and_a_bad_one_is_refused_anew(words: Path) -> None:
    watched = Watched("words", words, lambda: read_word(words))
    (words / "words").rename(words.parent / "kept")
    for _ in range(2):
        (words / "words").write_text("bad", "utf-8")
        assert not looked(watched)
        assert "no word" in watched.refused
        (words / "words").rename(words.parent / "bad")
        (words.parent / "kept").rename(words / "words")
        assert not looked(watched)
        assert (watched.current, watched.refused) == ("one", "")
        (words / "words").rename(words.parent / "kept")
        (words.parent / "bad").rename(words / "words")
        assert not looked(watched)
        assert "no word" in watched.refused


def test_a_bad_word_is_tried_once_and_a_model_that_is_not_there_yet_at_every_look(words: Path) -> None:
    tried: list[str] = []
    missing = ModelRefused([Problem("model", "nothing", "its files are still being copied")])

    def load() -> str:
        tried.append(word := read_word(words))
        if word == "two" and tried.count("two") < 3:
            raise missing
        return word

    watched = Watched("words", words, load)
    (words / "words").write_text("two", "utf-8")
    assert not looked(watched)
    assert "copied" in watched.refused
    assert not watched.refresh()
    assert watched.refresh()
    assert (watched.current, watched.refused) == ("two", "")


def test_a_folder_that_cannot_be_asked_is_looked_at_again(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched("words", words, lambda: read_word(words))
    with monkeypatch.context() as patched:

        def denied(self: Path) -> bool:
            raise PermissionError(13, "Permission denied", str(self))

        patched.setattr(Path, "is_file", denied)
        assert not watched.refresh()
    assert not looked(watched)
    assert (watched.current, watched.refused) == ("one", "")


def touched(folder: Path) -> None:
    """A manifest that is another one, as after any copy: its time is new."""
    if (folder / MANIFEST).exists():
        os.utime(folder / MANIFEST, (1, 1))


def word_of(files: ModelFiles) -> str:
    word: str = msgspec.json.decode(files.files["vocabulary.json"])["word"]
    if files.files["model.onnx"] != word.encode():
        raise files.refused("model.onnx", "another word", "the parts of a model belong together")
    return word


def test_a_loader_that_refuses_keeps_the_model_in_force(tmp_path: Path) -> None:
    write(tmp_path)
    served = Served(tmp_path, KIND, SCHEMA, word_of)
    write_model(tmp_path, KIND, SCHEMA, {"model.onnx": b"one", "vocabulary.json": b'{"word": "two"}'}, INPUTS, ())
    assert not served.refresh()
    assert served.current == "one"
    assert "belong together" in served.refused


def test_under_load_every_reader_sees_one_whole_model_while_models_are_swapped(tmp_path: Path) -> None:
    write(tmp_path, "word-0")
    served = Served(tmp_path, KIND, SCHEMA, word_of)
    seen: list[list[str]] = [[] for _ in range(4)]
    stop = threading.Event()

    def read(mine: list[str]) -> None:
        while not stop.is_set():
            if not mine or served.current != mine[-1]:
                mine.append(served.current)

    readers = [threading.Thread(target=read, args=(mine,)) for mine in seen]
    writer = threading.Thread(target=lambda: [write(tmp_path, f"word-{number}") for number in range(1, 30)])
    for thread in (*readers, writer):
        thread.start()
    while writer.is_alive():
        served.refresh()
    writer.join()
    served.refresh()
    stop.set()
    for thread in readers:
        thread.join()
    assert served.current == "word-29"
    for mine in seen:
        numbers = [int(word.removeprefix("word-")) for word in mine]
        assert numbers == sorted(numbers), "nobody goes back to an older model"
