"""Every error of the API as a problem document (RFC 9457), which says what was wrong, where, and what is allowed.

In: errors of smallpool, of the framework, or of nobody's intention. Out: `application/problem+json`, never a stack trace.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException

from smallpool_core import errors
from smallpool_core.errors import Problem, SmallpoolError
from smallpool_core.row_reader import shown
from smallpool_service.http.routing import methods_of

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "1"
MAX_ERRORS = 50
"""A body can hold more mistakes than anyone reads; the rest are not listed."""

TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: "A valid API key is needed",
    403: "The API key does not allow this",
    404: "There is no such thing",
    405: "The method is not allowed here",
    408: "The request took too long to arrive",
    409: "What is stored forbids this",
    412: "The revision is stale",
    413: "The body is too large",
    414: "The address is too long",
    415: "The body has an encoding that is not read here",
    422: "The request breaks a documented limit",
    428: "If-Match is missing",
    429: "Too many attempts with unknown API keys",
    431: "The headers are too large",
    500: "An unexpected error",
    503: "Not able to answer now",
    504: "The deadline has passed",
    507: "The store is full",
}


KEY: Final = "[key]"
"""What pydantic puts at the end of a path to tell a mistaken key from its value."""
_PLAINER: Final[Mapping[str, str]] = {
    "model_type": "one JSON object is allowed",
    "dict_type": "one JSON object is allowed",
    "string_unicode": "half of a surrogate pair cannot be stored as UTF-8",
}
"""What is allowed, by pydantic's name of the mistake, where its own words speak of Python."""


class ProblemDocument(Struct, frozen=True, kw_only=True):
    """The body of every error. `errors` lists every mistake found; `current` is what is stored, where a revision is stale."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | UnsetType = UNSET
    errors: list[Problem] | UnsetType = UNSET
    current: Any | UnsetType = UNSET


class HttpProblem(Exception):
    """An error that only HTTP knows; `slug` names its kind in the document's `type`."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
        current: object = UNSET,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.problems = problems
        self.headers = dict(headers or {})
        self.current = current


_STATUS: Final[Mapping[type[SmallpoolError], tuple[int, str]]] = {
    errors.Refused: (422, "refused"),
    errors.NotFound: (404, "not-found"),
    errors.RequestIdReused: (422, "request-id-reused"),
    errors.RevisionStale: (412, "revision-stale"),
    errors.PoolNotLive: (409, "pool-not-live"),
    errors.PoolClosed: (409, "pool-closed"),
    errors.Conflict: (409, "conflict"),
    errors.StoreFull: (507, "store-full"),
    errors.StoreError: (503, "store-unavailable"),
    errors.DirectoryLocked: (503, "directory-locked"),
    errors.DeadlinePassed: (504, "deadline-passed"),
}


def problem_of(error: SmallpoolError) -> HttpProblem:
    """The problem that an error of smallpool is; the nearest class in the error tree decides."""
    kinds = (kind for kind in type(error).__mro__ if issubclass(kind, SmallpoolError))
    status, slug = next((_STATUS[kind] for kind in kinds if kind in _STATUS), (500, "unexpected"))
    headers = {"Retry-After": RETRY_AFTER_S} if status == 503 else None
    return HttpProblem(status, slug, str(error), error.problems if isinstance(error, errors.Refused) else (), headers)


def problem_response(problem: HttpProblem, instance: str | UnsetType = UNSET) -> Response:
    """The response that a problem is."""
    document = ProblemDocument(
        type=f"urn:smallpool:problem:{problem.slug}",
        title=TITLES.get(problem.status, "The request failed"),
        status=problem.status,
        detail=_encodable(problem.detail),
        instance=instance,
        errors=[_encodable_problem(one) for one in problem.problems[:MAX_ERRORS]] or UNSET,
        current=problem.current,
    )
    return Response(msgspec.json.encode(document), problem.status, problem.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes every error that a route or the framework raises a problem document."""
    app.add_exception_handler(HttpProblem, _on_http_problem)
    app.add_exception_handler(SmallpoolError, _on_smallpool_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_framework_error)


def validation_problems(found: Sequence[Mapping[str, Any]], allowed: Sequence[str] = ()) -> list[Problem]:
    """Mistakes as pydantic reports them, by path; `allowed` names the fields of the outermost object."""
    return [_validation_problem(one, allowed) for one in found[:MAX_ERRORS]]


def _validation_problem(one: Mapping[str, Any], allowed: Sequence[str]) -> Problem:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in one["loc"] if step != KEY).removeprefix(".") or "(body)"
    if one["type"] == "missing":
        return Problem(path, "nothing", "this is required")
    if one["type"] == "extra_forbidden":
        known = f"; there are {', '.join(allowed)}" if allowed and len(one["loc"]) == 1 else ""
        return Problem(path, shown(one["input"]), f"no such field is known here{known}")
    return Problem(path, shown(one["input"]), _PLAINER.get(one["type"]) or str(one["msg"]).removeprefix("Value error, "))


async def _on_http_problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, HttpProblem):
        raise error
    return problem_response(error)


async def _on_smallpool_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, SmallpoolError):
        raise error
    return problem_response(problem_of(error))


async def _on_validation_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = validation_problems(error.errors())
    return problem_response(HttpProblem(422, "refused", "; ".join(map(str, problems)), problems))


async def _on_framework_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.scope["path"]
    methods = methods_of(request.app, request.scope) if error.status_code == 405 else []
    if methods:
        allow = {"Allow": ", ".join(methods)}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        detail = f"{path} does not take {request.method}; it takes {allow['Allow']}"
        return problem_response(HttpProblem(405, "method-not-allowed", detail, headers=allow))
    if error.status_code == 404:
        return problem_response(HttpProblem(404, "no-such-route", f"nothing is at {path}; /openapi.json lists what there is"))
    return problem_response(HttpProblem(error.status_code, "http", str(error.detail), headers=error.headers))


def _encodable(text: str) -> str:
    """The text with lone surrogates written out, so that it can be sent as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _encodable_problem(problem: Problem) -> Problem:
    values = {name: _encodable(value) for name, value in problem.values.items()}
    return Problem(_encodable(problem.path), _encodable(problem.found), _encodable(problem.message), problem.code, values)
