"""The full sync: `item-wide` replayed into a fresh generation of the wide index, held against the replay, and made to serve.

In: the generations there are, a tail from the beginning. Out: another generation that serves and holds of each item its newest
record. Whoever indexes writes to the new generation too from the moment it is there, so that events may go on flowing, and nothing
that anyone has passed is missing from it when it serves. A rebuild that ends early leaves the old generation serving; what it left
half filled is dropped by the next one.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.errors import StoreError
from smallpool_core.generations import Generations
from smallpool_core.places import Places
from smallpool_core.ports import ItemWriter, WideTail
from smallpool_indexer.compare import NAMED, Comparison, compare
from smallpool_indexer.replay import Replay, Show, Wait, read_to


class Sources(Struct, frozen=True):
    """What a rebuild stands on: the generations, a writer of the one to serve next, `item-wide` from its beginning, and its end now."""

    generations: Generations
    writer: ItemWriter
    tail: Callable[[], AbstractContextManager[WideTail]]
    end: Callable[[], Places]


class Rebuilt(Struct, frozen=True):
    """What serves now and what did before; the records that were replayed, items and digest of both sides, and what went.

    `refused` counts items of which the index will not take a record; they are dead letters. `newer` counts those of which a newer
    record than the replay's came in while the two sides were compared, and was found in `item-wide` afterwards.
    """

    serving: str
    before: str | None
    records: int
    items: int
    digest: str
    replayed_items: int
    replayed_digest: str
    newer: int
    refused: int
    dropped: list[str]


class Rebuild:
    """Not safe for threads: one owner. `size` records are written at a time."""

    def __init__(self, sources: Sources, wait: Wait, size: int = 1_000) -> None:
        self._generations = sources.generations
        self._sources = sources
        self._wait = wait
        self._size = size

    def run(self, keep: int, show: Show) -> Rebuilt:
        """Fills a new generation, swaps, and keeps `keep` of the others to go back to.

        Raises `Conflict` while another one runs, `StoreError` where the new generation does not hold what was replayed.
        """
        with self._generations.alone():
            dropped = self._drop(self._half_filled())
            name = self._generations.create()
            try:
                rebuilt = self._filled(name, show)
            except BaseException:
                with suppress(StoreError):
                    self._generations.drop(name)
                raise
            self._generations.serve(name)
            return replace(rebuilt, dropped=dropped + self._drop(self._beyond(keep, rebuilt.before)))

    def roll_back(self, show: Show) -> Rebuilt:
        """Brings the generation that was made before the one that serves up to date, and swaps back to it.

        Raises `Conflict` while a rebuild runs, `StoreError` where there is none to go back to or it does not hold what was replayed.
        """
        with self._generations.alone():
            name = self._previous()
            dropped = self._drop([half for half in self._half_filled() if half != name])
            self._generations.resume(name)
            try:
                rebuilt = self._filled(name, show)
            except BaseException:
                with suppress(StoreError):
                    self._generations.leave(name)
                raise
            self._generations.serve(name)
            return replace(rebuilt, dropped=dropped)

    def _filled(self, name: str, show: Show) -> Rebuilt:
        """Replays everything into the generation and compares; what comes after that is written by those who index."""
        serving = next((one.name for one in self._generations.generations() if one.serves), None)
        with self._sources.tail() as tail:
            replay = Replay(tail, self._sources.writer, self._size)
            self._read_on(replay, show)
            self._generations.refresh(name)
            found = compare(replay.newest, self._generations.orders(name))
            self._read_on(replay, show)
        unknown = [item_id for item_id, order in found.newer.items() if order > replay.newest.get(item_id, -1)]
        if unknown or found.digest != found.expected_digest:
            raise StoreError(_difference(name, serving, found, [*found.wrong, *unknown]))
        self._generations.refresh(name)
        return Rebuilt(
            serving=name,
            before=serving,
            records=replay.records,
            items=found.items,
            digest=found.digest,
            replayed_items=found.expected_items,
            replayed_digest=found.expected_digest,
            newer=len(found.newer),
            refused=len(replay.refused),
            dropped=[],
        )

    def _read_on(self, replay: Replay, show: Show) -> None:
        """To where `item-wide` ends now."""
        read_to(self._sources.end(), replay.tail, replay.step, self._wait, show)

    def _half_filled(self) -> list[str]:
        """What a rebuild left that was killed."""
        return [one.name for one in self._generations.generations() if one.is_next]

    def _previous(self) -> str:
        """The generation before the one that serves."""
        found = self._generations.generations()
        serving = next((place for place, one in enumerate(found) if one.serves), 0)
        if not serving:
            known = ", ".join(one.name for one in found) or "no generation"
            raise StoreError(f"could not go back: of {known} none was made before the one that serves; `smallpool rebuild` makes a new one")
        return found[serving - 1].name

    def _beyond(self, keep: int, before: str | None) -> list[str]:
        """Those that are not kept: the one that served last is kept first, then the newest."""
        others = [one.name for one in self._generations.generations() if not one.serves]
        others.sort(key=lambda name: (name == before, name), reverse=True)
        return others[keep:]

    def _drop(self, names: list[str]) -> list[str]:
        for name in names:
            self._generations.drop(name)
        return names


def _difference(name: str, serving: str | None, found: Comparison, wrong: list[str]) -> str:
    named = f", among them {', '.join(map(repr, wrong[:NAMED]))}" if wrong else ""
    return (
        f"could not fill {name!r}: it holds {found.items:,} items with digest {found.digest[:12]}, and item-wide has"
        f" {found.expected_items:,} with digest {found.expected_digest[:12]}{named}; {serving or 'no index'} goes on serving:"
        " see that nothing else writes to the index, then run `smallpool rebuild` again"
    )
