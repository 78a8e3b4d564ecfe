"""The part of every wiring that applies what people do: where it adds up, whose devices are whose, and the consumer of their events.

In: the ports that this needs. Out: the consumer.
"""

from abc import abstractmethod
from functools import cached_property

from smallpool_config.settings import Settings
from smallpool_config.wiring.understands import Understands
from smallpool_core.linking import Links
from smallpool_core.ports import Atomic, Clock, EventLog, ItemLookup, ItemStats, TriggerStore
from smallpool_indexer.user_events import UserEventConsumer
from smallpool_service.trace import Observer


class AppliesBehaviour(Understands):
    """A part of `System`."""

    settings: Settings
    clock: Clock
    _observer: Observer

    @property
    @abstractmethod
    def behaviour_atomic(self) -> Atomic:
        """Joins what one batch of user events writes."""

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
    def triggers(self) -> TriggerStore:
        """Behaviour by person."""

    @property
    @abstractmethod
    def links(self) -> Links:
        """Which device is whose."""

    @property
    @abstractmethod
    def stats(self) -> ItemStats:
        """Statistics of items."""

    @cached_property
    def user_events(self) -> UserEventConsumer:
        """The consumer of user events."""
        return UserEventConsumer(
            clock=self.clock,
            atomic=self.behaviour_atomic,
            log=self.log,
            items=self.items,
            triggers=self.triggers,
            links=self.links,
            stats=self.stats,
            understander=self.understander,
            behaviour=self.settings.behaviour,
            settings=self.settings.indexer,
            observer=self._observer,
        )
