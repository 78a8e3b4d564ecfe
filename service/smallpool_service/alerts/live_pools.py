"""The live pools as whoever judges them knows them: their names, and their sizes as far as tags tell them.

In: the catalogue, what knows how large pools are. Out: sizes by pool, None where the tag is on its way. What is banned is served nowhere,
and not judged.
"""

from collections.abc import Iterable

from smallpool_core.catalogue import Catalogue
from smallpool_core.pools import BANNED
from smallpool_core.ports import WideTail
from smallpool_service.cuts import Cuts


class LivePools:
    """Pools by id, as of the last refresh."""

    def __init__(self, catalogue: Catalogue, cuts: Cuts, tail: WideTail) -> None:
        self._catalogue = catalogue
        self._cuts = cuts
        self._tail = tail

    def refresh(self) -> list[str]:
        """Takes in what changed; the ids of all that are live. Raises `StoreError`."""
        self._catalogue.refresh()
        return [known.pool.pool_id for known in self._catalogue.all() if known.pool.state == "live" and known.pool.pool_id != BANNED]

    def name(self, pool_id: str) -> str:
        """What people call it; its id where it is not known here."""
        return self._catalogue.get(pool_id).pool.name if pool_id in self._catalogue else pool_id

    def sizes(self, pool_ids: Iterable[str], now: int) -> dict[str, int | None]:
        """How many items are in each and on sale."""
        place = self._tail.place()
        known = {pool_id: self._catalogue.get(pool_id).seen_from(place) for pool_id in pool_ids}
        return {pool_id: self._cuts.size(pool, now) if pool.is_trusted else None for pool_id, pool in known.items()}
