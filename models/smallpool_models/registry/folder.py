"""A model's folder: `manifest.json` and the files that it names, each with its sha256.

In: files to write, or a folder to read. Out: a `ModelFiles`, whose bytes are those that were checked (nothing is read twice), or
`ModelRefused` with everything that is wrong. No file of a model is ever unpickled, and none may name another file.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from smallpool_core.errors import ModelRefused, Problem

MANIFEST = "manifest.json"
SUFFIXES = frozenset({".onnx", ".json", ".md"})
"""What a model may be made of: graphs, and text. Nothing that a reader would execute."""
LARGEST_FILE = 256 * 1024 * 1024
"""Bytes; a manifest that promises more is refused before anything is read."""


class FileEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A file's digest, in hex, and its length in bytes."""

    sha256: str
    size: int


class Tensor(Struct, frozen=True, forbid_unknown_fields=True):
    """An input or output of the graph: its name, ONNX Runtime's name of its type, and how many axes it has."""

    name: str
    type: str
    axes: int


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a folder holds. `kind` says what the model is for, `schema` which form its files have; `version` follows from the files."""

    kind: str
    schema: int
    version: str
    files: dict[str, FileEntry]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class ModelFiles(Struct, frozen=True):
    """A manifest and the checked bytes of its files."""

    folder: str
    manifest: Manifest
    files: dict[str, bytes]

    def refused(self, path: str, found: str, message: str) -> ModelRefused:
        """What to raise when a file is sound but what it says is not."""
        return ModelRefused([Problem(f"{self.folder}/{path}", found, message)])


def write_model(
    folder: Path, kind: str, schema: int, files: Mapping[str, bytes], inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
) -> Manifest:
    """Writes the files, and the manifest last: whoever reads meanwhile finds digests that do not fit, and keeps what it has."""
    entries = {name: FileEntry(hashlib.sha256(content).hexdigest(), len(content)) for name, content in sorted(files.items())}
    manifest = Manifest(kind, schema, _version(entries), entries, inputs, outputs)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _replace(folder / name, content)
    _replace(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def read_model(folder: Path, kind: str, schema: int) -> ModelFiles:
    """The folder's files, all of them checked; raises `ModelRefused`."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        found = error.strerror or "nothing readable"
        raise ModelRefused([Problem(str(folder / MANIFEST), found, "a model is a folder made by `smallpool train`")]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelRefused([Problem(str(folder / MANIFEST), str(error), "train the model again, or copy its folder whole")]) from error
    problems = _misfits(folder, manifest, kind, schema)
    files: dict[str, bytes] = {}
    for name, entry in manifest.files.items() if not problems else ():
        content = _read(folder / name, problems)
        if hashlib.sha256(content).hexdigest() != entry.sha256 or len(content) != entry.size:
            problems.append(Problem(str(folder / name), f"{len(content)} bytes with another sha256", "copy the model's folder whole"))
        files[name] = content
    if problems:
        raise ModelRefused(problems)
    return ModelFiles(str(folder), manifest, files)


def _misfits(folder: Path, manifest: Manifest, kind: str, schema: int) -> list[Problem]:
    place = str(folder / MANIFEST)
    problems = []
    if manifest.kind != kind:
        problems.append(Problem(place, f"a model of kind {manifest.kind!r}", f"here a model of kind {kind!r} is needed"))
    elif manifest.schema != schema:
        problems.append(Problem(place, f"schema {manifest.schema}", f"this smallpool reads schema {schema}: train the model again with it"))
    if manifest.version != _version(manifest.files):
        problems.append(Problem(place, f"version {manifest.version!r}", "a version follows from the files: it was edited, train again"))
    for name, entry in manifest.files.items():
        if Path(name).name != name or Path(name).suffix not in SUFFIXES or name == MANIFEST:
            problems.append(Problem(place, f"file {name!r}", f"files lie in the folder itself and end in {', '.join(sorted(SUFFIXES))}"))
        elif not 0 <= entry.size <= LARGEST_FILE:
            problems.append(Problem(place, f"{entry.size} bytes of {name!r}", f"a file has at most {LARGEST_FILE} bytes"))
    return problems


def _read(path: Path, problems: list[Problem]) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_FILE else b""
    except OSError as error:
        problems.append(Problem(str(path), error.strerror or "nothing readable", "the manifest names this file"))
        return b""


def _version(files: Mapping[str, FileEntry]) -> str:
    """The first 12 hex digits of the sha256 over names and digests, in order of name; cards tell of a model and are no part of it."""
    named = "".join(f"{name}\0{files[name].sha256}\0" for name in sorted(files) if "card" not in name.casefold())
    return hashlib.sha256(named.encode()).hexdigest()[:12]


def _replace(path: Path, content: bytes) -> None:
    """The file as a whole or not at all, on the disk."""
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(made).chmod(0o644)
        Path(made).replace(path)
    except OSError:
        Path(made).unlink(missing_ok=True)
        raise
