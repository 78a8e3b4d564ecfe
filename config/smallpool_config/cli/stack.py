"""`smallpool stack`: Elasticsearch, Kafka and Redis on this machine, for tests and for trying the distributed wiring out.

In: a stack's name. Out: servers that answer and their addresses; 1 where one of them is not up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import plain, print_json, screen, table

if TYPE_CHECKING:
    from smallpool_config.stack.kit import Tell
    from smallpool_config.stack.status import Report

MARKS = {"up": "green", "unwell": "yellow", "silent": "bold red", "paused": "bold red", "down": "bold red"}
MOST_TOPICS = 12
VARIABLES = ("SMALLPOOL_ELASTICSEARCH_URL", "SMALLPOOL_KAFKA_BOOTSTRAP", "SMALLPOOL_REDIS_URL")

Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Which stack; several run side by side.")]

app = typer.Typer(no_args_is_help=True, help="Run Elasticsearch, Kafka and Redis on loopback, without containers.")


@app.command("up")
def up(
    name: Name = "default",
    nodes: Annotated[
        int | None,
        typer.Option("--nodes", metavar="N", help="Nodes of Elasticsearch and of Kafka, 1 or 3; 1 for a new stack.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Where the servers write; in the cache for a new stack.", show_default=False),
    ] = None,
    appendonly: Annotated[
        bool | None,
        typer.Option(
            "--appendonly/--no-appendonly", help="Whether Redis keeps its data over a restart; not for a new stack.", show_default=False
        ),
    ] = None,
) -> None:
    """Start what does not run, and wait until every server answers.

    The first time it fetches some 90 MB of jars by Maven, and as root on a Debian installs Java, Maven and redis-server where they
    are missing. What a stack was made with stays with it: ports, nodes, folder.
    """
    from smallpool_config import stack

    before = stack.running(name)
    try:
        with _telling() as tell:
            addresses = stack.up(name, nodes=nodes, data=data, appendonly=appendonly, tell=tell)
    except stack.ServerSilent as error:
        for line in error.last_lines:
            screen(stderr=True).print(Text(f"  {plain(line)}", style="bright_black"), soft_wrap=True)
        raise
    if before is not None and before.pids == addresses.pids:
        screen(stderr=True).print(f"stack {name} was running already", markup=False)
    console = screen()
    urls = (addresses.elasticsearch_url, addresses.kafka_bootstrap, addresses.redis_url)
    for variable, url in zip(VARIABLES, urls, strict=True):
        console.print(f"export {variable}={url}", markup=False, soft_wrap=True)


@app.command("down")
def down(
    name: Name = "default",
    wipe: Annotated[bool, typer.Option("--wipe", help="Also remove everything that the servers stored, and their logs.")] = False,
) -> None:
    """Stop the servers that `up` started, and no others."""
    from smallpool_config import stack

    with _telling() as tell:
        tell(f"stopping stack {name}")
        stopped = stack.down(name, wipe=wipe)
    ended = f"stopped {', '.join(stopped)}" if stopped else f"nothing of stack {name} was running"
    screen().print(f"{ended}; what it stored is removed" if wipe else ended, markup=False, soft_wrap=True)


@app.command("init")
def init(ctx: typer.Context) -> None:
    """Make the topics and indices that the settings name, where they are missing. What is there stays as it is.

    Run it once before the first `serve` or `index` of a distributed wiring, and again after an upgrade.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.wiring import open_system

    system = open_system(settings_of(ctx, None))
    try:
        system.init()
    finally:
        system.close()
    screen().print(f"ready: {plain(system.place)}", markup=False, soft_wrap=True)


@app.command("status")
def status(name: Name = "default", as_json: AsJson = False) -> None:
    """Ask every server how it is; 1 where one is not up."""
    from smallpool_config.stack.status import report_on

    report = report_on(name)
    if as_json:
        print_json(report)
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(1)


def _show(report: "Report") -> None:
    console = screen()
    rows = table("server", "is", "version", "at", "pid", "says")
    for one in report.servers:
        condition = Text(one.condition, MARKS[one.condition])
        rows.add_row(f"{one.server} {one.node}", condition, one.version, one.url, str(one.pid or "–"), plain(one.says))
    console.print(rows)
    topics = sorted({topic for one in report.servers for topic in one.topics})
    more = f" and {len(topics) - MOST_TOPICS} more" if len(topics) > MOST_TOPICS else ""
    console.print(f"topics: {', '.join(map(plain, topics[:MOST_TOPICS])) or 'none'}{more}", markup=False, soft_wrap=True)
    console.print(f"logs: {plain(report.data)}/*/server.log", markup=False, soft_wrap=True)


@contextmanager
def _telling() -> Iterator["Tell"]:
    """Shows what is being done: on a terminal one line that changes, else a line each on stderr."""
    console = screen(stderr=True)
    if not console.is_terminal:
        yield lambda line: console.print(plain(line), markup=False, soft_wrap=True)
        return
    with console.status("looking at what runs") as shown:
        yield lambda line: shown.update(Text(plain(line)))
