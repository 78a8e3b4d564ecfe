"""A server that does not answer is left alone for a while: else every page would wait for it, several times over, before going without.

In: how calls ended. Out: whether the next one may ask. After `after` failed calls in a row none is made for a pause; then one is, and
it decides for all whether the server is asked again.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

Failures = tuple[type[BaseException], ...]
Chance = Callable[[float, float], float]


class Breaker:
    """What is known of one server's answers. A call that ends with one of `failures` failed; one that ends with one of `neither` says
    nothing; every other end, an error too, is an answer.

    `refusal` makes the error of a call that is not made. A pause lasts `pause_s` at most: half of it is left to chance, so that many
    processes do not come back at once. While one call tries, the others wait for `answer_s` for how it ends.
    """

    def __init__(
        self,
        failures: Failures,
        refusal: Callable[[str], Exception],
        *,
        neither: Failures = (),
        after: int,
        pause_s: float,
        answer_s: float,
        clock: Callable[[], float] = monotonic,
        chance: Chance = random.uniform,
    ) -> None:
        self._failures = failures
        self._neither = neither
        self._refusal = refusal
        self._after = after
        self._pause_s = pause_s
        self._answer_s = answer_s
        self._clock = clock
        self._chance = chance
        self._failed = 0
        self._until = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around one call; raises `refusal` at once where the server is left alone."""
        if self._failed >= self._after:
            self._wait_for_turn()
        try:
            yield
        except self._failures:
            self._failed += 1
            self._until = self._clock() + self._chance(self._pause_s / 2, self._pause_s)
            raise
        except self._neither:
            raise
        except Exception:
            self._failed = 0
            raise
        self._failed = 0

    def _wait_for_turn(self) -> None:
        now = self._clock()
        if now < self._until:
            raise self._refusal(
                f"left alone for {(self._until - now) * 1000:.0f} ms more, because {self._failed} calls in a row had no answer"
            )
        self._until = now + self._answer_s
