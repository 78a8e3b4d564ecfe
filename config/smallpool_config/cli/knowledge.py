"""`smallpool knowledge`: the domain knowledge base is checked, and grows by words that a person accepts.

In: titles, or folders of tables. Out: suggestions with their evidence, in the format of the tables; what is wrong, with file and line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import brief, path, plain, print_json, progress, screen, table
from smallpool_config.cli.sources import named, numbered_lines, readable
from smallpool_config.cli.titles import titled
from smallpool_core.errors import SmallpoolError
from smallpool_core.normalise import PATH_SEPARATOR

if TYPE_CHECKING:
    from smallpool_config.settings import Settings
    from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander
    from smallpool_models.understanding.merge import Tagged

app = typer.Typer(no_args_is_help=True, help="Check the domain knowledge base, and let it grow.")
MOST_TAGGED = 4_000
"""Titles that the tagger reads; it costs more than all the rest."""
_BATCH = 64
Folder = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="Folder of the knowledge base; by default the one in use.", file_okay=False, show_default=False),
]


@app.command("suggest")
def suggest_words(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Titles, one a line, or item events; - reads stdin.", callback=readable)],
    most: Annotated[int, typer.Option("--most", min=1, help="How many words at most.")] = 100,
    least: Annotated[int, typer.Option("--least", min=2, help="In how many titles a word stands at least.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the suggestions as tables of a knowledge base.", file_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Suggest words that the knowledge base lacks, the likeliest first, with a type, a category and what speaks for them."""
    from smallpool_config.cli.session import settings_of
    from smallpool_models.growing.rows import written
    from smallpool_models.growing.suggest import suggest
    from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge

    settings = settings_of(ctx, None)
    titles = _titles(file, shown=not as_json)
    understander = KnowledgeUnderstander(load_knowledge(settings.knowledge.path))
    tagged = _tagged(settings, understander, titles, shown=not as_json)
    with progress("looking for words", shown=not as_json) as show:
        found = suggest(titles, understander, tagged, most=most, least=least, report=show)
    if out is not None:
        files = written(found, out)
    if as_json:
        print_json({"titles": len(titles), "knowledge": understander.knowledge.version, "suggestions": found})
        return
    shown = table("word", "type", "category", "score", "titles", "tagged", "as in", right=("score", "titles", "tagged"))
    for one in found:
        figures = (f"{one.score:.1f}", str(one.titles), str(one.tagged or "–"))
        category = path(PATH_SEPARATOR.join(one.category)) or "–"
        shown.add_row(plain(one.word), one.type, category, *figures, brief(one.examples[0]) if one.examples else "")
    screen().print(shown)
    if out is not None:
        told = ", ".join(str(one) for one in files) or "nothing"
        screen().print(f"wrote {told}: strike out and mend what is wrong, then `smallpool knowledge accept {out}`", soft_wrap=True)


@app.command("check")
def check(ctx: typer.Context, folder: Folder = None, as_json: AsJson = False) -> None:
    """Check a knowledge base as a whole; tells every mistake with its file and line."""
    from smallpool_config.cli.session import settings_of
    from smallpool_models.understanding import load_knowledge

    where = folder or settings_of(ctx, None).knowledge.path
    _tell(where, load_knowledge(where), as_json=as_json)


@app.command("accept")
def accept(
    ctx: typer.Context,
    kept: Annotated[Path, typer.Argument(metavar="KEPT", help="Folder of tables with the lines to add.", file_okay=False, exists=True)],
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Add the lines of a folder of suggestions to the knowledge base: all of them, or none where a mistake comes of it."""
    from smallpool_config.cli.session import settings_of
    from smallpool_models.growing.rows import accepted

    where = folder or settings_of(ctx, None).knowledge.path
    _tell(where, accepted(kept, where), as_json=as_json)


def _tell(where: Path, base: "KnowledgeBase", *, as_json: bool) -> None:
    counts = {
        "categories": len(base.categories),
        "products": len(base.products),
        "brands": len(base.brands),
        "points": sum(map(len, base.points.values())),
        "relations": len(base.relations),
        "senses": len(base.senses),
    }
    if as_json:
        print_json({"directory": str(where), "version": base.version, **counts})
        return
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    screen().print(f"{where} is sound: version {base.version}, {told}", soft_wrap=True)


def _titles(file: Path, *, shown: bool) -> list[str]:
    with numbered_lines(file, shown=shown) as lines:
        titles = [title for number, line in lines if (title := _title(line, file, number))]
    if not titles:
        raise SmallpoolError(f"could not find a title in {named(file)}: one a line is wanted, or item events as JSON")
    return list(dict.fromkeys(titles))


def _title(line: bytes, file: Path, number: int) -> str:
    """A line's title: that of an item event, nothing for events of other kinds; in a table the cell after the first tab."""
    if not line.startswith(b"{"):
        return titled(line.decode("utf-8", "replace"), is_table=b"\t" in line).title
    try:
        event = msgspec.json.decode(line, type=_Event)
    except msgspec.MsgspecError as error:
        raise SmallpoolError(
            f"could not read line {number} of {named(file)}: {error}; each is a title, or an item event as JSON"
        ) from error
    return event.item.title.strip() if event.item else event.title.strip()


def _tagged(settings: "Settings", understander: "KnowledgeUnderstander", titles: Sequence[str], *, shown: bool) -> "list[list[Tagged]]":
    from smallpool_config.tagging import ServedTagger

    folder = settings.models.ner_path
    if folder is None:
        return []
    tagger = ServedTagger(folder, understander.segmenter)
    folded = [understander.folded(title) for title in titles[:MOST_TAGGED]]
    spans: list[list[Tagged]] = []
    with progress("tagging", shown=shown) as show:
        for first in range(0, len(folded), _BATCH):
            spans += tagger.tag(folded[first : first + _BATCH])[1]
            show(len(spans), len(folded))
    return spans


class _Titled(msgspec.Struct):
    title: str = ""


class _Event(msgspec.Struct):
    item: _Titled | None = None
    title: str = ""
