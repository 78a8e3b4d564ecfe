"""The ports of X2I: where lists of related items are kept, and what counts behaviour into them. `ports.py` goes on here.

In: events of people. Out: lists of items by item and by term, site-wide and for single pools.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from smallpool_core.relations import SITE, Additions, Generation, Key, Related, RelationKind, RelationList, Source
from smallpool_core.users import UserEvent


class Relations(Protocol):
    """Lists of related items, in generations: one serves while the next is filled, then all change to it in one step.

    One writer at a time, who has the turn; any may read. The read path asks the async methods and fails open: without them a source is
    named as failed, and a page is made of the others. The write path asks the sync ones; what it writes bears repeating.
    """

    async def related(self, kind: RelationKind, keys: Collection[str], limit: int, pool_id: str = SITE) -> dict[str, list[Related]]:
        """For each item id (or term, for the kind `term`) that has a list its first `limit` items, heaviest first; all of one generation.

        With a pool's id the lists made for that pool alone, which hold no other items; where none were made, nothing. Items may have
        sold since: who asks holds them against what is on sale.
        """

    async def serving(self) -> Generation | None:
        """The generation that serves, as of at most a second ago; None before the first."""

    def current(self) -> Generation | None:
        """The same for the write path, as it is now."""

    def load(self, keys: Collection[Key]) -> dict[Key, RelationList]:
        """Lists of the serving generation, those that are there."""

    def merge(self, lists: Mapping[Key, RelationList], progress: Generation) -> None:
        """Replaces lists of the serving generation, then notes `progress`, which is of the same number. A merge that ends half way leaves
        lists that say by their `at` that they are done, so that the same additions made again count once.
        """

    def begin(self, now: int, source: Source = "log") -> int:
        """The number of a new generation made from this, `now` (ms) or what is above the one that serves. What an earlier one left that
        never came to serve is in nobody's way.
        """

    def fill(self, number: int, lists: Mapping[Key, RelationList]) -> None:
        """Puts lists into a generation that was begun and does not serve yet; a key again replaces its list."""

    def switch(self, generation: Generation) -> None:
        """From now on this generation serves, and no other; the one before it is dropped."""

    def take_turn(self, now: int, lasts_ms: int) -> str | None:
        """The turn to write, by a name, for the first who asks of all processes; None for all others until it is over."""

    def keep_turn(self, turn: str, now: int, lasts_ms: int) -> str | None:
        """The turn, perhaps by another name, which lasts so long from now on; None where it was over and so may be somebody else's."""

    def end_turn(self, turn: str) -> None:
        """Gives the turn back before it is over; one that is somebody else's by now stays theirs."""


class CoVisits(Protocol):
    """Counts one set of events, bigger than memory or not, into pairs of items. Used by one thread and closed after; files that it needs
    meanwhile are its own.
    """

    def take(self, events: Iterable[UserEvent], *, fresh: bool = True) -> int:
        """Takes events in, returns how many of them relate items; the same event (person, type, item, time) twice counts once, as one that
        is not fresh if either is not.
        """

    def read(self, files: Sequence[str]) -> tuple[int, int]:
        """The same from JSONL and Parquet files with `user`, `item`, `event` and `at` (ms); also returns how many rows were no events.
        Raises `Refused`, naming the file and what is wrong with it.
        """

    def last_at(self) -> int:
        """The time (ms) of the last event taken; 0 without any."""

    def items(self) -> Iterator[Sequence[str]]:
        """Ids of all items that have an event, in batches."""

    def know(self, items: Iterable[tuple[str, bool, Sequence[str], Sequence[str]]]) -> None:
        """What is known of items: id, whether it is gone (and so is related to, but never shown), its terms, its pools. What is not known
        counts as on sale, without terms and pools.
        """

    def lists(self, at: int) -> Iterator[tuple[Key, RelationList]]:
        """Every list that all of the events make, as of `at` (ms), those of one kind after those of another."""

    def additions(self, at: int) -> Additions:
        """What the fresh events add, as of `at` (ms): pairs of which one event, at least, is fresh. Held in memory: it is for an hour's
        events, not for all.
        """
