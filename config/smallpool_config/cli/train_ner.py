"""`smallpool train ner`: a net that finds selling points, trained on files, written as a model folder.

In: labelled files, words, a seed. Out: a folder with the model, its manifest and its card; how training goes on stderr, what it
reached on stdout.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import print_json, screen, table
from smallpool_config.cli.training import with_progress

_DATA = "Labelled titles, JSON Lines of text and spans; repeat it to train one model on several sets, each with types of its own."
_GAZETTEER = "Words, one a line; its class is the file's name without digits at the end. Repeatable."
_UNLABELLED = "Titles that nobody labelled, one a line, of which the net learns beforehand how titles run. Repeatable."


def ner(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model's folder is written.")],
    data: Annotated[list[Path] | None, typer.Option("--data", metavar="FILE", exists=True, dir_okay=False, help=_DATA)] = None,
    gazetteer: Annotated[
        list[Path] | None, typer.Option("--gazetteer", metavar="FILE", exists=True, dir_okay=False, help=_GAZETTEER)
    ] = None,
    unlabelled: Annotated[
        list[Path] | None, typer.Option("--unlabelled", metavar="FILE", exists=True, dir_okay=False, help=_UNLABELLED)
    ] = None,
    generated: Annotated[
        int,
        typer.Option(
            "--generated",
            min=0,
            help="Train one head on so many generated titles (a quarter as sellers write, the rest as shops do) and on the sets.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Makes the same training every time.")] = 1,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Most passes over the titles; by default what suits the data.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train the tagger that finds selling points in titles.

    A tenth of each file, by a hash of the text, is kept out and decides when to stop. Rows with U+FFFD, a dumped tag or spans that do
    not fit are left out and counted. Needs the extra `train`.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.learning import NerOrder, train_tagger

    if not data and not generated:
        raise typer.BadParameter("name at least one file with --data, or --generated with a number")
    order = NerOrder(tuple(data or ()), tuple(gazetteer or ()), tuple(unlabelled or ()), out, generated, seed, epochs)
    card = with_progress(lambda report: train_tagger(settings_of(ctx, None), order, report), shown=not as_json)
    if as_json:
        print_json(card)
    else:
        _tell(out, card)


def _tell(out: Path, card: Any) -> None:
    rows = table("set", "titles", "dropped", "dev F1", right=("titles", "dropped", "dev F1"))
    for name, one in card.sets.items():
        rows.add_row(name, str(one["titles"]), str(sum(one["dropped"].values())), f"{100 * card.dev[name]['f1']:.1f}")
    console = screen()
    console.print(rows)
    console.print(f"{card.kept}, {card.seconds:.0f} s; the model and its card are in {out}")
