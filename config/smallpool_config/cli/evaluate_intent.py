"""`smallpool evaluate intent`: how well words find the titles that they are meant to find.

In: a file of titles with tags, a model's folder. Out: recall@20 beside BM25, with paired intervals.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import print_json, screen, table

_FOLDER: dict[str, Any] = {"exists": True, "file_okay": False}


def intent(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Option("--data", metavar="FILE", exists=True, dir_okay=False, help="Lines of id TAB title TAB tag#;#tag...")
    ],
    model: Annotated[Path, typer.Option("--model", metavar="DIR", help="A model's folder.", **_FOLDER)],
    items: Annotated[
        Path | None, typer.Option("--items", metavar="DIR", help="The model of items in whose space the words lie, if they do.", **_FOLDER)
    ] = None,
    beside: Annotated[Path | None, typer.Option("--beside", metavar="DIR", help="Another model, on the same tags.", **_FOLDER)] = None,
    as_json: AsJson = False,
) -> None:
    """Measure recall@20: each tag of the file is a query, the titles that hold it are what it has to find, among all titles of the file.

    Titles that the model learnt from are left out, tags that it learnt are told of apart. Beside it stands BM25 on the same titles, with
    whichever tokens suit it best. Of a tag with more than 20 titles no more than 20 can be found; `of_possible` counts those alone.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.intending import evaluate_words

    figures = evaluate_words(settings_of(ctx, None), data, model, items, beside)
    if as_json:
        print_json(figures)
        return
    rows = table("row", "recall@20", "difference from BM25", "95 %", right=("recall@20", "difference from BM25", "95 %"))
    blended = figures["blended_with_bm25"]
    _row(rows, "intent", figures["recall@20"], figures)
    rows.add_row(f"BM25 ({figures['bm25_tokens']})", f"{figures['bm25']:.4f}", "", "")
    _row(rows, "both added", blended["recall@20"], blended)
    console = screen()
    console.print(rows)
    console.print(f"{figures['tags']} tags, {figures['titles']} titles; {figures['judged_by']}")


def _row(rows: Any, name: str, recall: float, told: dict[str, Any]) -> None:
    low, high = told["difference_interval"]
    rows.add_row(name, f"{recall:.4f}", f"{told['difference']:+.4f}", f"{low:+.4f} to {high:+.4f}")
