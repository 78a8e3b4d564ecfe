"""How a pool does, over HTTP.

In: a pool. Out: its size, what it gave in the last hour, by source too, and its alerts.
"""

from asyncio import to_thread
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from smallpool_core.access import ApiKey
from smallpool_core.pools import HOME
from smallpool_service.alerts.health import PoolHealth, read_health, source_names
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.recall import PoolId
from smallpool_service.http.replies import documented, reply
from smallpool_service.operators import refresh

READS = Needs("viewer")
EXAMPLE: Final[dict[str, Any]] = {
    "pool_id": "digital-bargains",
    "name": "数码捡漏",
    "state": "live",
    "size": 8120,
    "pages": 940,
    "page_fill": 0.98,
    "recalled": 61.5,
    "listed": 92,
    "alerts": [],
    "sources": [
        {"source": "terms", "asked": 100.0, "returned": 96.4, "in_pool": 96.4, "filtered": 95.9, "page": 7.1},
        {"source": "newest", "asked": 25.0, "returned": 25.0, "in_pool": 25.0, "filtered": 24.8, "page": 2.4},
    ],
}

router = APIRouter(tags=["pools"])


@router.get(
    "/v1/pools/{pool_id}/health",
    **documented(name="poolHealth", summary="How a pool does", reply=PoolHealth, example=EXAMPLE, needs=READS, problems=(404,)),
)
async def pool_health(parts: Parts, key: Annotated[ApiKey, Depends(READS)], pool_id: PoolId) -> Response:
    """What its pages held in the last hour and how far the candidates of each source came, as counted up to some seconds ago; `home` is the
    home feed.
    """
    check_pool(key, pool_id)
    return reply(await health_of_pool(parts, pool_id))


async def health_of_pool(parts: ServiceParts, pool_id: str) -> PoolHealth:
    """Raises `NotFound`, and `StoreError` where the figures cannot be read; asks their store in a thread, for it may wait."""
    ports, now = parts.recaller.ports, parts.now()
    refresh(ports.catalogue)
    known = ports.catalogue.get(pool_id).seen_from(ports.tail.place())
    size = ports.cuts.size(known, now) if known.is_trusted and pool_id != HOME else None
    [found] = await to_thread(read_health, parts.figures, [known], {pool_id: size}, source_names(parts.recaller), now)
    return found
