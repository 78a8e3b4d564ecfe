"""`smallpool train category` and `smallpool train tags`: a net that names categories, and machines that name tags, trained
on a file and written as model folders.

In: a file of titles with their labels, a seed. Out: a folder with the model, its manifest and its card; how training goes on stderr,
what it reached on stdout.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import plain, print_json, screen, table
from smallpool_config.cli.training import with_progress

if TYPE_CHECKING:
    from smallpool_config.labelling import LabelOrder

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model's folder is written.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Makes the same training every time.")]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Most passes over the titles; by default what suits the data.")]


def category(
    ctx: typer.Context,
    out: Out,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", exists=True, dir_okay=False, help="Lines of category TAB title.")
    ] = None,
    generated: Annotated[
        int, typer.Option("--generated", min=0, help="Train a small model on so many generated titles instead of a file.")
    ] = 0,
    seed: Seed = 1,
    epochs: Epochs = None,
    as_json: AsJson = False,
) -> None:
    """Train the model that names a title's category and says how sure it is.

    A tenth of the titles, by a hash of the text, is kept out: it decides when to stop, the temperature of the confidence, and below which
    confidence a title fits no category. Needs the extra `train`.
    """
    from smallpool_config.labelling import LabelOrder

    if (data is None) == (generated == 0):
        raise typer.BadParameter("name either a file with --data, or --generated with a number")
    _train(ctx, LabelOrder("category", data, generated, out, seed, epochs), as_json)


def tags(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Option("--data", metavar="FILE", exists=True, dir_okay=False, help="Lines of id TAB title TAB tag#;#tag...")
    ],
    out: Out,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Train the model that names a title's tags, each with a threshold of its own.

    One linear machine a tag, solved at once. What each would have said of a title that it had not seen decides the thresholds. Of more
    than 10,000 titles so many are learnt from, by a hash of the text and the seed. Needs the extra `train`.
    """
    from smallpool_config.labelling import LabelOrder

    _train(ctx, LabelOrder("tags", data, 0, out, seed, None), as_json)


def _train(ctx: typer.Context, order: "LabelOrder", as_json: bool) -> None:
    from smallpool_config.cli.session import settings_of
    from smallpool_config.labelling import train_labeller

    card = with_progress(lambda report: train_labeller(settings_of(ctx, None), order, report), shown=not as_json)
    if as_json:
        print_json(card)
        return
    rows = table("data", "titles", "labels", "dropped", *card.dev, right=("titles", "labels", "dropped", *card.dev))
    counts = (str(card.counts["titles"]), str(card.counts["labels"]), str(sum(card.dropped.values())))
    rows.add_row(plain(card.data), *counts, *(f"{value:.4f}" for value in card.dev.values()))
    console = screen()
    console.print(rows)
    console.print(f"{card.seconds:.0f} s; the model and its card are in {order.out}")
