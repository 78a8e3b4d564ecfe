"""`smallpool pools diff` and `rollback`: what changed between two revisions of a pool, and the way back.

In: a pool, revisions. Out: the difference, condition by condition; a new revision with an old content.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import condition_text, json_text, plain, print_json, screen

if TYPE_CHECKING:
    from smallpool_core.rules import RuleDifference
    from smallpool_service.history import FieldDifference, PoolDifference

STYLES = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
Pool = Annotated[str, typer.Argument(metavar="POOL", help="The pool's id.")]


def diff(
    ctx: typer.Context,
    pool: Pool,
    older: Annotated[
        int | None, typer.Argument(metavar="[A]", min=0, help="A revision; by default the one before B. 0 is nothing.")
    ] = None,
    newer: Annotated[int | None, typer.Argument(metavar="[B]", min=1, help="A revision; by default the newest.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show how revision B of a pool differs from revision A: values, and of the rule the conditions that came, went or changed."""
    from smallpool_config.cli.session import opened
    from smallpool_service.history import difference

    with opened(ctx, data) as system:
        number = newer if newer is not None else asyncio.run(system.pools.get(pool)).pool.revision
        found = asyncio.run(difference(system.pools, pool, number, older))
    if as_json:
        print_json(found)
    else:
        _show(found)


def rollback(
    ctx: typer.Context,
    pool: Pool,
    to: Annotated[int, typer.Option("--to", metavar="N", min=1, help="The revision whose content comes back.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why; kept with the new revision.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write a new revision with the content of an older one: all that it said, its state and lists too."""
    from smallpool_config.cli.pool_plan import command_line_author, show_saved
    from smallpool_config.cli.session import catch_up, load, opened
    from smallpool_service.history import rollback as go_back
    from smallpool_service.operators import Change

    with opened(ctx, data) as system:
        load(system, shown=not as_json)
        newest = asyncio.run(system.pools.get(pool)).pool.revision
        change = Change(command_line_author(), reason or "", system.clock.now_ms(), newest)
        saved = asyncio.run(go_back(system.read_ports, system.pools, pool, to, change))
        catch_up(system, shown=not as_json)
    if as_json:
        print_json(saved)
    else:
        show_saved(saved)


def _show(found: "PoolDifference") -> None:
    console = screen()
    console.print(Text(f"{plain(found.pool_id)}, revision {found.against} → {found.revision}", style="bold"))
    if not found.fields and not found.rule:
        console.print("nothing differs")
    for one in found.fields:
        console.print(_field_line(one), soft_wrap=True)
    for condition in found.rule:
        for line in _condition_lines(condition):
            console.print(line, soft_wrap=True)


def _field_line(one: "FieldDifference") -> Text:
    mark, style = STYLES["changed"]
    return Text.assemble((f"{mark} ", style), f"{one.field}: ", (json_text(one.before), "red"), " → ", (json_text(one.after), "green"))


def _condition_lines(one: "RuleDifference") -> list[Text]:
    """The condition after its path; of one that changed both forms, one below the other."""
    mark, style = STYLES[one.change]
    place = one.path.replace("$", "rule", 1)
    if one.before is None or one.after is None:
        return [Text.assemble((f"{mark} ", style), f"{place}: ", (condition_text(one.after or one.before), style))]
    head = Text.assemble((f"{mark} ", style), f"{place}: ")
    return [head, Text(f"    - {condition_text(one.before)}", style="red"), Text(f"    + {condition_text(one.after)}", style="green")]
