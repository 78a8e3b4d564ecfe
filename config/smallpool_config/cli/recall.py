"""`smallpool recall`: a page of one pool for one person.

In: a pool, a person, a size. Out: the page as a table, or as the JSON that the API gives.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from smallpool_config.cli.options import AsJson, Data, Device, User
from smallpool_config.cli.screen import plain, print_json, screen
from smallpool_core.pools import DEFAULT_WEIGHTS
from smallpool_core.users import Identity

if TYPE_CHECKING:
    from smallpool_config.cli.explained import Names
    from smallpool_core.pools import Pool
    from smallpool_service.page import Page

TIMEOUT_MS = 5_000
"""A process that has just started is slower than a server: nothing is warm yet."""


def recall(
    ctx: typer.Context,
    pool: Annotated[str, typer.Argument(metavar="POOL", help="The pool's id; `home` is the whole marketplace.")],
    user: User = None,
    device: Device = None,
    size: Annotated[int, typer.Option("--size", min=1, max=100, help="Items on the page.")] = 10,
    city: Annotated[str | None, typer.Option("--city", help="Where the page will be shown; a trigger of this request.")] = None,
    hour: Annotated[int | None, typer.Option("--hour", min=0, max=23, help="The hour there; kept with what was served.")] = None,
    query: Annotated[str | None, typer.Option("--query", help="What was typed; its words are triggers of this request.")] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Show what was asked for, where each item came from, the parts of its score, and what was left out."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Serve nothing: the next page may hold the same items.")] = False,
    bucket: Annotated[
        list[str] | None, typer.Option("--bucket", metavar="EXPERIMENT:BUCKET", help="Ask for a bucket; may be given several times.")
    ] = None,
    timeout_ms: Annotated[int, typer.Option("--timeout-ms", min=1, max=600_000, help="Time to answer in.")] = TIMEOUT_MS,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Recall a page for a person from a pool. What is on it was served: it does not come again, unless with --dry-run."""
    from smallpool_config.cli.explained import Names, examples_of
    from smallpool_config.cli.page_tables import page_table, verdict
    from smallpool_config.cli.session import catch_up, load, opened
    from smallpool_service.context import Context
    from smallpool_service.request import RecallRequest

    with opened(ctx, data) as system:
        catch_up(system, shown=not as_json)
        load(system, shown=not as_json)
        if query is not None:
            system.load_words()
        request = RecallRequest(
            pool_id=pool,
            identity=Identity(user or None, device or None),
            size=size,
            explain=explain,
            dry_run=dry_run,
            context=Context(city, hour, query),
            deadline_ms=system.clock.now_ms() + timeout_ms,
            buckets=tuple(bucket or ()),
        )
        page = asyncio.run(system.recaller.recall_once(request))
        if as_json:
            print_json(page)
            return
        items = system.items.get(list({line.item_id for line in page.items} | examples_of(page.trace)))
        brands = {brand.key: brand.display for brand in system.knowledge.brands} if explain else {}
        known = system.catalogue.get(pool).pool if pool in system.catalogue else None
    console = screen()
    if explain:
        _explain(console, page, Names(brands, items), known, plain(user or device or "nobody in particular"))
        return
    console.print(page_table(page, items, console.width))
    console.print(verdict(page))


def _explain(console: Console, page: "Page", names: "Names", pool: "Pool | None", who: str) -> None:
    from smallpool_config.cli import explained as tables
    from smallpool_config.cli.page_tables import verdict

    weights = pool.ordering.weights if pool is not None else DEFAULT_WEIGHTS
    console.print(tables.headline(page, pool, who, names))
    if page.items:
        console.print(tables.explained_table(page, names, weights))
    console.print(verdict(page))
    console.print()
    console.print(tables.sources_table(page.trace))
    console.print()
    console.print(tables.funnel_table(page.trace))
    if page.trace.drops:
        console.print()
        console.print(tables.drops_table(page.trace, names))
