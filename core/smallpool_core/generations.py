"""The wide index in generations: one serves, one may be filled to serve next, those that served are kept to go back to.

In: names of generations. Out: what is there of each, and which of them serves. A port, as those of `ports.py` are.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Protocol

from msgspec import Struct


class Generation(Struct, frozen=True):
    """One index of items: its name, how many documents it has, whether it serves or is to serve next, when it was made (ms)."""

    name: str
    documents: int
    serves: bool
    is_next: bool
    created_at: int


class Generations(Protocol):
    """Every question is answered by the one that serves. Whoever indexes writes to that one and to the next, so that an item is
    in each generation that serves after its `ItemWriter.index` returned.
    """

    def alone(self) -> AbstractContextManager[None]:
        """Keeps others from the same while the block lasts; raises `Conflict` while somebody else is in it.

        A process that was killed inside keeps others out for some seconds.
        """
        ...

    def generations(self) -> list[Generation]:
        """All there are, oldest first."""
        ...

    def create(self) -> str:
        """A new, empty one, which is the next from now on. There is no other next one."""
        ...

    def resume(self, name: str) -> None:
        """Makes one that is there the next; raises `StoreError` where this version lays out items otherwise."""
        ...

    def refresh(self, name: str) -> None:
        """Returns once questions would see all that was written to it before."""
        ...

    def orders(self, name: str) -> Iterator[tuple[str, int, int]]:
        """(item_id, version, enrich) of every item, as last refreshed, by item_id as UTF-8."""
        ...

    def serve(self, name: str) -> None:
        """The next one serves, at once for every question, and is the next no more; the other is kept as it is.

        Raises `StoreError` where it is not the next: somebody else began anew.
        """
        ...

    def leave(self, name: str) -> None:
        """The next one is it no more, and is kept as it is."""
        ...

    def drop(self, name: str) -> None:
        """Deletes one; raises `StoreError` for the one that serves."""
        ...


def digest_of(orders: Iterable[tuple[str, int, int]]) -> str:
    """SHA-256 over (item_id, version, enrich) of all items, by item_id as UTF-8: equal where two hold the same records."""
    digest = sha256()
    for item_id, version, enrich in orders:
        digest.update(b"%b\0%d\0%d\n" % (item_id.encode(), version, enrich))
    return digest.hexdigest()
