"""The part of every wiring that relates items: where the lists are kept, what counts them, and what turns in the background.

In: the ports that this needs. Out: the relater, and its turn.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property

from smallpool_config.beside import Beside
from smallpool_config.settings import Settings
from smallpool_core.catalogue import Catalogue
from smallpool_core.ports import Clock, EventLog, ItemLookup
from smallpool_core.relation_ports import CoVisits, Relations
from smallpool_indexer.relate import Relater
from smallpool_indexer.write_path import Worker
from smallpool_service.trace import Observer

RELATING = "related items"
"""The name of the worker."""


class RelatesItems(ABC):
    """Each part is built when it is first asked for."""

    settings: Settings
    clock: Clock
    _observer: Observer

    @property
    @abstractmethod
    def log(self) -> EventLog:
        """The event log."""

    @property
    @abstractmethod
    def items(self) -> ItemLookup:
        """Wide items by id, whoever owns them."""

    @property
    @abstractmethod
    def relations(self) -> Relations:
        """Lists of related items."""

    @abstractmethod
    def new_catalogue(self) -> Catalogue:
        """The pools, for one thread."""

    @cached_property
    def relater(self) -> Relater:
        """What makes the lists; one thread's at a time."""
        return Relater(
            clock=self.clock,
            log=self.log,
            items=self.items,
            relations=self.relations,
            counting=self._counting,
            settings=self.settings.relations,
            pools=self._pools_with_lists,
        )

    @cached_property
    def relating(self) -> Worker:
        """Looks now and then whether the lists are due, and makes them beside whatever else its line does. Pages and intake do without
        what fails here, so it makes no process unready: it is logged, and counted.
        """
        relater = self.relater
        return Worker(RELATING, Beside(RELATING, relater.is_awake, relater.step, lambda: self._observer.count("relations.failed")).turn)

    def _counting(self) -> AbstractContextManager[CoVisits]:
        from smallpool_stores.duckdb.covisits import covisits  # takes as long to import as all else, and most commands count nothing

        return covisits(self.settings.relations, self.settings.behaviour.behaviour_weights)

    def _pools_with_lists(self) -> Sequence[str]:
        catalogue = self.new_catalogue()
        catalogue.refresh()
        return [known.pool.pool_id for known in catalogue.all() if known.pool.settings.own_relations and known.pool.state == "live"]
