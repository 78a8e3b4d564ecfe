"""Titles of a file, for what is trained on them or measured by them.

In: a file, one title a line; in a `.tsv` one category and title. Out: titles, each with its category, if any; of one half, if wanted.

A half is chosen by the title's own checksum, so that no title is in both, whatever the file's order.
"""

import zlib
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from smallpool_config.cli.sources import numbered_lines
from smallpool_core.errors import SmallpoolError


class Half(StrEnum):
    """Which titles of the file count."""

    ALL = "all"
    EVEN = "even"
    ODD = "odd"


class Titled(Struct, frozen=True):
    """A title, and the category that it is listed under where the file says so."""

    title: str
    category: str | None = None


def read_titles(file: Path, half: Half, *, shown: bool) -> list[Titled]:
    """The distinct titles in their order; raises `SmallpoolError` where there is none."""
    with numbered_lines(file, shown=shown) as lines:
        rows = [titled(line.decode("utf-8", "replace"), is_table=file.suffix == ".tsv") for _, line in lines]
    distinct = {row.title: row for row in rows if row.title and is_in(half, row.title)}
    if not distinct:
        raise SmallpoolError(f"could not find a title in {file}: one a line is wanted, in a .tsv a category, a tab and a title")
    return list(distinct.values())


def titled(line: str, *, is_table: bool) -> Titled:
    """One line: a title, or of a table the cell after the first tab, with the first cell as its category."""
    if not is_table:
        return Titled(line.strip())
    category, _, title = line.partition("\t")
    return Titled(title.partition("\t")[0].strip(), category.strip() or None)


def is_in(half: Half, title: str) -> bool:
    """Whether the title counts."""
    return half is Half.ALL or (zlib.crc32(title.encode("utf-8", "replace")) % 2 == 0) == (half is Half.EVEN)
