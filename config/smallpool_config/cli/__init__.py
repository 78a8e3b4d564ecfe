"""The command line: this file only puts the commands together; each group of them has a file of its own.

In: arguments. Out: an exit code: 0, or 1 with a message on stderr that says what to do, or 2 for arguments that make no sense.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from smallpool_config.cli import (
    bench,
    dead_letters,
    demo,
    doctor,
    evaluate,
    experiments,
    export,
    import_history,
    import_wide,
    index,
    keys,
    keywords,
    knowledge,
    models,
    pools,
    publish,
    rebuild,
    recall,
    relations,
    serve,
    stack,
    sync,
    train,
    triggers,
    understand,
    why,
)
from smallpool_config.cli.screen import report
from smallpool_core.errors import SmallpoolError


class Commands(TyperGroup):
    """The commands; an error that smallpool raises on purpose, or the system, is told in one message and ends the command with 1."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except SmallpoolError as error:
            report(error)
            raise typer.Exit(1) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            report(SmallpoolError(f"the system refused what the command had to do: {error}; mend that, then run it again"))
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Commands,
    name="smallpool",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("smallpool"))
        raise typer.Exit


@app.callback()
def smallpool(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", envvar="SMALLPOOL_CONFIG", help="Settings, a TOML file; see docs/settings.md.", show_default=False
        ),
    ] = None,
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Recall inside small pools of one-of-a-kind, short-lived items."""
    ctx.obj = config


TRY, RUN, FEED, ASK, OPERATE, TEACH, MEASURE = "Try it", "Run it", "Feed it", "Ask it", "Operate it", "Teach it", "Measure it"

app.command("demo", rich_help_panel=TRY)(demo.demo)
app.command("understand", rich_help_panel=TRY)(understand.understand)
app.command("serve", rich_help_panel=RUN)(serve.serve)
app.command("index", rich_help_panel=RUN)(index.index)
app.command("rebuild", rich_help_panel=RUN)(rebuild.rebuild)
app.command("sync", rich_help_panel=RUN)(sync.sync)
app.add_typer(stack.app, name="stack", rich_help_panel=RUN)
app.command("doctor", rich_help_panel=RUN)(doctor.doctor)
app.command("publish", rich_help_panel=FEED)(publish.publish)
import_wide.app.command("items")(publish.import_items)
import_wide.app.command("user-history")(import_history.import_user_history)
app.add_typer(import_wide.app, name="import", rich_help_panel=FEED)
app.add_typer(relations.app, name="relations", rich_help_panel=OPERATE)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=FEED)
app.command("recall", rich_help_panel=ASK)(recall.recall)
app.command("why", rich_help_panel=ASK)(why.why)
app.add_typer(triggers.app, name="triggers", rich_help_panel=ASK)
app.add_typer(keywords.app, name="keywords", rich_help_panel=ASK)
app.add_typer(pools.app, name="pools", rich_help_panel=OPERATE)
app.add_typer(keys.app, name="keys", rich_help_panel=OPERATE)
app.add_typer(experiments.app, name="experiments", rich_help_panel=OPERATE)
app.add_typer(export.app, name="export", rich_help_panel=TEACH)
app.add_typer(knowledge.app, name="knowledge", rich_help_panel=TEACH)
app.add_typer(models.app, name="models", rich_help_panel=TEACH)
app.add_typer(train.app, name="train", rich_help_panel=TEACH)
app.add_typer(evaluate.app, name="evaluate", rich_help_panel=MEASURE)
app.add_typer(bench.app, name="bench", rich_help_panel=MEASURE)


def main() -> None:
    """The entry point `smallpool`."""
    app()
