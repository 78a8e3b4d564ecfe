"""`smallpool relations`: which items go with which, as people's behaviour says: made anew, brought up to date, looked at.

In: the log of user events, or files of events. Out: lists of related items in the store; what is in one of them.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer
from msgspec import Struct

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import bar, path, plain, print_json, progress, screen, span, table, when
from smallpool_core.errors import NotFound
from smallpool_core.relations import Generation, RelationKind
from smallpool_indexer.relate import Progress, untold

app = typer.Typer(no_args_is_help=True, help="Which items go with which: make the lists, look at them.")

_Events = Annotated[
    list[str] | None,
    typer.Option("--events", metavar="FILE", help="Events from JSONL, or from *.parquet, instead of the log; may be given several times."),
]
MOST_SHOWN = 200


class Made(Struct, frozen=True):
    """What serves now; `skipped` rows of the files were no events."""

    generation: Generation | None
    skipped: int = 0


class RelatedItem(Struct, frozen=True):
    """One line of a list; `state` is None for an item that is not known here."""

    item_id: str
    weight: float
    title: str
    category: str
    state: str | None


class Listed(Struct, frozen=True):
    """One list, heaviest first."""

    by: RelationKind
    key: str
    pool_id: str
    items: list[RelatedItem]


@app.callback()
def _group() -> None:
    """Which items go with which: make the lists, look at them."""


@app.command("build")
def build(ctx: typer.Context, events: _Events = None, data: Data = None, as_json: AsJson = False) -> None:
    """Make all lists anew, from the log or from files of events, and let them serve.

    Rows of a file have `user`, `item`, `event` and `at` (ms). What serves goes on serving until the new lists are whole. Files may be
    larger than memory: `relations.memory_mb` bounds what is held of them.
    """
    from smallpool_config.cli.session import opened

    with opened(ctx, data, create=True) as system, _shown(as_json=as_json) as told:
        generation, skipped = system.relater.rebuild(events or (), told)
        now = system.clock.now_ms()
    _tell(Made(generation, skipped), now, as_json=as_json)


@app.command("refresh")
def refresh(ctx: typer.Context, data: Data = None, as_json: AsJson = False) -> None:
    """Add what is new on the log to the lists that serve, as a server does every hour by itself."""
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system, _shown(as_json=as_json) as told:
        generation = system.relater.refresh(told)
        now = system.clock.now_ms()
    _tell(Made(generation), now, as_json=as_json)


@app.command("status")
def status(ctx: typer.Context, data: Data = None, as_json: AsJson = False) -> None:
    """Show which lists serve, and how old they are."""
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        generation = system.relations.current()
        now = system.clock.now_ms()
    _tell(Made(generation), now, as_json=as_json)


@app.command("show")
def show(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ITEM", help="An item's id; with --by term a term such as brand:apple.")],
    by: Annotated[RelationKind, typer.Option("--by", help="Looked at beside it, bought beside it, or the items of a term.")] = "view",
    pool: Annotated[str, typer.Option("--pool", metavar="ID", help="The list of this pool's items alone, if the pool has them.")] = "",
    size: Annotated[int, typer.Option("--size", min=1, max=MOST_SHOWN, help="How many items.")] = 20,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show what is related to an item, or what people act on of a term, as the lists have it; some of it may have sold since."""
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        found = asyncio.run(system.relations.related(by, [key], size, pool)).get(key)
        if found is None:
            raise NotFound("list of related items", key)
        items = system.items.get([one.item_id for one in found])
    lines = []
    for one in found:
        item = items.get(one.item_id)
        title = item.given.title if item is not None and item.given is not None else ""
        lines.append(RelatedItem(one.item_id, one.weight, title, item.category if item else "", item.state if item else None))
    if as_json:
        print_json(Listed(by, key, pool, lines))
        return
    rows = table("item", "title", "category", "state", "weight", "", right=("weight",))
    for line in lines:
        share = line.weight / lines[0].weight if lines[0].weight > 0 else 0.0
        weight = f"{line.weight:.4f}"
        rows.add_row(plain(line.item_id), plain(line.title), path(line.category), line.state or "unknown", weight, bar(share))
    screen().print(rows)


@contextmanager
def _shown(*, as_json: bool) -> Iterator[Progress]:
    if as_json:
        yield untold
        return
    with progress("relating items", shown=True) as tell:
        yield lambda _what, done, total: tell(done, total or done)


def _tell(made: Made, now: int, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    console, generation = screen(), made.generation
    if generation is None:
        console.print("no items are related yet: `smallpool relations build` makes the lists, and so does a server once there are events")
        return
    source: Literal["the log", "files"] = "files" if generation.source == "files" else "the log"
    console.print(
        f"{generation.lists:,} lists from {generation.events:,} events of {source}, made {when(generation.computed_at)},"
        f" events counted up to {span(max(0, now - max(generation.merged_upto, generation.covers)))} ago",
        markup=False,
    )
    if made.skipped:
        console.print(f"{made.skipped:,} rows are no events (user, item, event, at) and were left out", markup=False)
