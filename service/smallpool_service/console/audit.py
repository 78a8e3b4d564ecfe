"""The last changes of all pools, each with who made it, why, and what it changed.

In: pools. Out: revisions, newest first, as a page and as CSV.
"""

from typing import Final

from fastapi import Response
from msgspec import Struct

from smallpool_core.pools import Revision
from smallpool_service.console.csv_file import csv_response
from smallpool_service.console.desk import Viewer, Visit
from smallpool_service.console.look import when
from smallpool_service.console.outline import Line, difference
from smallpool_service.console.routes import console_router
from smallpool_service.operators import refresh

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
    """The newest `most` changes that the key may see.

    The epoch rises with every revision of any pool, so the newest `most` of them lie in the `most` pools that were changed last.
    """
    catalogue = visit.parts.recaller.ports.catalogue
    refresh(catalogue)
    pools = [known.pool for known in catalogue.all() if visit.may_see(known.pool.pool_id)]
    last = sorted(pools, key=lambda pool: pool.epoch, reverse=True)[:most]
    found: list[tuple[Revision, Revision | None]] = []
    for pool in last:
        revisions = await visit.parts.pools.revisions(pool.pool_id)
        found += list(zip(revisions, [*revisions[1:], None], strict=True))[:most]
    found.sort(key=lambda pair: pair[0].pool.epoch, reverse=True)
    return [Entry(one, difference(visit.words, None if before is None else before.pool, one.pool)) for one, before in found[:most]]
