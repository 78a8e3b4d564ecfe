"""`smallpool pools replay`: a day of a pool served again, dry, by a draft of it.

In: a pool, a file that need not be applied, a day. Out: what would differ, in all and page by page; nothing is written.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import brief, plain, print_json, progress, screen, table, when

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smallpool_config.wiring import System
    from smallpool_core.pools import PoolDraft
    from smallpool_service.replay import Replay, Shift

SHOWN = 8
"""Lines of each kind that a terminal shows; `--json` has all of them."""


def replay(
    ctx: typer.Context,
    pool: Annotated[str, typer.Argument(metavar="POOL", help="A pool's id.")],
    draft: Annotated[Path, typer.Option("--draft", metavar="FILE", help="The pool as it might be: a YAML file as `apply` takes it.")],
    day: Annotated[str, typer.Option("--day", metavar="DAY", help="A day in the time zone of the pool's schedule, such as 2026-11-27.")],
    sample: Annotated[int, typer.Option("--sample", min=1, max=200, help="How many requests to replay at most.")] = 200,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a day's requests again, dry, today: by the rule that holds and by a draft, and say what differs.

    What people did and saw since, and what has sold, is as it is today for both; the pages of then are shown beside them.
    """
    from smallpool_config.cli.session import catch_up, load, opened
    from smallpool_service.replay import Wanted
    from smallpool_service.replay import replay as make

    with opened(ctx, data) as system:
        catch_up(system, shown=not as_json)
        load(system, shown=not as_json)
        wanted = Wanted(pool_id=pool, draft=_draft(system, pool, draft), day=day, sample=sample)
        with progress("pages", shown=not as_json) as show:
            found = asyncio.run(make(system.recaller, wanted, show))
    if as_json:
        print_json(found)
        return
    _show(screen(), found)


def _draft(system: "System", pool: str, file: Path) -> "PoolDraft":
    """What the file says; raises `Refused` for every mistake in it, and where it is another pool's."""
    from smallpool_config.cli.pool_files import read_pools
    from smallpool_core.errors import Problem, Refused

    system.catalogue.refresh()
    system.catalogue.get(pool)
    [read] = read_pools(file, system.catalogue)
    if read.pool_id != pool:
        raise Refused([Problem(f"{file}: pool_id", repr(read.pool_id), f"a draft of {pool!r} is needed here")])
    return read.draft


def _show(console: Console, found: "Replay") -> None:
    console.print(f"{found.replayed:,} of {found.served:,} requests of {found.day} made again, pages of {found.size}")
    totals = found.totals
    if totals is None:
        return
    console.print(f"{totals.changed:.0%} of the pages change; today's two pages share {totals.overlap:.0%} of their items")
    console.print(
        f"pages filled: {totals.now_fill:.0%} by the rule that holds, {totals.draft_fill:.0%} by the draft; then {totals.then_fill:.0%}"
    )
    console.print(Text(f"{totals.sold:.0%} of what was served then is not on sale today, so then and today differ by that", "bright_black"))
    for title, shifts in (("source", found.sources), ("category", found.categories), ("more", found.more), ("less", found.less)):
        _show_shifts(console, title, shifts)
    rows = table("request", "at", "overlap", "comes in", "falls out", right=("overlap",))
    for page in sorted(found.pages, key=lambda one: one.overlap)[:SHOWN]:
        came, went = (brief(", ".join(ids)) for ids in (page.comes_in, page.falls_out))
        rows.add_row(plain(page.request_id), when(page.at), f"{page.overlap:.0%}", came, went)
    console.print(rows)


def _show_shifts(console: Console, title: str, shifts: "Sequence[Shift]") -> None:
    rows = table(title, "now", "draft", right=("now", "draft"))
    for one in shifts[:SHOWN]:
        rows.add_row(brief(one.key), f"{one.now:,}", f"{one.draft:,}")
    if shifts:
        console.print(rows)
