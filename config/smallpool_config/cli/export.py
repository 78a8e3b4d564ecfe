"""`smallpool export`: what was learned from serving, as files for others.

In: a span of time. Out: a Parquet or JSONL file.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from smallpool_config.cli.experiments import Since, Until, WindowH, epoch_ms
from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, progress, screen

app = typer.Typer(no_args_is_help=True, help="Write what was served and what followed, to learn from.")
SUFFIXES = {".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
KEPT_DAYS = 7


@app.callback()
def export() -> None:
    """Write what was served and what followed, to learn from."""


@app.command("training")
def training(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file that ends in .parquet, .jsonl or .ndjson.")],
    since: Since = None,
    until: Until = None,
    window_h: WindowH = 24.0,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write a row for each item of each page: where it stood, its scores, its sources and buckets, and what its person did with it.

    By default the last seven days, which is how long the logs are kept. The columns are told in docs/experiments.md.
    """
    import msgspec

    from smallpool_config.cli.session import opened
    from smallpool_service.experiments.following import DAY_MS, Span
    from smallpool_service.experiments.training import Form, export_training

    if out.suffix not in SUFFIXES:
        raise typer.BadParameter(f"{out.suffix or 'no suffix'!r} is no form; there are {', '.join(SUFFIXES)}", param_hint="--out")
    form = msgspec.convert(SUFFIXES[out.suffix], Form)
    with opened(ctx, data) as system, progress("reading", shown=not as_json) as show_progress:
        now = system.clock.now_ms() + 1
        first, last = epoch_ms(since), epoch_ms(until)
        span = Span(now - KEPT_DAYS * DAY_MS if first is None else first, now if last is None else last, int(window_h * 3_600_000))
        opens = system.experiment_desk.opens_outcomes
        rows = asyncio.run(export_training(system.log, system.clock, opens, span, out, form, show_progress))
    if as_json:
        print_json({"file": str(out), "rows": rows})
        return
    screen().print(Text(f"{rows:,} rows in {plain(str(out))}"), soft_wrap=True)
