"""The catalogue, refreshed by several threads: what the store said last is what stands."""

from threading import Event, Thread
from typing import Any

from read_rig import EVERYTHING, FakePools
from smallpool_core.catalogue import Catalogue
from smallpool_core.fields import Attributes
from smallpool_core.pools import Ordering, PoolChange, PoolSettings

SOON_S = 0.3


class SlowPools(FakePools):
    """The first who asks what changed gets the answer of that moment, but only once it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_go_on = Event(), Event()

    def save(self, state: str) -> None:
        self.put("p", EVERYTHING, trusted=False, state=state, settings=PoolSettings(), ordering=Ordering())

    def changes(self, after_epoch: int) -> list[PoolChange]:
        found = super().changes(after_epoch)
        if not self.asked.is_set():
            self.asked.set()
            self.may_go_on.wait()
        return found


def test_a_refresh_that_took_long_puts_back_nothing_that_another_took_in() -> None:
    store: Any = SlowPools()
    catalogue = Catalogue(store, Attributes({}))
    store.save("live")
    slow = Thread(target=catalogue.refresh)
    slow.start()
    store.asked.wait()
    store.save("archived")
    fast = Thread(target=catalogue.refresh)
    fast.start()
    fast.join(SOON_S)
    store.may_go_on.set()
    slow.join()
    fast.join()
    assert catalogue.get("p").pool.state == "archived"
    assert catalogue.epoch == store.epoch()
