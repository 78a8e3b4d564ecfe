"""Puts the console onto the application of the API: same parts, same gate, pages of its own.

In: the application, what the rule builder offers. Out: routes under `/console`.
"""

from fastapi import FastAPI, Request, Response

from smallpool_service.console import (
    audit,
    experiments_page,
    history,
    ingest,
    item_page,
    keys_page,
    lab,
    login,
    pool_lists,
    pool_page,
    pool_rule,
    pools_page,
    replay_page,
)
from smallpool_service.console.desk import Desk
from smallpool_service.console.routes import console_router
from smallpool_service.console.vocabulary import Vocabulary
from smallpool_service.http.parts import ServiceParts
from smallpool_service.http.problems import HttpProblem

rest = console_router()
ROUTERS = (
    login.router,
    pools_page.router,
    pool_rule.router,
    pool_page.router,
    pool_lists.router,
    history.router,
    lab.router,
    replay_page.router,
    item_page.router,
    ingest.router,
    experiments_page.router,
    audit.router,
    keys_page.router,
    rest,  # last, since it takes every address that nothing else takes
)


@rest.get("/static/{name:path}")
async def static(request: Request, name: str) -> Response:
    """Style, scripts, licences."""
    desk: Desk = request.app.state.desk
    found = desk.assets.response(name)
    if found is None:
        raise _nothing(request)
    return found


@rest.get("/{_:path}")
async def nowhere(request: Request) -> Response:
    """There is no such page."""
    raise _nothing(request)


def install(app: FastAPI, vocabulary: Vocabulary, session_secret: str | None = None) -> None:
    """Adds the console to the application. Replicas that are given one secret know each other's sessions; one without has its own."""
    parts: ServiceParts = app.state.parts
    app.state.desk = Desk(parts.recaller.ports.clock, vocabulary, session_secret)
    for router in ROUTERS:
        app.include_router(router)


def _nothing(request: Request) -> HttpProblem:
    return HttpProblem(404, "not-found", f"there is no page {request.url.path}")
