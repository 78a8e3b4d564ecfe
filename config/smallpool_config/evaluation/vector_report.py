"""The pictures of a model as one page that needs nothing else: no script, no font, no image from anywhere.

In: figures and portraits. Out: HTML; whatever a seller wrote stands in it as text.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from smallpool_models.evaluation.portraits import ItemMap, Neighbourhood, Person

TEMPLATE: Final = "vector_report.html"
BINS: Final = 20
WIDTH: Final = 640
HEIGHT: Final = 440
MARGIN: Final = 12
BARS_HEIGHT: Final = 120
ENCODING: Final = "utf-8"


class Likenesses(Struct, frozen=True):
    """How alike the interests of each person are by one model; who has fewer than two is left out of `values` and counted in `single`."""

    name: str
    values: Sequence[float]
    single: int


class Pictures(Struct, frozen=True):
    """All that the page shows. `facts` are names and values for its head, `rows` those of the table of `figures`."""

    title: str
    facts: Sequence[tuple[str, str]]
    figures: Sequence[str]
    rows: Sequence[tuple[str, Sequence[float]]]
    items: ItemMap
    before: str
    neighbourhoods: Sequence[Neighbourhood]
    people: Sequence[Person]
    likenesses: Sequence[Likenesses]


class Bar(Struct, frozen=True):
    """One bar of a histogram, in units of its picture, and what it counts."""

    x: float
    y: float
    width: float
    height: float
    told: str


class Histogram(Struct, frozen=True):
    """The bars, where its axis has 0 and the mean, and the mean itself (None where nothing was counted)."""

    bars: Sequence[Bar]
    zero: float
    at_mean: float
    mean: float | None


def page(pictures: Pictures) -> str:
    """The page. Everything in it is escaped by the template engine."""
    # what is built by the engine itself is the only markup: there is no filter by which a text could pass unescaped
    made = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    values: dict[str, Any] = {name: getattr(pictures, name) for name in pictures.__struct_fields__}
    return made.get_template(TEMPLATE).render(
        **values,
        points=[
            (MARGIN + one.x * (WIDTH - 2 * MARGIN), MARGIN + (1 - one.y) * (HEIGHT - 2 * MARGIN), one) for one in pictures.items.points
        ],
        histograms=[(one, histogram(one.values)) for one in pictures.likenesses],
        width=WIDTH,
        height=HEIGHT,
        bars_height=BARS_HEIGHT,
    )


def write_page(out: Path, pictures: Pictures) -> None:
    """Writes the page to a file, as a whole."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(pictures), encoding=ENCODING)


def histogram(values: Sequence[float]) -> Histogram:
    """Shares of likenesses in bins of a tenth from -1 to 1; the highest bar fills the picture."""
    counts, edges = np.histogram(np.clip(values, -1, 1), bins=BINS, range=(-1, 1))
    highest, broad = max(1, int(counts.max())), WIDTH / BINS
    bars = [
        Bar(
            round(place * broad + 1, 1),
            round(BARS_HEIGHT * (1 - int(count) / highest), 1),
            round(broad - 2, 1),
            round(BARS_HEIGHT * int(count) / highest, 1),
            f"{low:+.1f} to {low + 2 / BINS:+.1f}: {int(count)}",
        )
        for place, (count, low) in enumerate(zip(counts, edges, strict=False))
    ]
    mean = float(np.mean(values)) if len(values) else None
    return Histogram(bars, WIDTH / 2, round(((mean or 0) + 1) / 2 * WIDTH, 1), mean)
