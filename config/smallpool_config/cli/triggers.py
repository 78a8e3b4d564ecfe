"""`smallpool triggers`: what a person's behaviour adds up to, as recall would use it now.

In: an identity. Out: weighted terms, heaviest first.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data, Device, person
from smallpool_config.cli.screen import bar, plain, print_json, screen, span, table
from smallpool_core.terms import Trigger, key_of, kind_of

NO_NAMES: Mapping[str, str] = MappingProxyType({})
app = typer.Typer(no_args_is_help=True, help="Look at what people's behaviour adds up to.")


@app.callback()
def _group() -> None:
    """Look at what people's behaviour adds up to."""


@app.command("show")
def show(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="The person, by user id.")] = None,
    device: Device = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show a person's triggers as of now, and what they touched last."""
    from smallpool_config.cli.session import catch_up, opened
    from smallpool_service.people import view_person

    identity = person(user, device)
    with opened(ctx, data) as system:
        catch_up(system, shown=not as_json)
        seen = asyncio.run(view_person(system.read_ports, identity, system.settings.behaviour, system.settings.read.profile_tag_share))
        now = system.clock.now_ms()
    if as_json:
        print_json(seen)
        return
    console = screen()
    if not seen.triggers:
        console.print("nothing is known of this person; a page for them starts from what the pool's visitors like")
        return
    rows = table("trigger", "", "weight", "", right=("weight",))
    for trigger in seen.triggers:
        rows.add_row(*trigger_row(trigger, seen.triggers[0].weight))
    console.print(rows)
    for touched in reversed(seen.recent[-5:]):
        console.print(f"  {touched.type} {plain(touched.item_id)}, {span(max(0, now - touched.at))} ago", markup=False)


def trigger_row(trigger: Trigger, heaviest: float, names: Mapping[str, str] = NO_NAMES) -> tuple[str, str, str, Text]:
    """Kind, key (by its name where `names` has one), weight and a bar against the heaviest."""
    key = key_of(trigger.term)
    return kind_of(trigger.term), plain(names.get(key, key)), f"{trigger.weight:.4f}", bar(trigger.weight / heaviest)
