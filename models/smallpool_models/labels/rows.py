"""Titles with labels as files hold them: `category TAB title`, or `id TAB title TAB tag#;#tag...`, one a line, in UTF-8.

In: a file. Out: a `LabelSet` of distinct titles, with how many rows were dropped and why.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from smallpool_core.errors import Problem, TitlesRefused

TAG_SEPARATOR = "#;#"
_REPLACEMENT = "\ufffd"


class LabelledTitle(Struct, frozen=True):
    """A title and its labels: one category, or tags in order, each once."""

    text: str
    labels: tuple[str, ...]


class LabelSet(Struct, frozen=True):
    """The distinct titles of one file. `labels` are all that occur, sorted; `dropped` counts rows left out by reason."""

    name: str
    titles: tuple[LabelledTitle, ...]
    labels: tuple[str, ...]
    dropped: dict[str, int]
    sha256: str


def read_categories(path: Path) -> LabelSet:
    """Titles with a category each; of titles that stand there twice the first counts. Raises `TitlesRefused` where there is none."""
    return _read(path, _category_row, "each line must be category TAB title, in UTF-8")


def read_tags(path: Path) -> LabelSet:
    """Titles with tags; raises `TitlesRefused` where there is none."""
    return _read(path, _tags_row, f"each line must be id TAB title TAB tag{TAG_SEPARATOR}tag..., in UTF-8")


def set_of(name: str, titles: list[LabelledTitle], dropped: dict[str, int], sha256: str) -> LabelSet:
    """A set of these titles."""
    return LabelSet(name, tuple(titles), tuple(sorted({label for title in titles for label in title.labels})), dropped, sha256)


def _read(path: Path, parse: Callable[[list[str]], LabelledTitle | None], form: str) -> LabelSet:
    content = path.read_bytes()
    titles: dict[str, LabelledTitle] = {}
    dropped: Counter[str] = Counter()
    for line in content.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            continue
        row = parse(line.rstrip("\r").split("\t"))
        if row is None:
            dropped["no row of title and labels"] += 1
        elif _REPLACEMENT in line:
            dropped["holds U+FFFD"] += 1
        elif row.text in titles:
            dropped["the same title again"] += 1
        else:
            titles[row.text] = row
    if not titles:
        raise TitlesRefused([Problem(str(path), f"no usable row; dropped {dict(dropped)}", form)])
    return set_of(path.stem, list(titles.values()), dict(dropped), hashlib.sha256(content).hexdigest())


def _category_row(parts: list[str]) -> LabelledTitle | None:
    if len(parts) != 2:
        return None
    category, title = (part.strip() for part in parts)
    return LabelledTitle(title, (category,)) if category and title else None


def _tags_row(parts: list[str]) -> LabelledTitle | None:
    if len(parts) != 3:
        return None
    title = parts[1].strip()
    tags = tuple(dict.fromkeys(filter(None, map(str.strip, parts[2].split(TAG_SEPARATOR)))))
    return LabelledTitle(title, tags) if title and tags else None
