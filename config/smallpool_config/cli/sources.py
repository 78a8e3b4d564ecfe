"""Lines of a file or of stdin, numbered as people count them, with a progress bar over the bytes of a file.

In: a path, or `-`. Out: every line that holds something, with its number from 1.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import typer

from smallpool_config.cli.screen import Show, progress

SHOWN_EVERY = 500
STDIN = Path("-")


def named(source: Path) -> str:
    """The source as messages name it."""
    return "stdin" if source == STDIN else str(source)


def readable(path: Path | None) -> Path | None:
    """Checks an argument that names a file or, by `-`, stdin."""
    if path is not None and path != STDIN and not (path.is_file() and os.access(path, os.R_OK)):
        raise typer.BadParameter(f"{path} is no file that can be read; - reads stdin")
    return path


@contextmanager
def numbered_lines(source: Path, *, shown: bool) -> Iterator[Iterator[tuple[int, bytes]]]:
    """The lines, without blanks around them."""
    with progress("reading", shown=shown and source != STDIN) as show:
        if source == STDIN:
            yield _numbered(sys.stdin.buffer, show, 0)
        else:
            with source.open("rb") as file:
                yield _numbered(file, show, source.stat().st_size)


def _numbered(file: BinaryIO, show: Show, size: int) -> Iterator[tuple[int, bytes]]:
    read = 0
    for number, line in enumerate(file, start=1):
        read += len(line)
        if stripped := line.strip():
            yield number, stripped
        if number % SHOWN_EVERY == 0:
            show(read, size)
