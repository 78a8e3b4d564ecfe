"""`smallpool understand`: what the knowledge base and the tagger make of a title, shown word by word.

In: a title, or a file with one a line. Out: the title with its selling points coloured, and everything read from it. Stores nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import plain, print_json, screen
from smallpool_config.cli.sources import STDIN, numbered_lines, readable
from smallpool_core.items import Given, Span, Understood

COLOURS = {"brand": "bold magenta", "product": "bold cyan", "model": "bold blue", "spec": "yellow", "material": "green", "variety": "green"}
OTHER = "bright_green"
GOOD, FAIR = 0.8, 0.5
"""Parts of the quality from which on they are shown in green, and in yellow."""
_FILE = "Titles, one a line; - reads stdin."


def understand(
    ctx: typer.Context,
    title: Annotated[str | None, typer.Argument(metavar="TITLE", help="A title.")] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help=_FILE, callback=readable)] = None,
    description: Annotated[str, typer.Option("--description", help="The listing's description.")] = "",
    price_cents: Annotated[int | None, typer.Option("--price-cents", min=0, help="The listing's price in cents.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a title is understood as: category, brand, selling points, quality. With --json one object a title."""
    from smallpool_config.cli.session import settings_of
    from smallpool_config.tagging import understander_of
    from smallpool_models.understanding import load_knowledge

    if (title is None) == (file is None):
        raise typer.BadParameter("name either a TITLE or --file FILE")
    settings = settings_of(ctx, None)
    knowledge = load_knowledge(settings.knowledge.path)
    understander = understander_of(knowledge, settings.models)
    brands = {brand.key: brand.display for brand in knowledge.brands}
    console = screen()
    with nullcontext([title]) if title is not None else _titles(file or STDIN) as titles:
        for one in titles:
            given = Given(title=one, description=description, price_cents=price_cents)
            understood = understander.understand([given])[0]
            if as_json:
                print_json({"title": one, "understood": understood})
            else:
                _show(console, one, understood, brands)


@contextmanager
def _titles(file: Path) -> Iterator[Iterator[str]]:
    with numbered_lines(file, shown=False) as lines:
        yield (line.decode("utf-8", "replace") for _, line in lines)


def _show(console: Console, title: str, understood: Understood, brands: Mapping[str, str]) -> None:
    console.print(highlighted(title, understood.spans), soft_wrap=True)
    for name, value in facts(understood, brands):
        console.print(Text.assemble((f"  {name:<11}", "bright_black"), value if isinstance(value, Text) else plain(value)), soft_wrap=True)
    console.print()


def highlighted(title: str, spans: tuple[Span, ...]) -> Text:
    """The title with every selling point in the colour of its kind."""
    shown = Text("".join(character if character.isprintable() else "�" for character in title))
    for span in spans:
        shown.stylize(COLOURS.get(span.type, OTHER), span.start, span.end)
    return shown


def facts(understood: Understood, brands: Mapping[str, str]) -> Iterator[tuple[str, str | Text]]:
    """What was read, each with its name; what was not found is left out."""
    sure = "" if understood.category_source == "given" else f" ({understood.category_source}, {understood.category_confidence:.2f})"
    yield "category", " › ".join(understood.category) + sure
    if understood.brand:
        yield "brand", f"{brands.get(understood.brand, understood.brand)} ({understood.brand})"
    if understood.condition:
        yield "condition", understood.condition
    kinds = {span.key: span.type for span in understood.spans}
    if understood.points:
        yield "points", Text(" · ").join(_point(point, kinds.get(point)) for point in understood.points)
    if understood.tags:
        yield "tags", " · ".join(understood.tags)
    if understood.attributes:
        yield "attributes", " · ".join(f"{name}={value}" for name, value in understood.attributes.items())
    if understood.price_band is not None:
        yield "price band", str(understood.price_band)
    if understood.spans:
        yield "spans", " ".join(f"{span.start}-{span.end}:{span.type}" for span in understood.spans)
    parts = Text(", ").join(Text(f"{name} {value:.2f}", _grade(value)) for name, value in understood.quality_parts.items())
    yield "quality", Text.assemble(f"{understood.quality / 1000:.3f} (", parts, ")")
    yield "words", " ".join(understood.title_words)


def _point(key: str, kind: str | None) -> Text:
    """A selling point in the colour of its kind; one that no span has follows from another, and is in none."""
    return Text(plain(key)) if kind is None else Text(f"{plain(key)} ({kind})", COLOURS.get(kind, OTHER))


def _grade(part: float) -> str:
    """The colour of a part of the quality: what costs the listing something stands out."""
    return "green" if part >= GOOD else "yellow" if part >= FAIR else "red"
