"""`smallpool models retrain`: the vectors learnt anew from what people did lately, in one command for each night.

In: a running marketplace, or files of events and items. Out: the model in its folder, or the one before and exit 1.
"""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, screen
from smallpool_config.cli.train_vectors import Epochs, Events, Items, Minutes, Seed, as_typed
from smallpool_config.cli.training import with_progress

if TYPE_CHECKING:
    from smallpool_config.retraining import Retrained, Told

DAY_MS = 86_400_000
SHIPPED = "name a folder of your own, which [models] vectors then names: a new version of smallpool replaces what comes with it"


def retrain(
    ctx: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The model's folder; by default the one that the settings name.", show_default=False),
    ] = None,
    events: Events = None,
    items: Items = None,
    days: Annotated[float, typer.Option("--days", min=0.01, max=7, help="Without files: so many days of the log, at most seven.")] = 7.0,
    seed: Seed = 1,
    epochs: Epochs = None,
    minutes: Minutes = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Train the vectors of items and interests anew, and put them in force unless they are worse.

    The last item that each person touched is never learnt from; by it the new model and the one in force are judged, on the same
    questions. A worse one is not promoted: the command prints both figures and exits with 1. Who serves from the folder takes a new
    model up within seconds, embeds what is listed anew beside the old vectors, and changes over once all are there. Needs the extra
    `train`.
    """
    from smallpool_config.cli.session import opened, settings_of

    if (events is None) != (items is None):
        raise typer.BadParameter("--events and --items go together")
    settings = settings_of(ctx, data)
    folder = out or (None if settings.models.vectors in ("", "shipped") else settings.models.vectors_path)
    if folder is None:
        raise typer.BadParameter(SHIPPED, param_hint="--out")
    with ExitStack() as held:
        read: tuple[Path, Path] | None = None if events is None or items is None else (events, items)
        if read is None:
            system = held.enter_context(opened(ctx, data))
            scratch = Path(held.enter_context(TemporaryDirectory(prefix="smallpool-behaviour-")))

        def train(told: "Told") -> "Retrained":
            from smallpool_config.own_log import write_behaviour
            from smallpool_config.retraining import RetrainOrder
            from smallpool_config.retraining import retrain as retrained

            now = 0 if read is not None else system.clock.now_ms() + 1
            files = read or write_behaviour(system, scratch, now - int(days * DAY_MS), now, told)
            return retrained(settings, RetrainOrder(*files, folder, seed, minutes, epochs, as_typed()), told)

        outcome = with_progress(train, shown=not as_json)
    if as_json:
        print_json(outcome)
    else:
        _show(outcome)
    raise typer.Exit(0 if outcome.promoted else 1)


def _show(outcome: "Retrained") -> None:
    console = screen()
    current = "no model was in force" if outcome.current is None else f"{outcome.current:.4f} of {plain(str(outcome.replaces))}"
    figures = f"{outcome.figure} {outcome.new:.4f} of {plain(outcome.model)}, {current}, over {outcome.questions:,} people"
    if outcome.promoted:
        console.print(f"promoted to {plain(outcome.folder)}: {figures}", markup=False)
    else:
        console.print(f"not promoted, the new model is worse: {figures}; {plain(outcome.folder)} is as it was", markup=False)
