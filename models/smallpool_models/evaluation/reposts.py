"""How well reposts are found: real titles, edited as the same thing and as others, go through the index that serves.

In: titles, an understander, an empty index. Out: precision and recall, by kind of edit, with bootstrap intervals.

Of each title there is one copy, edited in one way, and one hard negative: another number, another colour, or another seller's own words;
rows of the file that name the same model are hard negatives as they are. Half of the copies are by the seller of the original; hard
negatives are by others, but for the variants (number, colour), half of which the seller of the original lists. Each is asked of an index
that holds the titles themselves. What is marked as a repost of its own original is right; whatever else is marked is wrong, two rows of
the file that are alike included.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from smallpool_core.items import Given
from smallpool_core.market_ports import RepostIndex, Understander
from smallpool_core.reposts import Listing, RepostSettings, Sketch, originals
from smallpool_models.evaluation.edits import OTHER_THING, SAME_THING
from smallpool_models.evaluation.intervals import interval

SAME_MODEL: Final = "another row, same model"
UNTOUCHED: Final = "the titles themselves"
_MODEL = re.compile(r"(?=[a-z0-9-]*[a-z])(?=[a-z0-9-]*[0-9])[a-z0-9-]{5,}", re.IGNORECASE)


class Kind(Struct, frozen=True):
    """Of `asked` listings of one kind `marked` were marked as a repost, `right` of those of their original."""

    asked: int
    marked: int
    right: int


class RepostFigures(Struct, frozen=True):
    """`too_short` titles hold too little to be held against another seller's and were left out; intervals are of 95 %."""

    titles: int
    too_short: int
    precision: float
    precision_interval: tuple[float, float]
    recall: float
    recall_interval: tuple[float, float]
    same_thing: dict[str, Kind]
    other_thing: dict[str, Kind]


class _Asked(Struct, frozen=True):
    kind: str
    title: str
    seller_id: str
    original: int | None


def evaluate_reposts(
    titles: Sequence[str],
    understander: Understander,
    pieces: Callable[[str], Sequence[str]],
    index: RepostIndex,
    settings: RepostSettings,
    seed: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> RepostFigures:
    """The figures for distinct titles; `pieces` cuts one into words, which joined are the title. Same arguments, same figures."""
    rng = random.Random(seed)  # noqa: S311, seeded: the same edits every time
    distinct = list(dict.fromkeys(filter(None, (title.strip() for title in titles))))
    enough = [
        title
        for title, sketch in zip(distinct, _sketches(distinct, understander), strict=True)
        if sketch.title_weight >= settings.least_weight
    ]
    named_again = _same_model(enough)
    kinds = (SAME_MODEL if place in named_again else UNTOUCHED for place in range(len(enough)))
    asked = [_Asked(kind, title, f"seller {place}", None) for place, (kind, title) in enumerate(zip(kinds, enough, strict=True))]
    asked += list(_copies(enough, pieces, rng))
    sketches = _sketches([one.title for one in asked], understander)
    marked: list[str | None] = []
    for place, (one, sketch) in enumerate(zip(asked, sketches, strict=True)):
        listing = Listing(_id(place), one.seller_id, place, sketch)
        marked.append(next(iter(originals(listing, index.put([listing], len(asked))[0], settings)), None))
        if place >= len(enough):
            index.forget([listing.item_id])
        progress(len(marked), len(asked))
    return _figures(asked, marked, len(distinct) - len(enough), rng)


def _copies(titles: Sequence[str], pieces: Callable[[str], Sequence[str]], rng: random.Random) -> Iterable[_Asked]:
    for place, title in enumerate(titles):
        words = pieces(title)
        owner, other = f"seller {place}", f"another seller {place}"
        for edits, is_same in ((SAME_THING, True), (OTHER_THING, False)):
            for kind in rng.sample(list(edits), len(edits)):
                made = edits[kind](words, rng)
                if made is not None and made != title:
                    seller = other if kind == "own words" or rng.random() < 0.5 else owner
                    yield _Asked(kind, made, seller, place if is_same else None)
                    break


def _same_model(titles: Sequence[str]) -> set[int]:
    """The titles that name a model which one before them names."""
    seen: set[str] = set()
    again: set[int] = set()
    for place, title in enumerate(titles):
        models = set(map(str.lower, _MODEL.findall(title)))
        if models & seen:
            again.add(place)
        seen |= models
    return again


def _sketches(titles: Sequence[str], understander: Understander) -> list[Sketch]:
    understood = understander.understand([Given(title=title) for title in titles])
    return [one.sketch if one.sketch is not None else Sketch((), {}, {}) for one in understood]


def _id(place: int) -> str:
    return f"{place:08}"


def _figures(asked: Sequence[_Asked], marked: Sequence[str | None], too_short: int, rng: random.Random) -> RepostFigures:
    same: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    others: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    told: list[bool] = []
    found: list[bool] = []
    for one, mark in zip(asked, marked, strict=True):
        is_copy = one.original is not None
        is_right = one.original is not None and mark == _id(one.original)
        counts = (same if is_copy else others)[one.kind]
        counts[0] += 1
        counts[1] += mark is not None
        counts[2] += is_right
        if is_copy:
            found.append(is_right)
        if mark is not None:
            told.append(is_right)
    return RepostFigures(
        titles=sum(one.kind in (UNTOUCHED, SAME_MODEL) for one in asked),
        too_short=too_short,
        precision=round(sum(told) / max(1, len(told)), 4),
        precision_interval=interval(told, rng),
        recall=round(sum(found) / max(1, len(found)), 4),
        recall_interval=interval(found, rng),
        same_thing={kind: Kind(*counts) for kind, counts in sorted(same.items())},
        other_thing={kind: Kind(*counts) for kind, counts in sorted(others.items())},
    )
