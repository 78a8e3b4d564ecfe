"""`smallpool keywords`: what people may look for next who typed something.

In: words. Out: keywords of this marketplace, as a table or as the JSON that the API gives.
"""

import asyncio
from typing import Annotated

import typer

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, screen, table

app = typer.Typer(no_args_is_help=True, help="Keywords of the marketplace by what they mean.")


@app.command()
def related(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(metavar="Q", help="What somebody typed.")],
    size: Annotated[int, typer.Option("--size", min=1, max=100, help="Keywords at most.")] = 10,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show the keywords that mean something near a query: names of the knowledge base, and what listings on sale are known by."""
    from smallpool_config.cli.session import catch_up, load, opened
    from smallpool_service.keywords import related_keywords

    with opened(ctx, data) as system:
        catch_up(system, shown=not as_json)
        load(system, shown=not as_json)
        found = asyncio.run(related_keywords(system.recaller, system.keywords, query, size))
    if as_json:
        print_json(found)
        return
    rows = table("keyword", "score", right=("score",))
    for one in found.keywords:
        rows.add_row(plain(one.keyword), f"{one.score:.3f}")
    console = screen()
    console.print(rows)
    console.print(f"model {found.model}" if found.model else "no model of intent is set (models.intent)")
