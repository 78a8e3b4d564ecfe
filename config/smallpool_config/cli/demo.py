"""`smallpool demo`: a marketplace on one screen, generated listings and buyers included.

In: how many listings, a seed. Out: what smallpool does, step by step, in the terminal; then the API over the same data.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer


def demo(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End after printing instead of serving.")] = False,
    items: Annotated[int, typer.Option("--items", min=100, max=200_000, help="Listings to generate.")] = 3_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Makes the same marketplace every time.")] = 1,
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at",
            formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
            metavar="TIME",
            help="Let it be this time (UTC) all along, so that the same seed gives the same pages.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Keep the marketplace in this directory, which must be empty; else it goes when the demo ends."
        ),
    ] = None,
) -> None:
    """Publish generated listings as if sellers did, play buyers, show real pages; then serve the API over them."""
    from smallpool_config.cli.session import settings_of
    from smallpool_config.demo.run import Plan, run_demo

    at_ms = None if at is None else int(at.replace(tzinfo=UTC).timestamp() * 1000)
    run_demo(settings_of(ctx, None), Plan(items=items, seed=seed, once=once, at_ms=at_ms, host=host, port=port, data=data))
