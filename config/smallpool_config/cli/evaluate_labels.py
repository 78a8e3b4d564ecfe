"""`smallpool evaluate category` and `smallpool evaluate tags`: how good a trained model is on a file that it has not seen.

In: a file of titles with their labels, and a model's folder. Out: the figures, with a bootstrap interval.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import print_json, screen, table

Data = Annotated[Path, typer.Option("--data", metavar="FILE", exists=True, dir_okay=False, help="Titles with labels, as for training.")]
Model = Annotated[Path, typer.Option("--model", metavar="DIR", help="A model's folder.")]


def category(ctx: typer.Context, data: Data, model: Model, as_json: AsJson = False) -> None:
    """Measure the categories of titles: accuracy with a bootstrap interval, macro F1, calibration error in 15 bins.

    Every title gets its likeliest category, those included that are so unsure that the threshold calls them other: how many they are, and
    how good the rest is, is told beside it.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.labelling import evaluate_category

    figures = evaluate_category(settings_of(ctx, None), data, model)
    if as_json:
        print_json(figures)
        return
    _tell(figures, ("accuracy", "macro_f1", "ece"), figures["accuracy_interval"])
    other = figures["other"]
    share, rest = 100 * other["share"], other["accuracy_of_the_rest"]
    screen().print(f"other, below a confidence of {other['below']}: {share:.1f} %; accuracy of the rest {rest:.4f}")


def tags(ctx: typer.Context, data: Data, model: Model, as_json: AsJson = False) -> None:
    """Measure the tags of titles: micro precision, recall and F1 with a bootstrap interval, and the mean F1 over tags."""
    from smallpool_config.cli.session import settings_of
    from smallpool_config.labelling import evaluate_tags

    figures = evaluate_tags(settings_of(ctx, None), data, model)
    if as_json:
        print_json(figures)
        return
    _tell(figures, ("precision", "recall", "f1", "macro_f1"), figures["f1_interval"])
    if figures["unknown_tags"]:
        screen().print(f"{figures['unknown_tags']} tags of the file are none of the model's")


def _tell(figures: dict[str, Any], names: tuple[str, ...], interval: tuple[float, float]) -> None:
    rows = table("titles", *names, "95 %", right=("titles", *names, "95 %"))
    rows.add_row(str(figures["titles"]), *(f"{figures[name]:.4f}" for name in names), f"{interval[0]:.4f} to {interval[1]:.4f}")
    screen().print(rows)
