"""What sources of candidates ask besides the wide index: `ports.py` goes on here, with the same promises.

In: a question about a scope. Out: rows of it.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from smallpool_core.pages import Answer, Query
from smallpool_core.vectors import Vectors

REPLACED_KEPT_S: Final = 30.0
"""Vectors of the model before answer for so long after another came into force: longer than any request."""


class VectorIndex(Protocol):
    """Learned vectors of the items on sale, fed by the tail that feeds the live view: what it took in is found, what left is not. In
    process it computes inline; callers fail open.

    Items bring vectors of more than one model while a new model takes the place of another. One of them is in force; those of the other
    are gathered beside, and come into force together as soon as every listed item that has a vector has one of these. A request reads
    `model` once and asks everything with it: for at least `REPLACED_KEPT_S` after a switch questions of the model before are answered
    as before, so each request sees one generation.
    """

    @property
    def model(self) -> str:
        """Names the model whose vectors are in force; empty while no item has any."""
        ...

    async def nearest(self, query: Query, vectors: Vectors, categories: Sequence[str] = ()) -> tuple[Answer, ...]:
        """For each of the vectors the rows with a vector that the query allows, by their inner product with it descending, then item_id by
        UTF-8 bytes. The sign of a product says nothing: what all items of a model have in common adds the same to each. With `categories`,
        path keys, only rows of one of them or below it. `rank_score` orders as the product does. In process exact, of the vectors as the
        index keeps them, inside a pool, inside categories and inside both; what is on sale everywhere is searched by a graph where it is
        more than can be read in time, which may miss rows and says that there are more. Of a scope that only a rule tells of nothing.
        Raises `VectorRefused` for what is no vector of the model in force.
        """
        ...

    async def nearest_categories(self, query: Query, vectors: Vectors, most: int) -> tuple[tuple[tuple[str, float], ...], ...]:
        """For each of the vectors at most `most` of the categories (path keys) that items of the query's scope are in, those first whose
        items have the largest mean inner product with it, which is that with their centroid; with that mean, in [-1, 1]. Ties by the
        category's UTF-8 bytes. Items without a vector count for none, and what the query excludes counts all the same. Of a scope that is
        not searched nothing, nor, in process, of everything where only a graph searches it. Raises as `nearest`.
        """
        ...

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        """The largest inner product of each item with one of the vectors, in [-1, 1]; items that are not listed are left out, and one
        without a vector has 0. Raises as `nearest`.
        """
        ...

    async def vectors_of(self, item_ids: Sequence[str], model: str) -> dict[str, bytes]:
        """The vectors of those of the items that have one of this model, (d,) float32, little-endian, of unit length: of what is listed,
        and of what left lately, since what a person clicked may be sold by now. Raises `VectorRefused` for a model that is not in force.
        """
        ...
