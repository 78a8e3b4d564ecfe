"""Labelled titles as files hold them: JSON Lines of `{"text": ..., "spans": [[start, end, type], ...]}`.

In: a file; offsets in characters, end exclusive. Out: a `TitleSet` of distinct titles, with how many rows were dropped and why.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from smallpool_core.errors import Problem, TitlesRefused

Place = tuple[int, int, str]
"""Characters [start, end) of a title and the type of what stands there."""

_DUMPED_TAG = re.compile(r"\[\d+_\d+\]:")
_REPLACEMENT = "�"


class Labelled(Struct, frozen=True):
    """A title and its spans in order, none overlapping another."""

    text: str
    spans: tuple[Place, ...]


class _Titled(Protocol):
    @property
    def text(self) -> str:
        """The title."""


T = TypeVar("T", bound=_Titled)


class TitleSet(Struct, frozen=True):
    """The distinct titles of one file. `types` is its inventory, sorted; `dropped` counts rows left out by reason."""

    name: str
    titles: tuple[Labelled, ...]
    types: tuple[str, ...]
    dropped: dict[str, int]
    sha256: str


class Lines(Struct, frozen=True):
    """The distinct titles of a file that nobody labelled, one a line."""

    name: str
    lines: tuple[str, ...]
    sha256: str


class _Row(Struct):
    text: str
    spans: list[Place]


def read_titles(path: Path) -> TitleSet:
    """The titles of a file; raises `TitlesRefused` where none can be read from it."""
    content = path.read_bytes()
    titles: dict[str, Labelled] = {}
    dropped: Counter[str] = Counter()
    for line in content.splitlines():
        if not line.strip():
            continue
        row = _row(line)
        if isinstance(row, str):
            dropped[row] += 1
        elif row.text in titles:
            dropped["the same text again"] += 1
        else:
            titles[row.text] = row
    if not titles:
        found = f"no usable row; dropped {dict(dropped)}"
        raise TitlesRefused([Problem(str(path), found, 'each line must be {"text": "...", "spans": [[start, end, "type"], ...]}')])
    types = {kind for title in titles.values() for _, _, kind in title.spans}
    return TitleSet(path.stem, tuple(titles.values()), tuple(sorted(types)), dict(dropped), hashlib.sha256(content).hexdigest())


def read_lines(path: Path) -> Lines:
    """The lines of a file that are not blank; raises `TitlesRefused` where it holds none, or is not UTF-8."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TitlesRefused([Problem(str(path), f"byte {error.start}", "unlabelled titles are UTF-8 text, one title a line")]) from error
    lines = tuple(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))
    if not lines:
        raise TitlesRefused([Problem(str(path), "no title", "unlabelled titles are UTF-8 text, one title a line")])
    return Lines(path.name, lines, hashlib.sha256(content).hexdigest())


def _row(line: bytes) -> Labelled | str:
    """The row, or why it is left out."""
    try:
        row = msgspec.json.decode(line, type=_Row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no row of text and spans"
    if not row.text:
        return "an empty text"
    if _REPLACEMENT in row.text:
        return "holds U+FFFD"
    if _DUMPED_TAG.search(row.text):
        return "holds a dumped tag"
    spans = tuple(sorted(row.spans))
    if any(not 0 <= start < end <= len(row.text) or not kind for start, end, kind in spans):
        return "a span outside the text"
    if any(first[1] > second[0] for first, second in pairwise(spans)):
        return "spans that overlap"
    return Labelled(row.text, spans)


def parted(titles: Iterable[T], share: float, salt: str) -> tuple[list[T], list[T]]:
    """The titles without, and with, the `share` of them that a hash of their text sets apart: the same title always falls alike."""
    kept: list[T] = []
    apart: list[T] = []
    for title in titles:
        drawn = int.from_bytes(hashlib.sha256(f"{salt}\0{title.text}".encode(errors="surrogatepass")).digest()[:6]) / 2**48
        (apart if drawn < share else kept).append(title)
    return kept, apart
