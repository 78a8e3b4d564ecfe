"""`smallpool evaluate reposts`: real titles edited as the same thing and as others, through the index that serves.

In: a file of titles. Out: precision and recall, by kind of edit.
"""

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from msgspec import to_builtins

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import print_json, progress, screen, table
from smallpool_config.cli.sources import readable
from smallpool_config.cli.titles import Half, read_titles

Data = Annotated[Path, typer.Option("--data", metavar="FILE", help="Titles, one a line; of a .tsv the second column.", callback=readable)]
_NUMBERS = ("listings", "marked", "of their original")
WhichHalf = Annotated[Half, typer.Option("--half", help="Titles that count: all, or one half by their checksum.")]


def reposts(
    ctx: typer.Context,
    data: Data,
    half: WhichHalf = Half.ALL,
    most: Annotated[int, typer.Option("--titles", min=1, help="How many titles at most.")] = 4_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Makes the same edits every time.")] = 1,
    as_json: AsJson = False,
) -> None:
    """How many listings of the same thing are marked as reposts, and how many others are by mistake."""
    from smallpool_config.cli.session import settings_of
    from smallpool_models.evaluation.reposts import evaluate_reposts
    from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge
    from smallpool_stores.sqlite.reposts import SqliteRepostIndex
    from smallpool_stores.sqlite.schema import open_database

    settings = settings_of(ctx, None)
    understander = KnowledgeUnderstander(load_knowledge(settings.knowledge.path))
    titles = [one.title for one in islice(read_titles(data, half, shown=not as_json), most)]
    with TemporaryDirectory() as folder, progress("asking the index", shown=not as_json) as show:
        database = open_database(Path(folder) / "reposts.db", synchronous="off")
        index = SqliteRepostIndex(database, kept_s=settings.reposts.kept_s)
        figures = evaluate_reposts(titles, understander, understander.pieces, index, settings.reposts, seed, show)
        database.close()
    told = to_builtins(figures)
    if as_json:
        print_json({"data": data.name, "half": half, "seed": seed, **told})
        return
    shown = table("edit", "listings", "marked", "of their original", title=f"{figures.titles} titles of {data.name}", right=_NUMBERS)
    for kind, counts in (*figures.same_thing.items(), *figures.other_thing.items()):
        shown.add_row(kind, str(counts.asked), str(counts.marked), str(counts.right))
    console = screen()
    console.print(shown)
    for name in ("precision", "recall"):
        low, high = told[f"{name}_interval"]
        console.print(f"{name} {told[name]:.3f}, 95 % within {low:.3f} and {high:.3f}")
