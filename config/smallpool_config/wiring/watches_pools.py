"""The part of every wiring that looks after pools: what is counted of them, the figures of the last hour, alerts and who is told.

In: the ports that this needs. Out: a counter for both pipelines, and what turns in the background of a process that serves.
"""

from abc import ABC, abstractmethod
from functools import cached_property

from smallpool_config.settings import Settings
from smallpool_core.catalogue import Catalogue
from smallpool_core.pool_counts import CountSender, PoolCounter
from smallpool_core.ports import Clock, ItemReader, LiveView, PoolFigures, WideTail
from smallpool_service.alerts.board import Board
from smallpool_service.alerts.live_pools import LivePools
from smallpool_service.alerts.messenger import Messenger
from smallpool_service.alerts.watch import PoolWatch
from smallpool_service.cuts import Cuts
from smallpool_service.trace import Observer
from smallpool_stores.webhook import Webhook


class WatchesPools(ABC):
    """Each part is built when it is first asked for."""

    settings: Settings
    clock: Clock
    _observer: Observer

    @property
    @abstractmethod
    def tail(self) -> WideTail:
        """What feeds the live view of this process."""

    @property
    @abstractmethod
    def live_view(self) -> LiveView:
        """What is on sale."""

    @property
    @abstractmethod
    def reader(self) -> ItemReader:
        """The wide index, reading side."""

    @property
    @abstractmethod
    def pool_figures(self) -> PoolFigures:
        """What happens in pools, and the alerts about them."""

    @property
    @abstractmethod
    def catalogue(self) -> Catalogue:
        """The pools as this process knows them, for reading."""

    @cached_property
    def cuts(self) -> Cuts:
        """Up to where pools of a largest size hold items."""
        return Cuts(self.live_view, self.reader)

    @cached_property
    def counter(self) -> PoolCounter:
        """What this process counts of pools."""
        return PoolCounter()

    @cached_property
    def count_sender(self) -> CountSender:
        """What passes that on; in each process one thread's."""
        return CountSender(self.counter, self.pool_figures, self.clock)

    @cached_property
    def board(self) -> Board:
        """What a serving process knows of all live pools."""
        return Board()

    @cached_property
    def pool_watch(self) -> PoolWatch:
        """What fills the board, and raises and clears alerts."""
        asked = self.settings.alerts
        pools = LivePools(self.catalogue, self.cuts, self.tail)
        post = Webhook(asked.webhook_url, asked.timeout_ms).post if asked.webhook_url else None
        messenger = Messenger(post, pools.name, self._observer)
        return PoolWatch(pools, self.pool_figures, self.clock, self.board, messenger, asked)

    def watch_pools(self) -> bool:
        """One turn of the watch, for a line of workers. It is never busy: a look at ten thousand pools rests between its turns, and who
        takes in listings or answers pages does not wait for it.
        """
        self.pool_watch.turn()
        return False
