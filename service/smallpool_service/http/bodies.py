"""Reads the body of a request as JSON and checks it, so that no body whatever ends in anything but an answer.

In: the bytes as they arrive. Out: a checked model; or a problem: 400 where the body is not JSON, 422 where it is not what is
allowed, with every mistake and where it is.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from smallpool_core.errors import Problem, Refused
from smallpool_core.normalise import has_surrogate
from smallpool_core.row_reader import MAX_ID
from smallpool_service.http.problems import HttpProblem, validation_problems
from smallpool_service.http.settings import HttpLimits

Model = TypeVar("Model", bound="Strict")


class Strict(BaseModel):
    """A body that is taken at its word: no coercion, no unknown field, no number that is not one."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


def _plain(text: str) -> str:
    if has_surrogate(text) or not text.strip() or any(character < " " or character == "\x7f" for character in text):
        raise ValueError("a text that is not blank, without control characters and lone surrogates, is allowed")
    return text


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID), AfterValidator(_plain)]
"""An id, compared exactly: 1 to 128 characters, none of them a control character."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain)]
"""One line of text for people, such as a name or a reason."""


async def read_body(request: Request) -> bytes:
    """The whole body. Its size is bounded by the middleware in `limits.py`, its time here."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise HttpProblem(415, "content-encoding", f"the body is sent as {encoding[:40]!r}; send it as it is, without Content-Encoding")
    limits: HttpLimits = request.app.state.parts.limits
    timeout_ms = limits.body_timeout_ms
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            return await request.body()
    except TimeoutError:
        raise HttpProblem(408, "body-late", f"the body was not complete after {timeout_ms} ms", headers={"Connection": "close"}) from None


def decoded(body: bytes) -> Any:
    """The JSON value of a body; raises a problem of status 400 where it is none.

    What msgspec refuses is read again by the standard library, which lets NaN, infinities and lone surrogates through
    to the check of their field, so that the answer can name it.
    """
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise _unreadable("JSON nested too deep") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        found = str(error)
    try:
        return json.loads(body)
    except RecursionError:
        raise _unreadable("JSON nested too deep") from None
    except ValueError:
        raise _unreadable(found if body.strip() else "nothing") from None


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
