"""What sources of candidates ask besides the wide index: `ports.py` goes on here, with the same promises.

In: a question about a scope. Out: rows of it.
"""

from collections.abc import Sequence
from typing import Protocol

from smallpool_core.pages import Answer, Query
from smallpool_core.vectors import Vectors


class VectorIndex(Protocol):
    """Vectors of the items on sale, in process, fed by the tail that feeds the live view: what it took in is found, what left is not.
    Computes inline. Callers fail open.
    """

    @property
    def model(self) -> str:
        """Names what made the vectors; questions bring vectors of the same."""
        ...

    async def nearest(self, query: Query, vectors: Vectors) -> tuple[Answer, ...]:
        """For each of the vectors the rows that the query allows whose inner product with it is above 0, by that descending, then
        item_id by UTF-8 bytes; exact, of the vectors as the index keeps them. `rank_score` orders as the product does. Of a scope that
        only a rule tells of, or one with more rows than can be read in time, nothing. Raises `VectorRefused` for what is no vector
        of the model.
        """

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        """The largest inner product of each item with one of the vectors, in [-1, 1]; items that are not listed are left out, and one
        without a vector has 0. Raises as `nearest`.
        """
