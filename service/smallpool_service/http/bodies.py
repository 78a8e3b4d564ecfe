"""Reads the body of a request as JSON and checks it, so that no body whatever ends in anything but an answer.

In: the bytes as they arrive. Out: a checked model; or a problem: 400 where the body is not JSON, 422 where it is not what is
allowed, with every mistake and where it is.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from smallpool_core.errors import DeadlinePassed, Problem, Refused
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import MAX_NAME
from smallpool_core.row_reader import MAX_ID
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import ServiceParts
from smallpool_service.http.problems import HttpProblem, validation_problems

Model = TypeVar("Model", bound="Strict")
MAX_LINE = MAX_NAME


class Strict(BaseModel):
    """A body that is taken at its word: no coercion, no unknown field, no number that is not one."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


def _sound(most: int) -> AfterValidator:
    def check(text: str) -> str:
        problem = text_problem(text, most)
        if problem is not None:
            raise ValueError(problem)
        return text

    return AfterValidator(check)


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID), _sound(MAX_ID)]
"""An id, compared exactly: 1 to 128 characters, none of them a control character."""
IdInQuery = Annotated[Identifier | None, BeforeValidator(lambda text: text or None)]
"""An id in an address; `user_id=` with nothing after it is none."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LINE), _sound(MAX_LINE)]
"""One line of text for people, such as a name or a reason."""


async def read_body(request: Request) -> bytes:
    """The whole body. Its size is bounded by the middleware in `limits.py`; its time here, by the caller's deadline too."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise HttpProblem(415, "content-encoding", f"the body is sent as {encoding[:40]!r}; send it as it is, without Content-Encoding")
    parts: ServiceParts = request.app.state.parts
    most_ms, deadline = parts.limits.body_timeout_ms, deadline_of(request)
    left_ms = most_ms if deadline is None else max(0, deadline - parts.now())
    try:
        async with asyncio.timeout(min(most_ms, left_ms) / 1000):
            return await request.body()
    except TimeoutError:
        if left_ms < most_ms:
            raise DeadlinePassed(0) from None
        raise HttpProblem(408, "body-late", f"the body was not complete after {most_ms} ms", headers={"Connection": "close"}) from None


def decoded(body: bytes) -> Any:
    """The JSON value of a body; raises a problem of status 400 where it is none, `Refused` where an object has a field twice.

    The standard library lets NaN, infinities and lone surrogates through to the check of their field, so that the answer can
    name it; and it shows a field that comes twice, of which a rule would otherwise silently lose one.
    """
    try:
        return json.loads(body.decode("utf-8-sig", "surrogatepass"), object_pairs_hook=_each_once)
    except RecursionError:
        raise _unreadable("JSON nested too deep") from None
    except ValueError as error:
        raise _unreadable(str(error) if body.strip() else "nothing") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        name, count = Counter(name for name, _ in pairs).most_common(1)[0]
        raise Refused([Problem(name[:MAX_LINE], f"this field {count} times", "each field of an object is allowed once")])
    return values


def body_of(model: type[Model], *, may_be_empty: bool = False) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads, decodes and checks the body; an empty one counts as `{}` where it may be empty."""
    fields = tuple(model.model_fields)

    async def read(request: Request) -> Model:
        body = await read_body(request)
        value = {} if may_be_empty and not body.strip() else decoded(body)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise Refused(validation_problems(error.errors(include_url=False, include_context=False), fields)) from None

    return read


def _unreadable(found: str) -> HttpProblem:
    problem = Problem("(body)", found, "one JSON value in UTF-8 is allowed")
    return HttpProblem(400, "unreadable-body", str(problem), [problem])
