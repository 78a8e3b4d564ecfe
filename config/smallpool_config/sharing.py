"""Shares the understanding of many listings among processes, since it is most of what taking in a listing costs and one process
computes on one core.

In: listings. Out: what they mean, as one understander would have it. Assistants are started when a backlog shows and are let go when
none has been there for a while; whatever becomes of them, the listings are understood.
"""

import logging
import os
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from threading import Lock
from typing import Final

from smallpool_config.assistant import Assistant, AssistantFailed
from smallpool_config.tagging import ServedUnderstander
from smallpool_core.items import Given, Understood

WORTH_SHARING: Final = 16
"""Fewer listings are understood sooner than they are handed over and back."""
BACKLOG: Final = 1_024
"""Listings that came in batches worth sharing before assistants are started: reading all they need costs each some two seconds."""
IDLE_S: Final = 300.0
"""So long after the last batch worth sharing they are let go."""
MOST_ASSISTANTS: Final = 3
"""By default: with more, what cannot be shared is most of the work."""
AGAIN_S: Final = 60.0
"""So long after one failed none is started."""

log = logging.getLogger("smallpool.understanding")


class SharedUnderstander:
    """An understander that has help. `refresh` is for one thread; all else is for any: who comes while others are helped has none."""

    def __init__(
        self, own: ServedUnderstander, most: int, start: Callable[[], Assistant], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """At most `most` assistants, each made by `start`."""
        self._own = own
        self._most = most
        self._start = start
        self._clock = clock
        self._lock = Lock()
        self._assistants: list[Assistant] = []
        self._backlog = 0
        self._shared_at = self._not_before = clock()

    @property
    def version(self) -> str:
        """The versions of the knowledge base, of the segmenter and of the models in force."""
        return self._own.version

    @property
    def versions(self) -> Mapping[str, str]:
        """The same by name, as they stand on what is understood now."""
        return self._own.versions

    @property
    def assistants(self) -> int:
        """How many processes help now."""
        return len(self._assistants)

    def understand(self, given: Sequence[Given]) -> list[Understood]:
        """One result an item, in order; one knowledge base and one model for all of them."""
        if len(given) < WORTH_SHARING or not self._most or not self._lock.acquire(blocking=False):
            return self._own.understand(given)
        try:
            return self._shared(given)
        finally:
            self._lock.release()

    def split_words(self, text: str) -> tuple[str, ...]:
        """The words of a text as titles are cut now."""
        return self._own.split_words(text)

    def quality_of(self, parts: Mapping[str, float]) -> int:
        """The quality, in thousandths, that these parts add up to."""
        return self._own.quality_of(parts)

    def refresh(self) -> None:
        """Changes over to what the folders hold now, and lets go of assistants that nobody needs."""
        self._own.refresh()
        with self._lock:
            if self._assistants and self._clock() - self._shared_at > IDLE_S:
                self._let_go()

    @property
    def knowledge_refused(self) -> str:
        """Why another knowledge base in the folder is not in force; empty where all is well."""
        return self._own.knowledge_refused

    @property
    def model_refused(self) -> str:
        """The same of the models."""
        return self._own.model_refused

    def close(self) -> None:
        """Ends all assistants; what comes after that has none."""
        with self._lock:
            self._most = 0
            self._let_go()

    def _shared(self, given: Sequence[Given]) -> list[Understood]:
        """The first part by this process, each further one by an assistant, all at once; what an assistant fails to do this one does."""
        version = self._own.version
        ready = self._ready(len(given))
        first, *others = in_parts(given, len(ready) + 1)
        asked = [assistant if self._ask(assistant, version, part) else None for assistant, part in zip(ready, others, strict=True)]
        waiting = [assistant for assistant in asked if assistant is not None]
        try:
            understood = self._own.understand(first)
            for assistant, part in zip(asked, others, strict=True):
                answer = None
                if assistant is not None:
                    waiting.remove(assistant)
                    answer = self._answer(assistant)
                understood += answer or self._own.understand(part)
        except BaseException:
            for assistant in waiting:  # its next answer would be taken for that to another question
                self._lose(assistant, AssistantFailed(f"process {assistant.process_id} was left with an answer that nobody waits for"))
            raise
        # Another model may have come into force between the parts.
        return understood if self._own.version == version else self._own.understand(given)

    def _ready(self, amount: int) -> list[Assistant]:
        """Those that can be asked; starts some where that many more listings make a backlog."""
        now = self._clock()
        self._backlog += amount
        self._shared_at = now
        if not self._assistants and self._backlog > BACKLOG and now >= self._not_before:
            self._start_all(now)
        return [one for one in self._assistants if self._is_ready(one)]

    def _start_all(self, now: float) -> None:
        try:
            for _ in range(self._most):
                self._assistants.append(self._start())
        except AssistantFailed as error:
            self._not_before = now + AGAIN_S
            log.warning("listings are understood by this process alone: %s", error)

    def _is_ready(self, assistant: Assistant) -> bool:
        try:
            return assistant.is_ready()
        except AssistantFailed as error:
            self._lose(assistant, error)
            return False

    def _ask(self, assistant: Assistant, version: str, part: Sequence[Given]) -> bool:
        try:
            assistant.ask(version, part)
        except AssistantFailed as error:
            self._lose(assistant, error)
            return False
        return True

    def _answer(self, assistant: Assistant) -> list[Understood] | None:
        """What it says, or None where it says nothing of use."""
        try:
            return assistant.answer()
        except AssistantFailed as error:
            self._lose(assistant, error)
            return None

    def _lose(self, assistant: Assistant, error: AssistantFailed) -> None:
        log.warning("%s; this process does its part, and starts another in %g s if it is needed", error, AGAIN_S)
        self._assistants.remove(assistant)
        self._backlog, self._not_before = 0, self._clock() + AGAIN_S
        assistant.close()

    def _let_go(self) -> None:
        for assistant in self._assistants:
            assistant.close()
        self._assistants, self._backlog = [], 0


def assistants_of(asked: int | None) -> int:
    """How many assistants a process may have: what was asked, or else one for each core that it would leave idle, and not very many."""
    return min(MOST_ASSISTANTS, _cores() - 1) if asked is None else asked


def in_parts(given: Sequence[Given], parts: int) -> list[Sequence[Given]]:
    """The listings in their order, cut into that many parts of about the same number of characters."""
    ends = [*accumulate([len(one.title) + len(one.description) for one in given])]
    cuts = [bisect_left(ends, ends[-1] * part / parts) for part in range(1, parts)]
    return [given[start:end] for start, end in pairwise([0, *cuts, len(given)])]


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
