"""`smallpool evaluate ner`: how good a trained tagger is on a file that it has not seen.

In: a labelled file and a model's folder. Out: precision, recall and F1 of exact spans, over all and by type.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import plain, print_json, screen, table


def ner(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option("--data", metavar="FILE", exists=True, dir_okay=False, help="Labelled titles, as for training.")],
    model: Annotated[Path, typer.Option("--model", metavar="DIR", help="A model's folder.")],
    as_json: AsJson = False,
) -> None:
    """Measure the tagger on labelled titles: exact spans, micro over all and by type, with a bootstrap interval of the F1.

    Of a model that was trained on several sets the head is taken whose types are most like the file's: most shared, of all that either has.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.learning import evaluate_tagger

    figures = evaluate_tagger(settings_of(ctx, None), data, model)
    if as_json:
        print_json(figures)
    else:
        _tell(figures)


def _tell(figures: dict[str, Any]) -> None:
    rows = table("type", "spans", "precision", "recall", "F1", right=("spans", "precision", "recall", "F1"))
    for name, one in (("all", figures), *figures["by_type"].items()):
        rows.add_row(plain(name), str(one["spans"]), *(f"{100 * one[part]:.1f}" for part in ("precision", "recall", "f1")))
    console = screen()
    console.print(rows)
    low, high = figures["f1_interval"]
    console.print(f"head {figures['head']}, {figures['titles']} titles; 95 % of F1: {100 * low:.1f} to {100 * high:.1f}")
