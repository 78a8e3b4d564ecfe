"""Joins what the knowledge base hears in a title with what a trained tagger finds there.

In: words heard, measures, tagged spans, all in characters of the folded title. Out: further selling points, and a brand where the knowledge
base knows none. Where both speak of the same characters the knowledge base wins: its words have keys that do not depend on spelling, and
each can be traced to a line of a file.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from smallpool_models.understanding.measures import Measured
from smallpool_models.understanding.points import POINT_KINDS, Heard, Point

Tagged = tuple[int, int, str]
"""Characters [start, end) of a folded title and the kind of what stands there."""
KINDS = POINT_KINDS | {"brand", "condition"}
"""What a tagger may find."""
_FEWEST_CHARACTERS = 2


class Tagger(Protocol):
    """Finds spans in titles."""

    @property
    def version(self) -> str:
        """The version of the model in force."""

    def tag(self, texts: Sequence[str]) -> tuple[str, list[list[Tagged]]]:
        """The version that tagged, and the spans of each text, in order."""

    @property
    def refused(self) -> str:
        """Why a newer model is not in force; empty where all is well."""

    def refresh(self) -> None:
        """Changes over to a newer model where there is one."""


class Further(NamedTuple):
    """What the tagger adds: points in order, and brands by key with their places."""

    points: list[Point]
    brands: list[Point]


NOTHING = Further([], [])


def further_points(
    text: str, tagged: Iterable[Tagged], heard: Sequence[Heard], measured: Sequence[Measured], stopwords: Collection[str]
) -> Further:
    """What is tagged where the knowledge base has nothing, under the characters themselves as key."""
    taken = [*((word.start, word.end) for word in heard), *((one.start, one.end) for one in measured)]
    points: list[Point] = []
    brands: list[Point] = []
    for start, end, kind in tagged:
        key = text[start:end].strip()
        if len(key) < _FEWEST_CHARACTERS or key in stopwords or not any(map(str.isalpha, key)):
            continue
        if any(first < end and start < last for first, last in taken):
            continue
        if kind == "brand":
            brands.append(Point(kind, key, (start, end)))
        elif kind in POINT_KINDS:
            points.append(Point(kind, key, (start, end)))
    return Further(points, brands)
