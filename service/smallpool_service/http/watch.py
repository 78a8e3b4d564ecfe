"""The wrapper round every request: figures, headers that all answers share, and an answer where the code failed.

In: the application. Out: the same, with `smallpool_http_*` counted by route, and no exception left for the server.
"""

import logging
from time import perf_counter
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smallpool_service.http.problems import HttpProblem, problem_response
from smallpool_service.metrics import Metrics

NO_ROUTE = "(none)"
CLIENT_GONE = 499
"""What a request counts as that was not answered, for its client went away."""

log = logging.getLogger("smallpool.http")


class Watch:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            log.debug("%s %r: the client went away before its body had arrived", scope["method"], scope["path"])
        except Exception:
            if status:
                raise  # half an answer is out: only the server can break the connection
            incident = f"urn:uuid:{uuid4()}"
            log.exception("%s %r failed, incident %s", scope["method"], scope["path"], incident)
            await problem_response(_unexpected(incident), incident)(scope, receive, noting)
        finally:
            self._metrics.request(getattr(scope.get("route"), "path", NO_ROUTE), status or CLIENT_GONE, perf_counter() - started)


def _unexpected(incident: str) -> HttpProblem:
    return HttpProblem(500, "unexpected", f"this is a fault of the server; its log has the cause under {incident}")
