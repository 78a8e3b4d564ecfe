"""What pictures of a model show: items on a map, their neighbours before and after, people with their interests, how alike interests are.

In: vectors of items by two models, what each item is called and of what kind it is, and people's histories. Out: plain values.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_core.latent import intra_list_similarity, latent_categories
from smallpool_models.evaluation.interest_scorer import Array, Interested, rows_of
from smallpool_models.evaluation.item_map import plane
from smallpool_models.evaluation.latent_targets import Categories, centres
from smallpool_models.evaluation.next_item import Places

KINDS: Final = 8
"""The most frequent kinds have a colour of their own; more colours cannot be told apart."""
MAPPED: Final = 500
SHOWN_PLACES: Final = (1, 2, 3, 4, 5, 7, 9, 15, 30)
"""Places of neighbours, as the tables of seed 000 have them."""
NEAR: Final = 6
"""Categories that are named beside an interest."""


class Catalogue(Struct, frozen=True):
    """By item its name for people and its category's number (-1 for none); by category its name."""

    names: Sequence[str]
    categories: Categories
    category_names: Sequence[str]

    def kind(self, item: int) -> str:
        """The name of its category."""
        number = int(self.categories[item])
        return self.category_names[number] if number >= 0 else "–"


class Point(Struct, frozen=True):
    """An item on the map, x and y in [0, 1]; `colour` is the place of its kind in the legend, -1 for all further ones."""

    x: float
    y: float
    colour: int
    name: str
    kind: str


class ItemMap(Struct, frozen=True):
    """The points, and the kinds that have a colour."""

    points: Sequence[Point]
    legend: Sequence[str]


class Neighbour(Struct, frozen=True):
    """An item at some place among the neighbours of another."""

    name: str
    kind: str


class Neighbourhood(Struct, frozen=True):
    """An item, and at each of `SHOWN_PLACES` who is there before and after."""

    item: Neighbour
    rows: Sequence[tuple[int, Neighbour | None, Neighbour | None]]


class Interest(Struct, frozen=True):
    """What share of the behaviour it stands for, and the categories nearest to it, with their likeness."""

    share: float
    near: Sequence[tuple[str, float]]


class Person(Struct, frozen=True):
    """Somebody's history, latest last, their interests, the latent categories beside them, and how alike the interests are."""

    history: Sequence[Neighbour]
    interests: Sequence[Interest]
    latent: Sequence[str]
    likeness: float


def item_map(vectors: Array, catalogue: Catalogue, seed: int) -> ItemMap:
    """Some items that have a vector, drawn by the seed; half of them of the most frequent kinds, so that there is something to compare."""
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(vectors.any(axis=1))
    frequent = [kind for kind, _ in Counter(catalogue.categories[known].tolist()).most_common(KINDS + 1) if kind >= 0][:KINDS]
    coloured = known[np.isin(catalogue.categories[known], frequent)]
    others = np.setdiff1d(known, coloured)
    first = rng.choice(coloured, min(len(coloured), MAPPED // 2), replace=False)
    drawn = np.sort(np.concatenate([first, rng.choice(others, min(len(others), MAPPED - len(first)), replace=False)]))
    colours = {kind: place for place, kind in enumerate(frequent)}
    points = [
        Point(float(x), float(y), colours.get(int(catalogue.categories[item]), -1), catalogue.names[item], catalogue.kind(item))
        for item, (x, y) in zip(drawn, plane(vectors[drawn]), strict=True)
    ]
    return ItemMap(points, [catalogue.category_names[kind] for kind in frequent])


def neighbourhoods(before: Array, after: Array, items: Sequence[int], catalogue: Catalogue) -> list[Neighbourhood]:
    """Of each of the items its neighbours by the cosine of either's vectors; (n, d) of any d and length."""
    found = []
    for item in items:
        old, new = nearest(before, item), nearest(after, item)
        rows = [(place, _at(old, place, catalogue), _at(new, place, catalogue)) for place in SHOWN_PLACES]
        found.append(Neighbourhood(_neighbour(item, catalogue), rows))
    return found


def nearest(vectors: Array, item: int) -> NDArray[np.int64]:
    """All other items that have a vector, nearest first, by the cosine; none for an item that has none."""
    lengths = np.linalg.norm(vectors, axis=1)
    if not lengths[item]:
        return np.zeros(0, dtype=np.int64)
    cosines = vectors @ vectors[item] / np.maximum(lengths, 1e-12)
    order = np.argsort(-cosines, kind="stable")
    found: NDArray[np.int64] = order[(order != item) & (lengths[order] > 0)]
    return found


def person(interested: Interested, history: Places, catalogue: Catalogue) -> Person:
    """Somebody as the model has them."""
    told = interested.told(history)
    middles = centres(interested.vectors, catalogue.categories)
    likeness = rows_of(told) @ middles.T
    near = [[(str(one), float(row[one])) for one in np.argsort(-row, kind="stable")[:NEAR]] for row in likeness]
    latent = latent_categories(near, {str(one) for one in catalogue.categories[history]})
    named = [[(catalogue.category_names[int(one)], round(value, 3)) for one, value in row] for row in near]
    return Person(
        history=[_neighbour(int(item), catalogue) for item in history],
        interests=[Interest(round(share, 3), row) for share, row in zip(told.shares, named, strict=True)],
        latent=[catalogue.category_names[int(one.category)] for one in latent],
        likeness=round(intra_list_similarity(told.vectors), 3),
    )


def _at(items: NDArray[np.int64], place: int, catalogue: Catalogue) -> Neighbour | None:
    return _neighbour(int(items[place - 1]), catalogue) if place <= items.size else None


def _neighbour(item: int, catalogue: Catalogue) -> Neighbour:
    return Neighbour(catalogue.names[item], catalogue.kind(item))
