"""The ports of experiments: who keeps them, and what joins what was served with what followed.

Both promise what `ports.py` says of all: `StoreUnavailable` or `StoreFull` for a store that fails, never a vendor's exception.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from smallpool_core.experiments import ExperimentDraft, ExperimentRevision

Followed = Literal["served", "user-events"]


class ExperimentStore(Protocol):
    """Experiments as revisions, all of them one sequence without gaps: so of two changes at once the second is checked against the first,
    whichever experiments they are of. Operators' writes fail closed; serving uses the last copy.
    """

    async def put(
        self, experiment_id: str, draft: ExperimentDraft, expected: int | None, author: str, reason: str, now: int
    ) -> ExperimentRevision:
        """Writes the next revision: of a new experiment when `expected` is None, else only if that is the newest. Raises what
        `revised_experiment` does.
        """

    async def revisions(self, experiment_id: str) -> list[ExperimentRevision]:
        """All revisions, newest first; raises `NotFound`."""

    async def newest(self) -> list[ExperimentRevision]:
        """The newest revision of every experiment, by id; every change that was put before is among them."""

    def since(self, epoch: int) -> list[ExperimentRevision]:
        """Revisions beyond that epoch, rising; cheap. One of another process comes within a second."""


class Moments(Struct, frozen=True):
    """Sums over the people of one bucket, from which a mean or a ratio and its variance follow: x is what is counted of a person, y what
    it is counted by (1 for a mean). `source` is empty for a figure of whole pages.
    """

    bucket: str
    figure: str
    source: str
    people: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float


class People(Struct, frozen=True):
    """Who took part: people by bucket; people that were met in several, who count in none; pages that testers asked for."""

    by_bucket: dict[str, int]
    mixed: int
    forced_pages: int


class Outcomes(Protocol):
    """What was served in a span of time, and what followed, on a disk of its own: any amount of it in bounded memory. One caller at a time.

    What somebody did with an item belongs to the page that its request_id names, if that page was theirs and holds the item; else to the
    last page before it that was served to them with the item, if that is no longer ago than the window.
    """

    def add(self, topic: Followed, values: Sequence[bytes]) -> None:
        """Takes in records of a log, as they are there; what comes twice counts once."""

    def attribute(self, since: int, until: int, window_ms: int) -> None:
        """Joins what was added: pages made from `since` until before `until` (ms)."""

    def people(self, layer: str, experiment_id: str) -> People:
        """Who took part in an experiment."""

    def moments(self, layer: str, experiment_id: str) -> list[Moments]:
        """Every figure of the experiment's buckets, for whole pages and by source."""

    def export(self, file: Path, form: Literal["parquet", "jsonl"]) -> int:
        """Writes a row for each line of each page; returns how many. Raises `StoreError` where the file cannot be written."""


class OpensOutcomes(Protocol):
    """Makes an empty `Outcomes`, which is gone when the block ends."""

    def __call__(self) -> AbstractContextManager[Outcomes]: ...
