"""How the command line speaks: consoles, plain text from strangers, conditions, prices, times and bars.

In: values. Out: text for a terminal, sane in a pipe; nothing that a seller wrote reaches a terminal as a control sequence.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from smallpool_core.errors import Refused, SmallpoolError
from smallpool_core.normalise import PATH_SEPARATOR

PIPED_WIDTH = 132
"""Columns of a table that no terminal limits."""
BRIEF = 80
"""Most characters of a cell that sellers write."""
Show = Callable[[int, int], None]
"""Says how far long work has come: done, and of how many."""
_BLANKS = re.compile(r"\s+")


def screen(*, stderr: bool = False) -> Console:
    """A console on stdout or stderr as they are now."""
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def print_json(value: object) -> None:
    """The value as one line of JSON on stdout."""
    typer.echo(msgspec.json.encode(value).decode())


def report(error: SmallpoolError) -> None:
    """The error on stderr; of a refusal every problem on a line of its own."""
    lines = [str(problem) for problem in error.problems] if isinstance(error, Refused) else [str(error)]
    console = screen(stderr=True)
    for line in lines:
        console.print(Text.assemble(("error: ", "bold red"), plain(line)), soft_wrap=True)


def plain(text: str) -> str:
    """The text on one line, without anything that a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in _BLANKS.sub(" ", text))


def json_text(value: object) -> str:
    """The value as JSON on one line."""
    return plain(msgspec.json.encode(value).decode())


def condition_text(condition: dict[str, Any] | None) -> str:
    """A single condition of a rule as people say it, a group as JSON."""
    if condition is None or "field" not in condition:
        return json_text(condition)
    return plain(f"{condition['field']} {condition['op']} {json_text(condition['value'])}")


def brief(text: str) -> str:
    """The text for a cell of a table: plain, and no longer than one or two lines of it."""
    shown = plain(text)
    return shown if len(shown) <= BRIEF else f"{shown[: BRIEF - 1]}…"


def yuan(cents: int | None) -> str:
    """A price as buyers read it."""
    if cents is None:
        return "–"
    return f"¥{cents // 100:,}" if cents % 100 == 0 else f"¥{cents / 100:,.2f}"


def when(at: int | None) -> str:
    """An instant (ms) in UTC, to the second."""
    return "–" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def span(ms: int) -> str:
    """A length of time in its largest units: `2 h 05 min`, `40 s`, `12 ms`."""
    if ms < 1000:
        return f"{ms} ms"
    seconds = ms // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def path(category: str) -> str:
    """A category key as people read it."""
    return plain(category.replace(PATH_SEPARATOR, " › "))


def bar(share: float, width: int = 12, style: str = "cyan") -> Text:
    """A bar for a share of one; whatever is more than nothing shows."""
    filled = round(max(0.0, min(1.0, share)) * width)
    return Text("━" * max(filled, 1 if share > 0 else 0), style)


def table(*columns: str, title: str | None = None, right: tuple[str, ...] = ()) -> Table:
    """A table in the one style of this command line; columns named in `right` are set flush right."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        header_style="bold bright_black",
        show_edge=False,
        pad_edge=False,
    )
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


@contextmanager
def progress(label: str, *, shown: bool) -> Iterator[Show]:
    """A bar on stderr while the block lasts; nothing where `shown` is false or stderr is no terminal."""
    console = screen(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
