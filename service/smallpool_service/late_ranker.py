"""A ranker that is left out for a while once it answers too late: else every page would wait for it, and go without all the same.

In: a ranker, which is somebody's own model, and the settings of the read path. Out: its scores, or why there are none.
"""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from smallpool_core.breaker import Breaker
from smallpool_core.ranking import Ranker
from smallpool_service.prompt import in_time
from smallpool_service.settings import ReadSettings

HURRIED = 0.5
"""With less than this share of the time that a ranker usually has, being late says nothing about it."""


class LeftOut(Exception):
    """The ranker was not asked, because it was late some times in a row."""


class Late(TimeoutError):
    """The ranker had the time that it usually has, and gave no answer."""


class Hurried(TimeoutError):
    """The ranker gave no answer, but had little time for one."""


class LateRanker:
    """One ranker for all pages of this process."""

    def __init__(self, ranker: Ranker, settings: ReadSettings, clock: Callable[[], float] = monotonic) -> None:
        self._ranker = ranker
        self._usual_s = settings.ranker_time_share * settings.timeout_ms / 1000
        after, pause_s = settings.ranker_pause_after, settings.ranker_pause_ms / 1000
        self._breaker = Breaker((Late,), LeftOut, neither=(Hurried,), after=after, pause_s=pause_s, answer_s=self._usual_s, clock=clock)

    async def rank(self, rows: Sequence[Sequence[float]], seconds: float) -> Sequence[float]:
        """See `Ranker.rank`; raises `Late` or `Hurried` when `seconds` are over, and `LeftOut` at once during a pause."""
        with self._breaker.asking():
            try:
                return await in_time(self._ranker.rank(rows), seconds)
            except TimeoutError as error:
                raise (Late if seconds >= HURRIED * self._usual_s else Hurried) from error


def watched(rankers: Mapping[str, Ranker], settings: ReadSettings) -> dict[str, LateRanker]:
    """By pool as they were given; one that ranks many pools is watched as one."""
    known: dict[int, LateRanker] = {}
    return {pool_id: known.setdefault(id(ranker), LateRanker(ranker, settings)) for pool_id, ranker in rankers.items()}
