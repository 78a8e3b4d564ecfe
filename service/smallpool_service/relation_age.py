"""How old the lists of related items are that pages are made from.

In: which generation serves, asked of its store once a second at most. Out: the age for traces and metrics.
"""

from contextlib import suppress

from smallpool_core.errors import StoreError
from smallpool_core.ports import Clock
from smallpool_core.relation_ports import Relations
from smallpool_core.relations import Generation
from smallpool_service.prompt import in_time
from smallpool_service.run import Run

NAME = "relations"
FRESH_MS = 1_000
WAITED_S = 0.02


class RelationAge:
    """Remembers the generation that serves, as of the last page; safe on one event loop."""

    def __init__(self, relations: Relations, clock: Clock) -> None:
        self._relations = relations
        self._clock = clock
        self._generation: Generation | None = None
        self._asked_at: int | None = None

    async def tell(self, run: Run) -> None:
        """Notes the age in the run, for its trace; nothing where no lists were ever made, or nobody knows."""
        now = self._clock.now_ms()
        if self._asked_at is None or not 0 <= now - self._asked_at < FRESH_MS:
            self._asked_at = now
            with suppress(StoreError, TimeoutError):  # the sources have told of it
                self._generation = await in_time(self._relations.serving(), WAITED_S)
        age = self.age_ms()
        if age is not None:
            run.ages_ms[NAME] = age

    def age_ms(self) -> int | None:
        """How long ago the newest event was counted that is in the lists, as far as pages have looked; asks nobody."""
        if self._generation is None:
            return None
        return max(0, self._clock.now_ms() - max(self._generation.merged_upto, self._generation.covers))
