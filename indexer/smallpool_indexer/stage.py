"""The one wrapper round a stage: time, counts, log lines and dead letters; no stage knows of any of them.

In: a stage's function and its input. Out: its output; what else it says goes to the observer, the log and `letters`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Generic, Protocol, TypeVar

from msgspec import Struct, field

from smallpool_core.items import DeadLetter

_In = TypeVar("_In")
_Out = TypeVar("_Out")

log = logging.getLogger("smallpool.indexer")


class StageObserver(Protocol):
    """Takes the figures of the write path to where they are shown."""

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        """One run of a stage."""
        ...

    def count(self, name: str, amount: int) -> None:
        """Something worth counting happened `amount` times; names are a closed set."""
        ...


class Unobserved:
    """An observer for those who want no figures."""

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        """Forgets it."""

    def count(self, name: str, amount: int) -> None:
        """Forgets it."""


class Staged(Struct, Generic[_Out]):
    """What a stage returns: its output, what could not be taken in, what to count, and what a person should read."""

    out: list[_Out]
    letters: list[DeadLetter] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Stages:
    """Runs the stages of one batch and gathers its dead letters."""

    def __init__(self, observer: StageObserver) -> None:
        self._observer = observer
        self.letters: list[DeadLetter] = []

    def run(self, name: str, stage: Callable[[Sequence[_In]], Staged[_Out]], taken: Sequence[_In]) -> list[_Out]:
        """The stage's output for the input."""
        started = perf_counter()
        staged = stage(taken)
        self._observer.observe(name, perf_counter() - started, len(taken), len(staged.out))
        for counted, amount in staged.counts.items():
            if amount:
                self._observer.count(counted, amount)
        for note in staged.notes:
            log.warning("%s: %s", name, note)
        for letter in staged.letters:
            log.warning("%s: dead letter of %s, offset %d: %s", name, letter.topic, letter.offset, letter.reason)
        if staged.letters:
            self._observer.count("dead_letter", len(staged.letters))
        self.letters += staged.letters
        return staged.out
