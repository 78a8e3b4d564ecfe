"""`smallpool pools health`: how pools do, all of them in a table or one of them with its sources.

In: a pool's id, or none. Out: size, inflow, how full pages were, effective recall by source, alerts.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import bar, plain, print_json, screen, table

if TYPE_CHECKING:
    from smallpool_config.wiring import System
    from smallpool_service.alerts.health import PoolHealth


def health(
    ctx: typer.Context,
    pool: Annotated[str | None, typer.Argument(metavar="[POOL]", help="One pool, with its sources; without it all live ones.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show how pools do: items on sale, and of the last hour inflow, page fill, effective recall by source; and the alerts that stand."""
    from smallpool_config.cli.session import load, opened

    with opened(ctx, data) as system:
        load(system, shown=not as_json)
        found = read_all(system, pool)
    if as_json:
        print_json(found if pool is None else found[0])
        return
    (_print_all if pool is None else _print_one)(screen(), found)


def read_all(system: "System", pool: str | None) -> "list[PoolHealth]":
    """The pool, or all that are live; raises `NotFound`."""
    from smallpool_core.pools import BANNED, HOME
    from smallpool_service.alerts.health import read_health, source_names

    now, catalogue = system.clock.now_ms(), system.catalogue
    live = [known for known in catalogue.by_priority() if known.pool.state == "live" and known.pool.pool_id != BANNED]
    asked = live if pool is None else [catalogue.get(pool)]
    sizes = {
        known.pool.pool_id: system.cuts.size(known, now) if known.is_trusted and known.pool.pool_id != HOME else None for known in asked
    }
    return read_health(system.pool_figures, asked, sizes, source_names(system.recaller), now)


def _print_all(console: Console, pools: "Sequence[PoolHealth]") -> None:
    right = ("on sale", "inflow/h", "pages/h", "page fill", "recalled")
    rows = table("pool", *right, "by source", "alerts", right=right)
    for one in pools:
        by_source = ", ".join(f"{source.source} {source.in_pool:.0f}" for source in one.sources)
        alerts = Text(", ".join(kind.replace("_", " ") for kind in one.alerts) or "–", style="red" if one.alerts else "bright_black")
        rows.add_row(plain(one.pool_id), *_figures(one), Text(by_source or "–", style="bright_black"), alerts)
    console.print(rows)


def _print_one(console: Console, pools: "Sequence[PoolHealth]") -> None:
    [one] = pools
    console.print(Text.assemble((plain(one.name), "bold"), (f"  {plain(one.pool_id)}, {one.state}", "bright_black")))
    size, listed, pages, fill, recalled = _figures(one)
    console.print(f"{size} items on sale, {listed} came in during the last hour", markup=False)
    console.print(f"{pages} pages in the last hour, filled to {fill}; {recalled} candidates in the pool for one of them", markup=False)
    alerts = ", ".join(kind.replace("_", " ") for kind in one.alerts)
    console.print(Text(f"alerts: {alerts}" if alerts else "no alerts", style="red" if alerts else "green"))
    if not one.sources:
        return
    steps = ("asked", "returned", "in pool", "after filters", "on the page")
    rows = table("source", *steps, "", right=steps, title="for one page")
    most = max(source.page for source in one.sources)
    for source in one.sources:
        amounts = (source.asked, source.returned, source.in_pool, source.filtered, source.page)
        rows.add_row(source.source, *(f"{amount:,.1f}" for amount in amounts), bar(source.page / most if most else 0))
    console.print()
    console.print(rows)


def _figures(one: "PoolHealth") -> tuple[str, str, str, str, str]:
    size = "–" if one.size is None else f"{one.size:,}"
    fill = "–" if one.page_fill is None else f"{one.page_fill:.0%}"
    recalled = "–" if one.recalled is None else f"{one.recalled:,.1f}"
    return size, f"{one.listed:,}", f"{one.pages:,}", fill, recalled
