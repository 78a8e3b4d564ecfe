"""The part of every wiring that judges listings beside the others of the market.

In: the ports that this needs. Out: what the write path asks of them.
"""

from abc import ABC, abstractmethod
from functools import cached_property

from smallpool_config.wiring.understands import Understands
from smallpool_core.market_ports import RepostIndex, SellerRecords
from smallpool_core.ports import Atomic, Clock, EventLog, WideTable
from smallpool_indexer.reposts import RepostMarker
from smallpool_indexer.sellers import SellerEventConsumer, SellerScorer
from smallpool_service.trace import Observer


class JudgesListings(Understands, ABC):
    """Each part is built when it is first asked for."""

    clock: Clock
    _observer: Observer

    @property
    @abstractmethod
    def log(self) -> EventLog:
        """The event log."""

    @property
    @abstractmethod
    def repost_index(self) -> RepostIndex:
        """Listings on sale by what they say."""

    @property
    @abstractmethod
    def owned_log(self) -> EventLog:
        """The same log as the owner of items reads and writes it."""

    @property
    @abstractmethod
    def wide(self) -> WideTable:
        """The wide table."""

    @property
    @abstractmethod
    def sellers_atomic(self) -> Atomic:
        """Joins what one batch of seller events writes."""

    @property
    @abstractmethod
    def seller_records(self) -> SellerRecords:
        """What is known of sellers."""

    @cached_property
    def reposts(self) -> RepostMarker:
        """What finds listings that say what an earlier one says."""
        index, asked = self.repost_index, self.settings.reposts
        return RepostMarker(index=index, log=self.log, clock=self.clock, understander=self.understander, settings=asked)

    @cached_property
    def seller_events(self) -> SellerEventConsumer:
        """The consumer of seller events."""
        return SellerEventConsumer(
            clock=self.clock,
            atomic=self.sellers_atomic,
            log=self.log,
            records=self.seller_records,
            settings=self.settings.sellers,
            sizes=self.settings.indexer,
            observer=self._observer,
        )

    @cached_property
    def sellers(self) -> SellerScorer:
        """What judges the sellers of listings."""
        return SellerScorer(
            records=self.seller_records, log=self.owned_log, wide=self.wide, settings=self.settings.sellers, sizes=self.settings.indexer
        )
