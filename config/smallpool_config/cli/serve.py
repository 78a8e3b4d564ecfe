"""`smallpool serve`: the API in one process; where that process is alone with its data, the write path too.

In: settings, an address. Out: an HTTP server, until SIGTERM or Ctrl-C.
"""

import asyncio
import logging
import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from smallpool_config.cli.options import Data
from smallpool_config.cli.screen import screen


def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; by default the one of the settings, 127.0.0.1.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help="Port to listen on; 0 takes a free one. By default that of the settings, 8080.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Always 1; scale by replicas.")] = 1,
    data: Data = None,
) -> None:
    """Serve the HTTP API. Over a data directory the same process takes in the events sent to it; on Elasticsearch, Kafka and Redis
    it is one of any number of replicas, and `smallpool index` takes them in.

    The first start leaves an admin key in DIR/admin.key, unless SMALLPOOL_ADMIN_KEY (32 characters or more) gives one.
    """
    from smallpool_config.cli.admin_key import first_admin_key
    from smallpool_config.cli.listening import listening
    from smallpool_config.cli.serving import app_of, run
    from smallpool_config.cli.session import load, opened
    from smallpool_config.patience import insist
    from smallpool_config.runtime import Background

    if workers > 1:
        raise typer.BadParameter(
            f"{workers} workers would each be a writer of their own, and a directory has one; run one process, and scale by replicas",
            param_hint="--workers",
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for library in ("elastic_transport", "kafka", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    with opened(ctx, data, create=True, patient=True) as system, system.own_serving():
        settings = replace(system.settings.http, **{name: value for name, value in (("host", host), ("port", port)) if value is not None})
        directory = Path(system.settings.store.directory)
        key_file = insist(lambda: asyncio.run(first_admin_key(system.keys, directory, os.environ, system.clock.now_ms())))
        insist(lambda: load(system, shown=True))
        system.load_words()
        insist(system.begin_serving)
        with listening(settings.host, settings.port) as (listener, address), Background(system, system.serving_lines()) as background:
            run(app_of(system, background), listener, partial(_greet, address, system.place, key_file))
        screen().print("stopped; everything acknowledged is stored")


def _greet(address: str, place: str, key_file: Path | None) -> None:
    lines = [
        f"smallpool serves {place} on {address}",
        f"  console    {address}/console",
        f"  API docs   {address}/docs",
        f"  contract   {address}/openapi.json",
    ]
    if key_file is not None:
        lines.append(f"  admin key  {key_file}")
    console = screen()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
