"""`smallpool pools preview`: what a rule would do, before or after it is saved.

In: a pool's id or a file. Out: counts, what comes and goes, what each condition keeps out, and what people would get.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import UNSET
from rich.console import Console
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import brief, condition_text, path, plain, print_json, screen, table, yuan
from smallpool_core.normalise import PATH_SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smallpool_config.wiring import System
    from smallpool_core.pools import PoolSettings
    from smallpool_core.rules import Rule, RuleWarning
    from smallpool_service.operators import SampleItem
    from smallpool_service.previews import PeopleEffect, PriceCount, RulePreview, Spread

SHOWN = 5
"""Most frequent values of each kind that a terminal shows; `--json` has all of them."""


def preview(
    ctx: typer.Context,
    pool: Annotated[str, typer.Argument(metavar="POOL_OR_FILE", help="A pool's id, or a YAML file that need not be applied.")],
    sample: Annotated[int, typer.Option("--sample", min=0, max=100, help="How many of the items to show.")] = 10,
    people: Annotated[
        int, typer.Option("--people", min=0, max=50, help="Try it with so many of those that pages were served to last.")
    ] = 10,
    user: Annotated[
        list[str] | None, typer.Option("--user", metavar="ID", help="Try it with this user; may be given several times.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say what a rule holds right now, what each condition keeps out, what people would get, and what is odd about it.

    A file is compared with the pool of its id as it stands, if there is one.
    """
    from smallpool_config.cli.session import catch_up, load, opened
    from smallpool_service.previews import Wanted
    from smallpool_service.previews import preview as make

    with opened(ctx, data) as system:
        catch_up(system, shown=not as_json)
        load(system, shown=not as_json)
        rule, pool_id, settings = _rule(system, pool)
        against = pool_id if pool_id in system.catalogue else None
        wanted = Wanted(rule=rule, against=against, settings=settings, sample=sample, people=people, users=tuple(user or ()))
        found = asyncio.run(make(system.recaller, wanted))
    if as_json:
        print_json(found)
        return
    _show(screen(), found)
    show_warnings(found.warnings, pool)


def show_warnings(warnings: "Sequence[RuleWarning]", pool: str) -> None:
    """What is odd about a rule, on stderr."""
    for warning in warnings:
        where = plain(f"{pool}, {warning.path}")
        screen(stderr=True).print(Text(f"warning: {where}: {plain(warning.message)}", style="yellow"), soft_wrap=True)


def _rule(system: "System", pool: str) -> "tuple[Rule, str, PoolSettings | None]":
    """The rule, the id of the pool that it is for, and other settings than its own, where a file has some."""
    from smallpool_config.cli.pool_files import read_pools
    from smallpool_service.operators import drafted_rule

    system.catalogue.refresh()
    file = Path(pool)
    if not file.is_file():
        return system.catalogue.get(pool).rule, pool, None
    [read] = read_pools(file, system.catalogue)
    rule = drafted_rule(system.catalogue, read.pool_id if read.pool_id in system.catalogue else None, read.draft)
    return rule, read.pool_id, None if read.draft.settings is UNSET else read.draft.settings


def _show(console: Console, found: "RulePreview") -> None:
    inflow = "" if found.inflow_per_hour is None else f", {found.inflow_per_hour:g} an hour come in"
    console.print(f"{found.count:,} of {found.on_sale:,} items on sale{inflow}")
    _show_items(console, found.items)
    if found.breakdown is not None and found.count:
        _show_breakdown(console, found.breakdown)
    for mark, style, side in (("+", "green", found.plus), ("-", "red", found.minus)):
        if side is not None and side.count:
            console.print(Text(f"{mark} {side.count:,} items against the rule as it stands", style=style))
            _show_items(console, side.items)
    if found.excluded_by:
        rows = table("condition", "", "excluded", "by it alone", right=("excluded", "by it alone"))
        for one in found.excluded_by:
            told = brief(condition_text(one.condition))
            rows.add_row(plain(one.path.replace("$", "rule", 1)), told, f"{one.excluded:,}", f"{one.alone:,}")
        console.print(rows)
    if found.people is not None:
        _show_people(console, found.people)
    for part in found.left_out:
        console.print(Text(f"{part.part} left out: {plain(part.reason)}", style="bright_black"), soft_wrap=True)


def _show_items(console: Console, items: "Sequence[SampleItem]") -> None:
    rows = table("item", "title", "category", "price", right=("price",))
    for item in items:
        rows.add_row(plain(item.item_id), brief(item.title), brief(path(PATH_SEPARATOR.join(item.category))), yuan(item.price_cents))
    if items:
        console.print(rows)


def _show_breakdown(console: Console, breakdown: "Spread") -> None:
    """The most frequent values of each kind, a line a kind."""
    kinds = {
        "categories": [(path(PATH_SEPARATOR.join(one.category)), one.count) for one in breakdown.categories[:SHOWN]],
        "sellers": [(plain(one.seller_id), one.count) for one in breakdown.sellers[:SHOWN]],
        "prices": [(_band(one), one.count) for one in breakdown.prices if one.count],
    }
    for kind, counts in kinds.items():
        told = ", ".join(f"{brief(name)} {count:,}" for name, count in counts)
        console.print(Text.assemble((f"{kind}: ", "bright_black"), told), soft_wrap=True)


def _band(band: "PriceCount") -> str:
    if band.from_cents is None:
        return "no price" if band.to_cents is None else f"under {yuan(band.to_cents)}"
    return f"from {yuan(band.from_cents)}"


def _show_people(console: Console, people: "PeopleEffect") -> None:
    rows = table(
        "", "page filled", f"of the site's best {people.top}", f"inside, up to {people.top}", title=f"{people.people} people, means"
    )
    for name, effect in (("as it stands", people.before), ("with this rule", people.after)):
        if effect is not None:
            rows.add_row(name, f"{effect.page_fill:.0%}", f"{effect.site_wide:.1f}", f"{effect.inside:.1f}")
    console.print(rows)
