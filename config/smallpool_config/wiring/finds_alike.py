"""What is on sale by its vectors, in this process, in every wiring: beside the rows that the live view looks at.

In: the rows. Out: the port `VectorIndex`.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from math import inf
from typing import Final

from smallpool_config.wiring.understands import Understands
from smallpool_core.source_ports import VectorIndex
from smallpool_indexer.write_path import Line, Turn, Worker
from smallpool_service.metrics import Metrics
from smallpool_stores.faiss.vector_index import FaissVectorIndex
from smallpool_stores.memory.changed_rows import ChangedRows
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_index import NoVectorIndex
from smallpool_stores.memory.vectors import VectorColumns

GRAPH: Final = "graph of vectors"
"""The name of the worker that builds what everything on sale is searched by."""

RESTS_S: Final = 10.0
log = logging.getLogger("smallpool.vectors")


class Forgiven:
    """Turns of a worker whose failure costs pages their vectors and nothing else: it is told, rests for a while and is tried again, and the
    process stays ready to serve.
    """

    def __init__(self, name: str, turn: Turn, now_s: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._turn = turn
        self._now_s = now_s
        self._rests_until = -inf

    def __call__(self) -> bool:
        """One turn, unless it rests."""
        if self._now_s() < self._rests_until:
            return False
        try:
            return self._turn()
        except Exception as error:  # noqa: BLE001  want of memory, a server that is down: pages go on either way
            self._rests_until = self._now_s() + RESTS_S
            log.warning("%s: waiting %g s, pages may lack vectors meanwhile: %s: %s", self._name, RESTS_S, type(error).__name__, error)
            return False


class FindsAlike(Understands, ABC):
    """A part of `System`."""

    @property
    @abstractmethod
    def item_rows(self) -> ItemRows:
        """What is on sale, by rows, with `kept_vectors` beside them."""

    @cached_property
    def kept_vectors(self) -> tuple[VectorColumns, ChangedRows] | tuple[()]:
        """The vectors of the rows and which rows change, fed by the rows alone; none where no model makes any."""
        return () if self.vector_models is None else (VectorColumns(), ChangedRows())

    @cached_property
    def vector_index(self) -> VectorIndex:
        """What is on sale, by vectors."""
        if not self.kept_vectors:
            return NoVectorIndex()
        return FaissVectorIndex(self.item_rows, *self.kept_vectors)

    def vector_line(self) -> Sequence[Line]:
        """What keeps the index of vectors up to date beside the tail that feeds it, on a thread of its own; none where there is none."""
        index = self.vector_index
        return [[Worker(GRAPH, Forgiven(GRAPH, index.rebuild))]] if isinstance(index, FaissVectorIndex) else []

    def watch_vectors(self, metrics: Metrics) -> None:
        """The gauges of what is kept of vectors in this process; a scrape makes none."""

        def items_in(state: str) -> float:
            index = self.__dict__.get("vector_index")
            return float(sum(kept.items for kept in index.kept() if kept.state == state) if isinstance(index, FaissVectorIndex) else 0)

        searched = "Items on sale by whose vectors this process searches."
        waiting = "Items on sale embedded by a model that comes into force once all of them are."
        metrics.watch("vectors_in_force", searched, lambda: items_in("in force"))
        metrics.watch("vectors_gathered", waiting, lambda: items_in("gathered"))
