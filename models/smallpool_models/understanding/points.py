"""What a listing says: which of the found words are about the item itself, and the selling points that they make.

In: `Found`s of a title or description. Out: `Heard`s with gifts and compatible brands set aside; points and spans.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from smallpool_core.items import Span
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.knowledge import POINT_TYPES, KnowledgeBase
from smallpool_models.understanding.lexicon import Found, Reading
from smallpool_models.understanding.measures import Measured
from smallpool_models.understanding.text import Folded

MOST_POINTS = 12
SPEC = "spec"
POINT_KINDS = frozenset({"product", "model", SPEC, *POINT_TYPES})
_KEEP_ORDER = ("product", "model", "variety", "material", "craft", "period", "theme", "origin", SPEC, "function", "style", "whom", "colour")
"""Which points stay where there are more than `MOST_POINTS`, the most telling first."""
_KEEP_RANK = {kind: rank for rank, kind in enumerate(_KEEP_ORDER)}
_BREAKS = frozenset(",，.。;；!！\n")


class Heard(NamedTuple):
    """A found word in its place. `aside`: it is a gift, or what the item goes with, and says nothing of the item itself."""

    start: int
    end: int
    readings: tuple[Reading, ...]
    parts: tuple[Reading, ...]
    aside: bool

    @property
    def kind(self) -> str:
        """The kind of the first reading."""
        return self.readings[0].kind


class Point(NamedTuple):
    """One selling point: its kind, its key, and where it stands in the folded title (None outside it)."""

    kind: str
    key: str
    place: tuple[int, int] | None


def hear(text: str, found: Sequence[Found]) -> list[Heard]:
    """Drops what an `ignore` mark covers and sets aside what follows a gift or a compatible mark.

    A gift mark reaches to the next punctuation, and counts only once a product or model has been named
    (`送沙发` gives away the sofa itself). A compatible mark sets brands and models aside up to the next product.
    """
    heard: list[Heard] = []
    gift_from = compatible_from = -1
    named = False
    for start, end, readings, parts, _ in found:
        kind, key = readings[0].kind, readings[0].key
        if kind == "mark":
            if key == "gift" and named:
                gift_from = end
            elif key == "compatible":
                compatible_from = end
            continue
        is_gift = gift_from >= 0 and _BREAKS.isdisjoint(text[gift_from:start])
        is_compatible = compatible_from >= 0 and kind in {"brand", "model"} and _BREAKS.isdisjoint(text[compatible_from:start])
        heard.append(Heard(start, end, readings, parts, is_gift or is_compatible))
        if kind == "product":
            compatible_from = -1
        named = named or kind in {"product", "model"}
    return heard


def points_of(heard: Sequence[Heard], measured: Sequence[Measured], brands: frozenset[str], *, in_title: bool) -> list[Point]:
    """The selling points in order of appearance; a compound gives its own point and those of its parts.

    `brands` are the keys of the brands that are believed; a surface that means only a brand is no point.
    """
    points: list[tuple[int, Point]] = []
    for start, end, readings, parts, aside in heard:
        if aside:
            continue
        for reading in readings:
            if reading.kind in POINT_KINDS and not reading.ambiguous:
                break
        else:
            continue
        if readings[0].kind == "brand" and readings[0].key in brands:
            continue
        place = (start, end) if in_title else None
        points.append((start, Point(reading.kind, reading.key, place)))
        points += [(start, Point(part.kind, part.key, None)) for part in parts]
    points += [(one.start, Point(SPEC, one.key, (one.start, one.end) if in_title else None)) for one in measured]
    return [point for _, point in sorted(points, key=lambda pair: pair[0])]


def in_order(points: Sequence[Point]) -> list[Point]:
    """Points of a title as they stand there; a part of a compound, which has no place of its own, stays behind its compound."""
    at = 0
    placed = []
    for point in points:
        at = point.place[0] if point.place else at
        placed.append((at, point))
    return [point for _, point in sorted(placed, key=lambda pair: pair[0])]


def keys_of(points: Sequence[Point]) -> tuple[str, ...]:
    """Keys of at most `MOST_POINTS` points, each once, in order of appearance."""
    first: dict[str, str] = {}
    for point in points:
        first.setdefault(point.key, point.kind)
    if len(first) <= MOST_POINTS:
        return tuple(first)
    kept = set(sorted(first, key=lambda key: _KEEP_RANK[first[key]])[:MOST_POINTS])
    return tuple(key for key in first if key in kept)


def telling(points: Sequence[Point]) -> int:
    """How many points tell something of the item: one for what it is, however many things are named, and each of the others."""
    things = any(point.kind == "product" for point in points)
    return len({point.key for point in points if point.kind != "product"}) + things


class Broader:
    """What each key is a kind of (`老班章`: `普洱茶`), for listings under whose top category that is sold."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._above = {one.subject: one.object for one in knowledge.relations if one.name == "kind_of"}
        self._tops = frozenset(map(_top, knowledge.categories))
        self._tops_of: dict[str, set[str]] = {key: set() for key in self._above.values()}
        for entry in chain(knowledge.products, *knowledge.points.values()):
            if entry.key in self._tops_of:
                self._tops_of[entry.key].update(map(_top, entry.categories))

    def added(self, keys: Sequence[str], category: str) -> tuple[str, ...]:
        """The keys, then what each is a kind of, as far as there is room: what is said is never left out for it. Of a listing under another
        top it says nothing (`柿子红 毛衣` is no agate), while of a seller's category that is not known here nobody can tell.
        """
        top = _top(category)
        further: dict[str, None] = {}
        for key in keys:
            above = self._above.get(key)
            while above is not None:
                if top not in self._tops or not self._tops_of[above] or top in self._tops_of[above]:
                    further[above] = None
                above = self._above.get(above)
        added = [key for key in further if key not in keys]
        return (*keys, *added[: max(0, MOST_POINTS - len(keys))])


def _top(category: str) -> str:
    return category.partition(PATH_SEPARATOR)[0]


def spans_of(title: Folded, points: Sequence[Point], heard: Sequence[Heard], brands: frozenset[str]) -> tuple[Span, ...]:
    """Spans of points and of believed brands in characters of the title as the seller wrote it, in order."""
    marked = [(*point.place, point.kind, point.key) for point in points if point.place]
    for start, end, readings, _, aside in heard:
        if not aside and readings[0].kind == "brand" and readings[0].key in brands:
            marked.append((start, end, "brand", readings[0].key))
    return tuple(Span(*title.original(start, end), kind, key) for start, end, kind, key in sorted(marked))
