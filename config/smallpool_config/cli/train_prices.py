"""`smallpool train prices`: at which prices the bands of each category part, learned of listings.

In: item events, as `publish` reads them. Out: `DIR/prices.tsv`, a table of the knowledge base.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from smallpool_config.cli.screen import screen
from smallpool_config.cli.sources import numbered_lines, readable
from smallpool_core.errors import SmallpoolError
from smallpool_core.events import parse_item_event
from smallpool_core.items import Given, ItemEvent
from smallpool_core.normalise import PATH_SEPARATOR

AT_ONCE = 500


def prices(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="Item events, one JSON object a line.", callback=readable)],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the table.", file_okay=False)],
    least: Annotated[int, typer.Option("--least", min=10, help="Listings that a category must have.")] = 100,
) -> None:
    """Learn the price bands of categories. Auctions and gifts are left out: their price is where bidding starts."""
    from smallpool_config.cli.session import settings_of
    from smallpool_models.judging.tenths import learn_tenths
    from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge
    from smallpool_models.understanding.readers import PRICES_COLUMNS, PRICES_FILE

    understander = KnowledgeUnderstander(load_knowledge(settings_of(ctx, None).knowledge.path))
    found: list[tuple[str, int]] = []
    listings = _listings(data)
    while some := list(islice(listings, AT_ONCE)):
        for given, understood in zip(some, understander.understand(some), strict=True):
            if understood.category_source != "head_noun":
                found.append((PATH_SEPARATOR.join(understood.category), given.price_cents or 0))
    tenths = learn_tenths(found, least)
    if not tenths:
        raise SmallpoolError(
            f"could not learn prices of {data}: no category has {least} listings with a price; give more, or a lower --least"
        )
    rows = [
        (key.replace(PATH_SEPARATOR, "/"), str(one.listings), "|".join(f"{cents / 100:.2f}" for cents in one.cents))
        for key, one in tenths.items()
    ]
    out.mkdir(parents=True, exist_ok=True)
    (out / PRICES_FILE).write_text("".join("\t".join(row) + "\n" for row in (PRICES_COLUMNS, *rows)), encoding="utf-8")
    told = f"wrote {len(rows)} categories to {out / PRICES_FILE}: put it into the folder of the knowledge base to use it"
    screen().print(told, soft_wrap=True)


def _listings(file: Path) -> Iterator[Given]:
    """What was given of listings that have a price of their own."""
    with numbered_lines(file, shown=True) as lines:
        for _, line in lines:
            event = parse_item_event(line, 2**62, internal=False)
            if isinstance(event, ItemEvent) and event.given is not None and event.given.price_cents and event.given.sale in (None, "fixed"):
                yield event.given
