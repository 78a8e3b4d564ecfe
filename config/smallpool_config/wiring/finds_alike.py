"""What is on sale by its vectors, in this process, in every wiring: beside the rows that the live view looks at.

In: the rows. Out: the port `VectorIndex`.
"""

from abc import ABC, abstractmethod
from functools import cached_property

from smallpool_config.wiring.understands import Understands
from smallpool_core.source_ports import VectorIndex
from smallpool_indexer.write_path import Line, Worker
from smallpool_service.metrics import Metrics
from smallpool_stores.faiss.vector_index import FaissVectorIndex
from smallpool_stores.memory.changed_rows import ChangedRows
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_index import NoVectorIndex
from smallpool_stores.memory.vectors import VectorColumns


class FindsAlike(Understands, ABC):
    """A part of `System`."""

    @property
    @abstractmethod
    def item_rows(self) -> ItemRows:
        """What is on sale, by rows, with `kept_vectors` beside them."""

    @cached_property
    def kept_vectors(self) -> tuple[VectorColumns, ChangedRows] | tuple[()]:
        """The vectors of the rows, and which rows changed, fed by the rows alone; nothing where no model makes vectors."""
        return () if self.vector_models is None else (VectorColumns(), ChangedRows())

    @cached_property
    def vector_index(self) -> VectorIndex:
        """What is on sale, by vectors."""
        return self.rows_by_vector or NoVectorIndex()

    @cached_property
    def rows_by_vector(self) -> FaissVectorIndex | None:
        """The rows of this process by their vectors; None where none are kept."""
        if not self.kept_vectors:
            return None
        vectors, changed = self.kept_vectors
        return FaissVectorIndex(self.item_rows, vectors, changed)

    @property
    def graph_line(self) -> Line:
        """What builds the graph of everything on sale, where that is too much to read: for a thread of its own, since it takes minutes of
        a million rows.
        """
        index = self.rows_by_vector
        return () if index is None else (Worker("graph of vectors", index.rebuild),)

    def watch_vectors(self, metrics: Metrics) -> None:
        """The gauges of what is kept of vectors; a scrape makes none."""

        def items_in(state: str) -> float:
            index = self.__dict__.get("rows_by_vector")
            return 0.0 if index is None else float(sum(kept.items for kept in index.kept() if kept.state == state))

        searched = "Items on sale by whose vectors this process searches."
        waiting = "Items on sale embedded by a model that comes into force once all of them are."
        metrics.watch("vectors_in_force", searched, lambda: items_in("in force"))
        metrics.watch("vectors_gathered", waiting, lambda: items_in("gathered"))
