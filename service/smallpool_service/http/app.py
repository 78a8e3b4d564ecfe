"""Puts the HTTP API together: routes, the gate before them, the wrapper round everything.

In: `ServiceParts`. Out: an ASGI application that holds no state but theirs.
"""

from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from smallpool_core.alerts import ALERT_KINDS
from smallpool_service.http import (
    alerts,
    docs_page,
    events,
    experiments,
    health,
    history,
    items,
    keys,
    keywords,
    openapi,
    pool_health,
    pool_lists,
    pools,
    previews,
    problems,
    recall,
    related,
    replays,
    users,
)
from smallpool_service.http.auth import Keyring
from smallpool_service.http.failed_keys import FailedKeys
from smallpool_service.http.limits import Limits
from smallpool_service.http.parts import ServiceParts
from smallpool_service.http.routing import Routing
from smallpool_service.http.watch import Watch

TITLE = "smallpool"
ROUTERS = (
    recall.router,
    events.router,
    items.router,
    related.router,
    keywords.router,
    users.router,
    previews.router,  # before the pools, so that /v1/pools/preview is no pool's id
    pools.router,
    pool_lists.router,
    pool_health.router,
    history.router,
    replays.router,
    experiments.router,
    alerts.router,
    keys.router,
    health.router,
    docs_page.router,
)


def create_app(parts: ServiceParts) -> FastAPI:
    """The application over these parts; it opens nothing, and several of them may stand side by side."""
    app = FastAPI(title=TITLE, version=_version(), docs_url=None, redoc_url=None, redirect_slashes=False)
    clock = parts.recaller.ports.clock
    app.state.parts = parts
    app.state.keyring = Keyring(parts.keys)
    app.state.failed_keys = FailedKeys(clock, parts.limits.failed_keys_per_minute)
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    openapi.install(app, ROUTERS)
    app.add_middleware(Limits, limits=parts.limits, clock=clock)
    app.add_middleware(Watch, metrics=parts.metrics)
    app.add_middleware(Routing)
    _watch(parts)
    return app


def _watch(parts: ServiceParts) -> None:
    """Gauges that are read whenever the figures are asked for."""
    ports, metrics = parts.recaller.ports, parts.metrics
    metrics.watch_log(ports.log)
    metrics.watch("live_view_age_ms", "how far what is recallable here may lag behind what was sent", parts.recaller.data_age_ms)
    metrics.watch("relations_age_ms", "how old the lists of related items are, as of the last page", parts.recaller.relation_age.age_ms)
    metrics.watch("live_view_offsets", "offsets of item-wide that the live view has passed", lambda: sum(ports.tail.place().values()))
    counts: dict[str, Callable[[], float | None]] = {kind: partial(parts.board.count, kind) for kind in ALERT_KINDS}
    metrics.watch_each("pool_alerts", "kind", "alerts of pools that stand, of all processes together", counts)
    metrics.watch("pools", "pools of any state", lambda: len(ports.catalogue.all()))


def _version() -> str:
    try:
        return version(TITLE)
    except PackageNotFoundError:
        return "0"
