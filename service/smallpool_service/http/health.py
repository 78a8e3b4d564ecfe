"""Whether the process lives, whether it is ready to serve, and its figures; open to everybody, and never refused for load.

In: the parts' own checks. Out: `/healthz`, `/readyz`, `/metrics`.
"""

from typing import Final

from fastapi import APIRouter, Response
from msgspec import Struct

from smallpool_core.errors import StoreError
from smallpool_service.freshness import data_age_ms, item_lag, user_lag
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.replies import documented, reply
from smallpool_service.metrics import CONTENT_TYPE


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here. `failing` has what is wrong, by part.

    `live_view_age_ms` is how long the oldest item event that is not yet recallable has waited, `live_view_seq` the place in
    the wide table that the live view has come to; the lags count events. All of them are null while the store fails.
    """

    ready: bool
    failing: dict[str, str]
    live_view_seq: int
    live_view_age_ms: int | None
    item_events_lag: int | None
    user_events_lag: int | None


READY: Final = {
    "ready": True,
    "failing": {},
    "live_view_seq": 100231,
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
    age: int | None = None
    lags: tuple[int, int] | None = None
    try:
        parts.pools.epoch()
        age, lags = data_age_ms(ports.log, ports.clock.now_ms()), (item_lag(ports.log), user_lag(ports.log))
    except StoreError as error:
        failing["store"] = str(error)
    return Readiness(
        ready=not failing,
        failing=failing,
        live_view_seq=ports.live.seq(),
        live_view_age_ms=age,
        item_events_lag=lags[0] if lags else None,
        user_events_lag=lags[1] if lags else None,
    )
