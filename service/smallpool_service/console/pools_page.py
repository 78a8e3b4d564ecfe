"""The list of pools: searched, sorted, a page at a time, as a table and as CSV.

In: words to search for, an order, a page. Out: rows; the figures of a row come after it, so that ten thousand pools open at once.
"""

from asyncio import sleep, to_thread
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Response
from msgspec import Struct

from smallpool_core.alerts import ALERT_KINDS, Alert, AlertKind
from smallpool_core.catalogue import KnownPool
from smallpool_core.normalise import normalise
from smallpool_core.pools import PoolState, Revision
from smallpool_service.alerts.figures import LastHour
from smallpool_service.console.csv_file import csv_response
from smallpool_service.console.desk import Viewer, Visit
from smallpool_service.console.figures import figures_of
from smallpool_service.console.look import when
from smallpool_service.console.routes import console_router
from smallpool_service.http.bodies import MAX_LINE
from smallpool_service.http.recall import PoolId
from smallpool_service.operators import refresh

PAGE: Final = 25
EXPORTED: Final = 10_000
Sort = Literal["changed", "name", "id", "state", "size", "page_fill", "recalled", "listed"]
Order = Literal["asc", "desc"]


class Row(Struct, frozen=True):
    """One line of the list. `size` is None while the tag of the pool is on its way; `given` is what the pool gave in the last hour, None
    where nobody has looked yet.
    """

    known: KnownPool
    size: int | None
    revision: Revision
    given: LastHour | None
    alerts: tuple[Alert, ...]


router = console_router()
Search = Annotated[str, Query(max_length=MAX_LINE)]
State = Annotated[PoolState | Literal[""], Query()]
Alerted = Annotated[AlertKind | Literal["", "any"], Query()]


@router.get("/pools")
async def pools(
    visit: Viewer,
    q: Search = "",
    state: State = "",
    alert: Alerted = "",
    sort: Sort = "changed",
    order: Order = "desc",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """One page of the list."""
    found = await to_thread(
        _sorted, visit, _found(visit, q, state, alert), sort, order
    )  # ten thousand sizes take too long for other requests
    last = max(1, -(-len(found) // PAGE))
    page = min(page, last)
    shown = found[(page - 1) * PAGE : page * PAGE]
    rows = [await _row(visit, known) for known in shown]
    raised = Counter(one.kind for one in visit.parts.board.standing() if visit.may_see(one.pool_id))
    values: dict[str, Any] = {
        "rows": rows,
        "total": len(found),
        "page": page,
        "last": last,
        "q": q,
        "state": state,
        "alert": alert,
        "kinds": ALERT_KINDS,
        "raised": {kind: raised[kind] for kind in ALERT_KINDS},
        "sort": sort,
        "order": order,
    }
    return visit.page("part_pools.html" if visit.wants_fragment else "pools.html", here="pools", **values)


@router.get("/pools.csv")
async def pools_csv(visit: Viewer, q: Search = "", state: State = "", alert: Alerted = "") -> Response:
    """The list as a table to take along."""
    t = visit.words
    header = [t(f"pool.{name}") for name in ("id", "name", "state", "revision")]
    header += [t(f"pools.{name}") for name in ("size", "page_fill", "recalled", "listed", "alerts", "changed", "by")]
    rows = []
    for known in _found(visit, q, state, alert)[:EXPORTED]:
        await sleep(0)  # an embedded store answers without ever waiting: other requests have their turn here
        pool, row = known.pool, await _row(visit, known)
        given = (row.given.page_fill, row.given.recalled, row.given.listed) if row.given is not None else (None, None, None)
        alerts = " ".join(t(f"alert.{one.kind}") for one in row.alerts)
        cells = (
            pool.pool_id,
            pool.name,
            t(f"state.{pool.state}"),
            pool.revision,
            row.size,
            *given,
            alerts,
            when(row.revision.at),
            row.revision.author,
        )
        rows.append(["" if cell is None else cell for cell in cells])
    return csv_response("pools", header, rows)


@router.get("/pools/{pool_id}/figures")
async def figures(visit: Viewer, pool_id: PoolId) -> Response:
    """The cells of a row that are counted."""
    visit.check_pool(pool_id)
    ports = visit.parts.recaller.ports
    return visit.page("part_figures.html", figures=await figures_of(ports, ports.catalogue.get(pool_id)))


def _found(visit: Visit, text: str, state: str, alert: str) -> list[KnownPool]:
    catalogue = visit.parts.recaller.ports.catalogue
    refresh(catalogue)
    wanted = normalise(text).split()
    return [
        known
        for known in catalogue.all()
        if visit.may_see(known.pool.pool_id)
        and (not state or known.pool.state == state)
        and (not alert or any(alert in ("any", one.kind) for one in visit.parts.board.alerts(known.pool.pool_id)))
        and all(word in normalise(f"{known.pool.pool_id} {known.pool.name}") for word in wanted)
    ]


def _sorted(visit: Visit, found: Sequence[KnownPool], sort: Sort, order: Order) -> list[KnownPool]:
    keys: dict[Sort, Callable[[KnownPool], Any]] = {
        "changed": lambda known: known.pool.epoch,  # it rises with every revision of any pool
        "name": lambda known: known.pool.name,
        "id": lambda known: known.pool.pool_id,
        "state": lambda known: known.pool.state,
        "size": lambda known: _size(visit, known) or 0,
        "page_fill": lambda known: _given(visit, known, "page_fill"),
        "recalled": lambda known: _given(visit, known, "recalled"),
        "listed": lambda known: _given(visit, known, "listed"),
    }
    return sorted(found, key=keys[sort], reverse=order == "desc")


def _given(visit: Visit, known: KnownPool, name: Literal["page_fill", "recalled", "listed"]) -> float:
    """The figure to sort by; what is not known comes below nought."""
    given = visit.parts.board.figures(known.pool.pool_id)
    value: float | None = None if given is None else getattr(given, name)
    return -1 if value is None else value


async def _row(visit: Visit, known: KnownPool) -> Row:
    pool_id, board = known.pool.pool_id, visit.parts.board
    return Row(known, _size(visit, known), await visit.parts.pools.get(pool_id), board.figures(pool_id), board.alerts(pool_id))


def _size(visit: Visit, known: KnownPool) -> int | None:
    ports = visit.parts.recaller.ports
    if known.pool.state != "live":
        return 0
    here = known.seen_from(ports.tail.place())
    return ports.cuts.size(here, visit.parts.now()) if here.is_trusted else None
