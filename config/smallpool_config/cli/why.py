"""`smallpool why`: why a person is, or is not, shown one item of one pool.

In: an item, a pool, a person. Out: the first thing that stands in the way, or the place on their next page.
"""

import asyncio
from typing import Annotated

import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data, Device, User, person
from smallpool_config.cli.screen import plain, print_json, screen

SAID_BY_LINES = frozenset({"not_in_pool"})
"""Reasons whose lines say all that the sentence says."""


def why(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item's id.")],
    pool: Annotated[str, typer.Option("--pool", metavar="POOL", help="The pool's id; `home` is the whole marketplace.")],
    user: User = None,
    device: Device = None,
    size: Annotated[int, typer.Option("--size", min=1, max=100, help="Items on the page.")] = 10,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say why an item would, or would not, be on a person's next page. Nothing is served and nothing remembered."""
    from smallpool_config.cli.session import catch_up, load, opened
    from smallpool_service.why import why as ask

    identity = person(user, device)
    with opened(ctx, data) as system:
        catch_up(system, shown=not as_json)
        load(system, shown=not as_json)
        answer = asyncio.run(ask(system.recaller, item, pool, identity, size))
        stored = system.items.get([item]).get(item)
    if as_json:
        print_json(answer)
        return
    verdict = ("would be served", "bold green") if answer.served else ("would not be served", "bold yellow")
    console = screen()
    if stored is not None and stored.given is not None:
        console.print(Text(plain(stored.given.title), style="bold"))
    console.print(Text.assemble(plain(item), " ", verdict, f" in {plain(pool)}"))
    console.print(Text(f"  {answer.stage}: {answer.reason}"))
    if not answer.more or answer.reason not in SAID_BY_LINES:
        console.print(Text(f"  {plain(answer.detail)}"), soft_wrap=True)
    for line in answer.more:
        console.print(Text(f"  · {plain(line)}", style="bright_black"), soft_wrap=True)
