"""The last changes of all pools, each with who made it, why, and what it changed.

In: pools. Out: revisions, newest first, as a page and as CSV.
"""

from itertools import pairwise
from typing import Final

from fastapi import Response
from msgspec import Struct

from smallpool_core.pools import AuditQuery, Revision
from smallpool_service.console.csv_file import csv_response
from smallpool_service.console.desk import Viewer, Visit
from smallpool_service.console.look import when
from smallpool_service.console.outline import Line, difference
from smallpool_service.console.routes import console_router

SHOWN: Final = 50
EXPORTED: Final = 1_000

router = console_router()


class Entry(Struct, frozen=True):
    """One change."""

    revision: Revision
    lines: list[Line]


@router.get("/audit")
async def audit(visit: Viewer) -> Response:
    """The newest changes."""
    return visit.page("audit.html", here="audit", entries=await entries(visit, SHOWN), shown=SHOWN)


@router.get("/audit.csv")
async def audit_csv(visit: Viewer) -> Response:
    """The same as a table to take along."""
    t = visit.words
    header = [t("audit.at"), t("pool.id"), t("pool.revision"), t("audit.author"), t("audit.reason"), t("audit.change")]
    rows = [
        (
            when(entry.revision.at),
            entry.revision.pool.pool_id,
            entry.revision.pool.revision,
            entry.revision.author,
            entry.revision.reason,
            " | ".join(f"{'+' if line.mark == 'new' else '-'} {line.text.strip()}" for line in entry.lines if line.mark != "same"),
        )
        for entry in await entries(visit, EXPORTED)
    ]
    return csv_response("audit", header, rows)


async def entries(visit: Visit, most: int) -> list[Entry]:
    """The newest `most` changes that the key may see."""
    store = visit.parts.pools
    changes = await store.audit(AuditQuery(most, frozenset(visit.key.pools) or None))
    pool_ids = {one.pool.pool_id for one in changes}
    before = {one.pool.epoch: earlier.pool for pool_id in pool_ids for one, earlier in pairwise(await store.revisions(pool_id))}
    return [Entry(one, difference(visit.words, before.get(one.pool.epoch), one.pool)) for one in changes]
