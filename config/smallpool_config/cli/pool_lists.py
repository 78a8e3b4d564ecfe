"""`smallpool pools pin`, `include` and `ban`: a few entries of a pool's lists added or taken out.

In: a pool, ids of items or sellers, words. Out: its next revision, in force at once.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.pool_history import Pool
from smallpool_config.cli.screen import print_json

if TYPE_CHECKING:
    from smallpool_service.lists import ListName

Items = Annotated[list[str], typer.Argument(metavar="ITEM...", help="Ids of items; one that is not there yet may come later.")]
Remove = Annotated[bool, typer.Option("--remove", help="Take them out of the list instead.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; kept with the new revision.")]


def pin(
    ctx: typer.Context, pool: Pool, items: Items, remove: Remove = False, reason: Reason = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Pin items to the top of a pool's pages, behind those pinned already: first of what may be served, and nothing else."""
    _edit(ctx, pool, "pins", items, remove=remove, reason=reason, data=data, as_json=as_json)


def include(
    ctx: typer.Context, pool: Pool, items: Items, remove: Remove = False, reason: Reason = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Include items in a pool whatever its rule says, unless it bans them. Of the pool `banned`: serve them nowhere."""
    _edit(ctx, pool, "include", items, remove=remove, reason=reason, data=data, as_json=as_json)


def ban(
    ctx: typer.Context,
    pool: Pool,
    entries: Annotated[list[str], typer.Argument(metavar="ENTRY...", help="Ids of items or sellers, or words, as `--of` says.")],
    of: Annotated[Literal["items", "sellers", "words"], typer.Option("--of", help="What is banned.")] = "items",
    remove: Remove = False,
    reason: Reason = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Ban items, sellers or words of titles from a pool, whatever its rule and its include list say."""
    from smallpool_service.lists import ban_list

    _edit(ctx, pool, ban_list(of), entries, remove=remove, reason=reason, data=data, as_json=as_json)


def _edit(
    ctx: typer.Context, pool: str, name: "ListName", entries: list[str], *, remove: bool, reason: str | None, data: Data, as_json: bool
) -> None:
    from smallpool_config.cli.pool_plan import command_line_author, show_saved
    from smallpool_config.cli.session import catch_up, load, opened
    from smallpool_service.lists import ListEdit, edit_list
    from smallpool_service.operators import Change

    with opened(ctx, data) as system:
        load(system, shown=not as_json)
        newest = asyncio.run(system.pools.get(pool)).pool.revision
        change = Change(command_line_author(), reason or "", system.clock.now_ms(), newest)
        edit = ListEdit(name, [] if remove else entries, entries if remove else [])
        saved = asyncio.run(edit_list(system.read_ports, system.pools, pool, edit, change))
        catch_up(system, shown=not as_json)
    if as_json:
        print_json(saved)
    else:
        show_saved(saved)
