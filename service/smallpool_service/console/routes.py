"""The wrapper round every route of the console: its headers, and errors as pages that people can read.

In: requests under `/console`. Out: answers with a strict Content-Security-Policy; a log-in where nobody is logged in.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from smallpool_core.errors import SmallpoolError
from smallpool_service.console.desk import FRAGMENT, LoginNeeded, keep, session_of, visit_of
from smallpool_service.http.problems import HttpProblem, problem_of, validation_problems

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOGIN: Final = "/console/login"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ConsoleRoute(APIRoute):
    """A route whose every answer a browser may be shown."""

    def get_route_handler(self) -> Handler:
        """The handler that FastAPI makes, wrapped."""
        handle = super().get_route_handler()

        async def safe(request: Request) -> Response:
            try:
                response = await handle(request)
            except LoginNeeded:
                response = _to_login(request)
            except HttpProblem as problem:
                response = await _error(request, problem)
            except SmallpoolError as error:
                response = await _error(request, problem_of(error))
            except RequestValidationError as error:
                problems = validation_problems(error.errors())
                response = await _error(request, HttpProblem(422, "refused", "; ".join(map(str, problems)), problems))
            keep(response, request)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return safe


def console_router(prefix: str = "") -> APIRouter:
    """A router for pages under `/console`; none of them is in the contract of the API."""
    return APIRouter(prefix=f"/console{prefix}", route_class=ConsoleRoute, include_in_schema=False)


def _to_login(request: Request) -> Response:
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = LOGIN if request.method != "GET" or target == "/console" else f"{LOGIN}?next={quote(target)}"
    if FRAGMENT in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": LOGIN})
    return RedirectResponse(address, 303)


async def _error(request: Request, problem: HttpProblem) -> Response:
    visit = visit_of(request, await session_of(request))
    template = "part_error.html" if visit.wants_fragment else "error.html"
    response = visit.page(template, problem.status, problem=problem, here="")
    response.headers.update(problem.headers)
    return response
