"""Reads the tab-separated and TOML files of the knowledge base, collecting every mistake instead of stopping at the first.

In: a folder and what a file must hold. Out: rows that know their file and line, and `Problem`s for all that is wrong.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from smallpool_core.errors import Problem
from smallpool_core.normalise import normalise

T = TypeVar("T")

LIST_SEPARATOR = "|"


class Row(Struct, frozen=True):
    """One line of a table: `place` is `file:line`, `cells` are stripped and keyed by column."""

    place: str
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def list(self, column: str) -> tuple[str, ...]:
        """A cell that holds several values, `"a|b"`; empty ones are left out."""
        return tuple(part for part in (raw.strip() for raw in self.cells[column].split(LIST_SEPARATOR)) if part)


class Reader:
    """Reads files of one folder and keeps their problems in the order found.

    `files` maps each file that was read to its bytes, from which the version of the knowledge base is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[Problem] = []
        self.files: dict[str, bytes] = {}

    def refuse(self, path: str, found: object, message: str) -> None:
        """Notes one mistake at `path` (`file` or `file:line`)."""
        self.problems.append(Problem(path, str(found), message))

    def names(self, pattern: str) -> list[str]:
        """Names of the files that fit a glob pattern, sorted; relative to the folder, with forward slashes."""
        return sorted(path.relative_to(self._folder).as_posix() for path in self._folder.glob(pattern))

    def table(self, name: str, columns: Sequence[str]) -> list[Row]:
        """The rows of a table whose header is exactly `columns`; the first column is never empty.

        Blank lines and lines that start with `#` are skipped; cells missing at the end of a line are empty.
        """
        rows: list[Row] = []
        header_seen = False
        for number, line in enumerate(self._text(name).split("\n"), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            place = f"{name}:{number}"
            cells = [cell.strip() for cell in line.rstrip("\r").split("\t")]
            if not header_seen:
                header_seen = True
                if cells != list(columns):
                    self.refuse(place, f"columns {cells}", f"the header must be {list(columns)}, separated by tabs")
                    return []
            elif len(cells) > len(columns):
                self.refuse(place, f"{len(cells)} cells", f"a line has at most {len(columns)}: {', '.join(columns)}")
            elif not cells[0]:
                self.refuse(place, "an empty first cell", f"every line starts with its {columns[0]}")
            else:
                cells += [""] * (len(columns) - len(cells))
                rows.append(Row(place, dict(zip(columns, cells, strict=True))))
        if not header_seen and name in self.files:
            self.refuse(name, "no header", f"the first line that is no comment must be {list(columns)}, separated by tabs")
        return rows

    def toml(self, name: str) -> dict[str, object]:
        """The tables of a TOML file, empty where it cannot be read."""
        try:
            return tomllib.loads(self._text(name))
        except tomllib.TOMLDecodeError as error:
            self.refuse(name, "no TOML", str(error))
            return {}

    def json(self, name: str, kind: type[T]) -> T | None:
        """A JSON file as a typed value, or None with the problem noted."""
        text = self._text(name)
        try:
            return msgspec.json.decode(text, type=kind) if text else None
        except msgspec.MsgspecError as error:
            self.refuse(name, "a file that does not fit", f"{error}; train it again, or put back the one that is shipped")
        return None

    def convert(self, name: str, section: str, value: object, kind: type[T]) -> T | None:
        """A section of a TOML file as a typed value, or None with the problem noted."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self.refuse(f"{name}:[{section}]", "a value that does not fit", str(error))
            return None

    def key(self, place: str, text: str) -> str:
        """The normalised form of a key or surface; what no store can hold is refused."""
        key = normalise(text)
        if not key or not all(character.isprintable() for character in key):
            self.refuse(place, repr(text), "a word must hold printable characters only, and at least one")
        return key

    def number(self, row: Row, column: str, *, above: float) -> float:
        """A cell as a finite number greater than `above`; where it is none the problem is noted and 1 returned."""
        try:
            value = float(row[column])
        except ValueError:
            value = float("nan")
        if not above < value < float("inf"):
            self.refuse(row.place, f"{column} {row[column]!r}", f"{column} must be a number greater than {above:g}")
            return 1.0
        return value

    def choice(self, row: Row, column: str, choices: Sequence[str]) -> str:
        """A cell that must be one of a few words."""
        if row[column] not in choices:
            self.refuse(row.place, f"{column} {row[column]!r}", f"{column} is one of {', '.join(choices)}")
        return row[column]

    def _text(self, name: str) -> str:
        try:
            self.files[name] = (self._folder / name).read_bytes()
            return self.files[name].decode("utf-8")
        except OSError as error:
            self.refuse(name, error.strerror or "an unreadable file", f"the knowledge base in {self._folder} needs this file")
        except UnicodeDecodeError as error:
            self.refuse(name, f"byte {error.start} that is no UTF-8", "save the file as UTF-8")
        return ""
