"""What is on sale by its vectors, in this process, in every wiring: beside the rows that the live view looks at.

In: the rows. Out: the port `VectorIndex`.
"""

from abc import ABC, abstractmethod
from functools import cached_property

from smallpool_config.vector_models import ServedVectors
from smallpool_core.source_ports import VectorIndex
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_index import NoVectorIndex, NumpyVectorIndex
from smallpool_stores.memory.vectors import VectorColumns


class FindsAlike(ABC):
    """A part of `System`."""

    @property
    @abstractmethod
    def vector_models(self) -> ServedVectors | None:
        """The model of vectors, None for none."""

    @property
    @abstractmethod
    def item_rows(self) -> ItemRows:
        """What is on sale, by rows, with `kept_vectors` beside them."""

    @cached_property
    def kept_vectors(self) -> tuple[VectorColumns, ...]:
        """The vectors of the rows, which are fed by the rows alone; none where no model makes any."""
        return () if self.vector_models is None else (VectorColumns(),)

    @cached_property
    def vector_index(self) -> VectorIndex:
        """What is on sale, by vectors."""
        if not self.kept_vectors:
            return NoVectorIndex()
        [vectors] = self.kept_vectors
        return NumpyVectorIndex(self.item_rows, vectors)
