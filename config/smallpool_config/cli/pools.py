"""`smallpool pools`: pools looked at, kept as files, tried out before they are saved, and brought up to date.

In: pool ids, YAML files. Out: tables, a plan and what came of it.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.pool_health import health
from smallpool_config.cli.pool_history import diff, rollback
from smallpool_config.cli.pool_lists import ban, include, pin
from smallpool_config.cli.pool_preview import preview
from smallpool_config.cli.pool_replay import replay
from smallpool_config.cli.screen import plain, print_json, screen, table, when

if TYPE_CHECKING:
    from smallpool_config.cli.pool_plan import Planned

app = typer.Typer(no_args_is_help=True, help="Look at pools, change them, try out rules.")
MARKS = {"create": ("+", "green"), "change": ("~", "yellow"), "unchanged": ("=", "bright_black")}


@app.command("list")
def list_pools(ctx: typer.Context, data: Data = None, as_json: AsJson = False) -> None:
    """List all pools by priority, with how many items are in them and on sale, and whether they are open."""
    from smallpool_config.cli.session import load, opened
    from smallpool_core.schedule import is_open

    with opened(ctx, data) as system:
        load(system, shown=not as_json)
        system.catalogue.refresh()
        now = system.clock.now_ms()
        lines = [
            {
                "pool_id": known.pool.pool_id,
                "name": known.pool.name,
                "state": known.pool.state,
                "revision": known.pool.revision,
                "priority": known.pool.priority,
                "open": is_open(known.pool.schedule, now),
                "tagged": known.is_trusted,
                "size": system.cuts.size(known, now) if known.is_trusted else None,
            }
            for known in system.catalogue.by_priority()
        ]
    if as_json:
        print_json(lines)
        return
    rows = table("pool", "name", "state", "revision", "priority", "tagged", "items", right=("revision", "priority", "items"))
    for line in lines:
        tagged = "yes" if line["tagged"] else "under way"
        size = "–" if line["size"] is None else f"{line['size']:,}"
        state = str(line["state"]) if line["open"] else f"{line['state']}, closed"
        named = plain(str(line["pool_id"])), plain(str(line["name"]))
        rows.add_row(*named, state, str(line["revision"]), str(line["priority"]), tagged, size)
    screen().print(rows)


@app.command("show")
def show(ctx: typer.Context, pool: Annotated[str, typer.Argument(metavar="POOL")], data: Data = None, as_json: AsJson = False) -> None:
    """Show one pool: its rule, its settings, and every revision with who made it and why."""
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        revisions = asyncio.run(system.pools.revisions(pool))
    stored = revisions[0].pool
    if as_json:
        print_json(
            {
                "pool": stored,
                "revisions": [
                    {"revision": one.pool.revision, "author": one.author, "reason": one.reason, "at": one.at} for one in revisions
                ],
            }
        )
        return
    console = screen()
    console.print(Text.assemble((plain(stored.name), "bold"), f"  {plain(stored.pool_id)}, {stored.state}, revision {stored.revision}"))
    console.print(Text(rule_text(stored.rule)), soft_wrap=True)
    for name in ("settings", "ordering", "selection", "schedule", "priority"):
        console.print(Text(f"{name}: {msgspec.json.encode(getattr(stored, name)).decode()}"), soft_wrap=True)
    rows = table("revision", "made", "by", "because", right=("revision",))
    for one in revisions:
        rows.add_row(str(one.pool.revision), when(one.at), plain(one.author), plain(one.reason))
    console.print(rows)


@app.command("apply")
def apply(
    ctx: typer.Context,
    place: Annotated[Path, typer.Argument(metavar="FILE_OR_DIR", help="A YAML file, or a folder of them.", exists=True)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; kept with each revision.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Bring pools in line with files: makes new ones, changes those that differ. A second time nothing is left to do.

    Every file is checked before the first change. What a file leaves out stays as it is; a pool without a file is left alone.
    """
    from smallpool_config.cli.pool_plan import carry_out, plan, show_saved
    from smallpool_config.cli.session import catch_up, load, opened

    with opened(ctx, data, create=True) as system:
        planned = plan(system, place)
        if not as_json:
            _show_plan(planned)
        if not dry_run:
            load(system, shown=not as_json)
            saved = carry_out(system, planned, reason)
            catch_up(system, shown=not as_json)
            load(system, shown=not as_json)
    if as_json:
        print_json([{"pool_id": one.file.pool_id, "action": one.action, "changes": list(one.changes)} for one in planned])
        return
    todo = sum(one.action != "unchanged" for one in planned)
    console = screen()
    if dry_run or not todo:
        console.print(f"{todo} of {len(planned)} pools would change" if dry_run else f"all {len(planned)} pools are as their files say")
        return
    for one in saved:
        show_saved(one)


@app.command("export")
def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the files go; it is made.", file_okay=False)] = Path("pools"),
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write every pool to a YAML file, which `pools apply` reads back unchanged. A file that holds the pool already is written over."""
    from smallpool_config.cli.pool_files import write_pools
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        system.catalogue.refresh()
        written = write_pools([known.pool for known in system.catalogue.all()], folder)
    if as_json:
        print_json([{"pool_id": pool_id, "file": str(file), "written": is_new} for pool_id, file, is_new in written])
        return
    new = sum(is_new for _, _, is_new in written)
    screen().print(Text(f"{new} of {len(written)} files in {folder} written, the others hold their pools already"), soft_wrap=True)


app.command("health")(health)
app.command("preview")(preview)
app.command("replay")(replay)
app.command("pin")(pin)
app.command("include")(include)
app.command("ban")(ban)
app.command("diff")(diff)
app.command("rollback")(rollback)


@app.command("backfill")
def backfill(ctx: typer.Context, data: Data = None, as_json: AsJson = False) -> None:
    """Bring the tags of stored items in line with every new or changed pool; a running server does this by itself."""
    from smallpool_config.cli.session import catch_up, opened

    with opened(ctx, data) as system:
        system.catalogue.refresh()
        waiting = [known.pool.pool_id for known in system.catalogue.untagged()]
        catch_up(system, shown=not as_json)
    if as_json:
        print_json(waiting)
        return
    screen().print(Text(f"{len(waiting)} pools brought up to date" if waiting else "every pool is up to date"))


def _show_plan(planned: "list[Planned]") -> None:
    console = screen()
    for one in planned:
        mark, style = MARKS[one.action]
        console.print(Text.assemble((f"{mark} {one.action:<9} ", style), plain(one.file.pool_id)))
        for name, (stored, wanted) in one.changes.items():
            if one.action == "change":
                console.print(Text(f"    {name}: {_json(stored)} → {_json(wanted)}", style="bright_black"), soft_wrap=True)


def rule_text(rule: dict[str, Any]) -> str:
    """The rule as a pool's file would hold it."""
    import yaml

    written: str = yaml.safe_dump(rule, allow_unicode=True, default_flow_style=None, sort_keys=False, width=120)
    return "\n".join(f"  {line}" for line in written.splitlines())


def _json(value: Any) -> str:
    return plain(msgspec.json.encode(value).decode())
