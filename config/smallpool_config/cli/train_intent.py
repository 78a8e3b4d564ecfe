"""`smallpool train intent`: what words mean, learnt from titles with tags or from a marketplace's listings and searches.

In: files. Out: a folder with the model, its manifest and its card; how training goes on stderr, what it learnt from on stdout.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import plain, print_json, screen, table
from smallpool_config.cli.training import with_progress

_READ: dict[str, Any] = {"exists": True, "dir_okay": False}


def intent(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model's folder is written.")],
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE", help="Lines of id TAB title TAB tag#;#tag...", **_READ)] = None,
    titles: Annotated[
        list[Path] | None,
        typer.Option("--titles", metavar="FILE", help="Titles of any domain, one a line, learnt from first; may be repeated.", **_READ),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(
            "--items",
            metavar="DIR",
            help="Model of items in whose space words are to lie; without it they have their own.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    listings: Annotated[
        Path | None, typer.Option("--listings", metavar="FILE", help="Instead of --data: item events, or wide items, one a line.", **_READ)
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="FILE", help="With --listings: user events, searches among them, one a line.", **_READ),
    ] = None,
    generated: Annotated[int, typer.Option("--generated", min=0, help="Instead of files: so many generated listings.")] = 0,
    held_back: Annotated[
        float, typer.Option("--held-back", min=0, max=0.9, help="Share of the tags of --data that are not learnt, to judge by.")
    ] = 0.2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Makes the same training every time.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Train the model of what people mean by their words: the text of a query becomes a vector near the items that it is meant to find.

    Of `--data` a fifth of the tags, and every title that has one, is not learnt: `smallpool evaluate intent` judges by them.
    Of a marketplace it learns which items were clicked after a search and, where nobody searched, what an item is known by:
    its brand, points and category. Needs the extra `train`.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.intending import IntentOrder, train_words

    if sum((data is not None, listings is not None, generated > 0)) != 1:
        raise typer.BadParameter("name one of --data, --listings and --generated")
    if events is not None and listings is None:
        raise typer.BadParameter("--events tells of the items of --listings: name both")
    command = shlex.join(["smallpool", *sys.argv[1:]])
    order = IntentOrder(out, data, tuple(titles or ()), items, listings, events, generated, held_back, seed, command)
    card = with_progress(lambda report: train_words(settings_of(ctx, None), order, report), shown=not as_json)
    if as_json:
        print_json(card)
        return
    rows = table("lesson", "steps", "loss at the end", "seconds", right=("steps", "loss at the end", "seconds"))
    for lesson in card.lessons:
        rows.add_row(plain(lesson.name), str(lesson.steps), f"{lesson.loss:.4f}", f"{lesson.seconds:.0f}")
    console = screen()
    console.print(rows)
    console.print(f"{card.counts['titles']} titles, {card.counts['tags']} tags; the model and its card are in {out}")
