"""Whether the process lives, whether it is ready to serve, and its figures; open to everybody, and never refused for load.

In: the parts' own checks. Out: `/healthz`, `/readyz`, `/metrics`.
"""

from typing import Final

from fastapi import APIRouter, Response
from msgspec import Struct

from smallpool_core.errors import StoreError
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.places import Places
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.replies import documented, reply
from smallpool_service.metrics import CONTENT_TYPE


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here. `failing` has what is wrong, by part.

    `live_view_age_ms` is how far what is recallable here may lag behind what was sent, `live_view` the offset of `item-wide`
    that the live view has come to, by partition; the lags count events. Lags are null while the log does not tell them, the age is
    null before it first did.
    """

    ready: bool
    failing: dict[str, str]
    live_view: dict[str, int]
    live_view_age_ms: int | None
    item_events_lag: int | None
    user_events_lag: int | None


READY: Final = {
    "ready": True,
    "failing": {},
    "live_view": {"0": 100231},
    "live_view_age_ms": 0,
    "item_events_lag": 0,
    "user_events_lag": 0,
}

router = APIRouter(tags=["health"])


@router.get("/healthz", **documented(name="health", summary="Whether the process answers", reply=Health, example={"status": "ok"}))
async def health() -> Response:
    """Asks nothing of any store."""
    return reply(Health("ok"))


@router.get(
    "/readyz",
    **documented(
        name="ready",
        summary="Whether the process is ready to serve",
        reply=Readiness,
        example=READY,
        otherwise={503: READY | {"ready": False, "failing": {"store": "could not read the epoch of the pools: …"}}},
    ),
)
async def ready(parts: Parts) -> Response:
    """200 while the store answers and no part of the process reports a failure, else 503 with the same body."""
    found = readiness(parts)
    return reply(found, 200 if found.ready else 503)


@router.get("/metrics", **documented(name="metrics", summary="Figures for Prometheus", reply=None, media_type="text/plain"))
async def metrics(parts: Parts) -> Response:
    """In Prometheus' text format."""
    return Response(parts.metrics.text(), media_type=CONTENT_TYPE)


def readiness(parts: ServiceParts) -> Readiness:
    """What `/readyz` says."""
    failing = {name: wrong for name, check in parts.checks.items() if (wrong := check()) is not None}
    ports = parts.recaller.ports
    if not ports.catalogue.is_read:
        failing["pools"] = "the pools were not read yet"
    age: int | None = None
    lags: tuple[int | None, int | None] = None, None
    try:
        age = parts.recaller.data_age_ms()
        lags = ports.log.lag("item-events", INDEXER_GROUP), ports.log.lag("user-events", BEHAVIOUR_GROUP)
    except StoreError as error:
        failing.setdefault("store", str(error))
    return Readiness(
        ready=not failing,
        failing=failing,
        live_view=_by_partition(ports.tail.place()),
        live_view_age_ms=age,
        item_events_lag=lags[0],
        user_events_lag=lags[1],
    )


def _by_partition(place: Places) -> dict[str, int]:
    return {str(partition): offset for partition, offset in place.items()}
