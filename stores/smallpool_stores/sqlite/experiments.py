"""Experiments in SQLite: every revision a row that is never changed, numbered in the order of all changes.

In: drafts as operators send them. Out: revisions, newest first; what changed since an epoch.
"""

from collections.abc import Sequence

from msgspec import json

from smallpool_core.errors import NotFound
from smallpool_core.experiments import Experiment, ExperimentBook, ExperimentDraft, ExperimentRevision, revised_experiment
from smallpool_stores.sqlite.database import Database, translated

TABLES = """
CREATE TABLE experiment_revisions (
    epoch INTEGER PRIMARY KEY,
    experiment_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    experiment BLOB NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (experiment_id, revision)
);
CREATE TRIGGER experiment_revisions_stand BEFORE UPDATE ON experiment_revisions
BEGIN SELECT raise(ABORT, 'a revision is an audit record and is never changed'); END;
CREATE TRIGGER experiment_revisions_stay BEFORE DELETE ON experiment_revisions
BEGIN SELECT raise(ABORT, 'a revision is an audit record and is never deleted'); END;
"""

_SELECT = "SELECT experiment, author, reason, at FROM experiment_revisions"
_OF_ONE = f"{_SELECT} WHERE experiment_id = ? ORDER BY revision DESC"
_SINCE = f"{_SELECT} WHERE epoch > ? ORDER BY epoch"
_NEWEST = f"{_SELECT} WHERE epoch IN (SELECT max(epoch) FROM experiment_revisions GROUP BY experiment_id) ORDER BY experiment_id"

_encode = json.Encoder().encode
_decode = json.Decoder(Experiment).decode


class SqliteExperimentStore:
    """Experiments and their history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, experiment_id: str, draft: ExperimentDraft, expected: int | None, author: str, reason: str, now: int
    ) -> ExperimentRevision:
        with translated(f"save experiment {experiment_id!r}"), self._database.atomic():
            book = ExperimentBook().with_changes(self._read(_NEWEST))
            made = revised_experiment(experiment_id, draft, book, expected, now)
            self._database.connection.execute(
                "INSERT INTO experiment_revisions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (made.epoch, experiment_id, made.revision, _encode(made), author, reason, now),
            )
        return ExperimentRevision(made, author, reason, now)

    async def revisions(self, experiment_id: str) -> list[ExperimentRevision]:
        found = self._read(_OF_ONE, (experiment_id,))
        if not found:
            raise NotFound("experiment", experiment_id)
        return found

    async def newest(self) -> list[ExperimentRevision]:
        return self._read(_NEWEST)

    def since(self, epoch: int) -> list[ExperimentRevision]:
        return self._read(_SINCE, (epoch,))

    def _read(self, query: str, parameters: Sequence[object] = ()) -> list[ExperimentRevision]:
        with translated("read the experiments"):
            rows = self._database.connection.execute(query, parameters).fetchall()
        return [ExperimentRevision(_decode(experiment), author, reason, at) for experiment, author, reason, at in rows]
