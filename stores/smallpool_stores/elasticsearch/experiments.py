"""Experiments in Elasticsearch: every revision a document that is written once, under its number in the order of all changes.

In: drafts as operators send them. Out: revisions, newest first; what changed since an epoch.

The numbers have no gaps, so what is new lies under the next ones, and a document is found by its id as soon as it is written: who writes
under a number that somebody else had first looks again, and so does whoever only reads. All that was ever changed is held in memory, which
for experiments is little.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from itertools import takewhile
from secrets import token_hex
from typing import Any

from elasticsearch import ConflictError, Elasticsearch
from msgspec import convert, to_builtins

from smallpool_core.errors import NotFound, StoreError, StoreUnavailable
from smallpool_core.experiments import Experiment, ExperimentBook, ExperimentDraft, ExperimentRevision, revised_experiment
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated, unavailable
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings
from smallpool_stores.elasticsearch.small_index import KEPT, KEYWORD, LONG, OPAQUE, ensure_small_index

FIELDS: Mapping[str, Any] = {
    "experiment_id": KEYWORD,
    "revision": LONG,
    "experiment": OPAQUE,
    "author": KEYWORD,
    "reason": KEPT,
    "at": LONG,
    "change": KEPT,
}
FOLLOW_EVERY_S = 0.2
AHEAD = 20
"""Numbers that are looked for at a time; where all are there, the next ones follow."""
TRIES = 20
READ = "read the experiments"

log = logging.getLogger("smallpool.experiments")


def index_of(settings: ElasticsearchSettings) -> str:
    """The name under which the index is known."""
    return f"{settings.prefix}-experiments"


def ensure(client: Elasticsearch, settings: ElasticsearchSettings) -> None:
    """Makes the index of the experiments, if it is not there."""
    ensure_small_index(client, index_of(settings), FIELDS, settings.replicas)


class ElasticsearchExperimentStore:
    """Experiments and their history. What operators ask looks at the store first; `since` answers from memory, which a thread keeps at
    most `FOLLOW_EVERY_S` and one answer behind. The index is there already, by `ensure`.
    """

    def __init__(self, connection: Connection) -> None:
        self._client = connection.sync
        self._reading = connection.sync.options(request_timeout=connection.settings.read_timeout_ms / 1000)
        self._index = index_of(connection.settings)
        self._known: list[ExperimentRevision] = []
        self._failure: StoreError | None = None
        self._one_at_a_time = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="experiments", daemon=True)

    async def put(
        self, experiment_id: str, draft: ExperimentDraft, expected: int | None, author: str, reason: str, now: int
    ) -> ExperimentRevision:
        return await asyncio.to_thread(self._put, experiment_id, draft, expected, author, reason, now)

    async def revisions(self, experiment_id: str) -> list[ExperimentRevision]:
        await asyncio.to_thread(self._advance)
        found = [one for one in reversed(self._known) if one.experiment.experiment_id == experiment_id]
        if not found:
            raise NotFound("experiment", experiment_id)
        return found

    async def newest(self) -> list[ExperimentRevision]:
        await asyncio.to_thread(self._advance)
        newest = {one.experiment.experiment_id: one for one in self._known}
        return [newest[experiment_id] for experiment_id in sorted(newest)]

    def since(self, epoch: int) -> list[ExperimentRevision]:
        if self._thread.ident is None:
            self._advance()
            self._thread.start()
        if self._failure is not None:
            raise StoreUnavailable(str(self._failure)) from self._failure
        return self._known[epoch:]

    def close(self) -> None:
        """Ends the thread that keeps the copy in memory."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _put(
        self, experiment_id: str, draft: ExperimentDraft, expected: int | None, author: str, reason: str, now: int
    ) -> ExperimentRevision:
        for _ in range(TRIES):
            self._advance()
            made = revised_experiment(experiment_id, draft, ExperimentBook().with_changes(self._known), expected, now)
            revision = ExperimentRevision(made, author, reason, now)
            if self._create(revision):
                self._advance()
                return revision
        raise unavailable(f"save experiment {experiment_id!r}", f"was written to by others {TRIES} times meanwhile")

    def _create(self, revision: ExperimentRevision) -> bool:
        """Whether the revision stands under its number now: written here, perhaps by a first try whose answer was lost on its way."""
        made = revision.experiment
        document = {
            "experiment_id": made.experiment_id,
            "revision": made.revision,
            "experiment": to_builtins(made),
            "author": revision.author,
            "reason": revision.reason,
            "at": revision.at,
            "change": token_hex(8),
        }
        with translated(f"save experiment {made.experiment_id!r}"):
            try:
                self._client.create(index=self._index, id=str(made.epoch), document=document, require_alias=True)
            except ConflictError:
                stored = self._client.get(index=self._index, id=str(made.epoch))
                return bool(stored["_source"]["change"] == document["change"])
        return True

    def _advance(self) -> None:
        """Takes in what was written since the last time; one cheap question where nothing was."""
        with self._one_at_a_time, translated(READ):
            while found := self._next():
                self._known = [*self._known, *found]

    def _next(self) -> Sequence[ExperimentRevision]:
        first = len(self._known) + 1
        answers: list[Any] = self._reading.mget(index=self._index, ids=[str(first + place) for place in range(AHEAD)])["docs"]
        failed = next((answer["error"] for answer in answers if "error" in answer), None)
        if failed is not None and failed.get("type") == "index_not_found_exception":
            raise StoreError(f"could not {READ}: there is no index {self._index!r}: run `smallpool stack init` first")
        if failed is not None:
            raise unavailable(READ, f"says {failed.get('reason')}")
        there = [answer["_source"] for answer in takewhile(lambda answer: bool(answer["found"]), answers)]
        return [ExperimentRevision(convert(one["experiment"], Experiment), one["author"], one["reason"], one["at"]) for one in there]

    def _follow(self) -> None:
        while not self._stop.wait(FOLLOW_EVERY_S):
            try:
                self._advance()
            except StoreError as error:
                if self._failure is None:
                    log.warning("experiments are those that were last read: %s", error)
                self._failure = error
            except Exception as error:
                log.exception("what was written of the experiments could not be taken in")
                self._failure = StoreError(f"could not take in the experiments: {error}; see the log")
            else:
                self._failure = None
