"""Answers as bytes, and what the contract says of each route, in one place.

In: values that msgspec encodes. Out: responses that no framework looks through again; the keywords with which a route is
declared, so that `/openapi.json` tells its reply, an example, its roles and every error.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Depends, Response

from smallpool_core.batches import NDJSON_TYPES
from smallpool_service.http.auth import Needs
from smallpool_service.http.problems import MEDIA_TYPE, TITLES, ProblemDocument

_ENCODER = msgspec.json.Encoder()
SCHEMA_REF = "#/components/schemas/{name}"
EVERYWHERE = (401, 403, 422, 503, 504)
"""What every operation that takes a key may answer."""


def reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The value as JSON."""
    return Response(_ENCODER.encode(value), status, None if headers is None else dict(headers), "application/json")


def documented(
    *,
    name: str,
    summary: str,
    reply: type | None,
    example: object = None,
    status: int = 200,
    needs: Needs | None = None,
    problems: Sequence[int] = (),
    body: type | None = None,
    body_example: object = None,
    body_required: bool = True,
    lines: type | None = None,
    otherwise: Mapping[int, object] | None = None,
    media_type: str | None = None,
) -> dict[str, Any]:
    """The keywords of `router.get` and its like; the roles that it tells are the ones that it checks.

    Schemas of replies are those of msgspec, of bodies those of pydantic. `lines` is a row of the body where it
    may be NDJSON; `otherwise` has examples of the same reply under other statuses.
    """
    extra: dict[str, Any] = {}
    if needs is not None:
        extra["x-roles"] = list(needs.roles)
    if body is not None:
        content = {"application/json": {"schema": _ref(body), "example": body_example}}
        if lines is not None:
            content[NDJSON_TYPES[0]] = {"schema": _ref(lines)}
        extra["requestBody"] = {"required": body_required, "content": content}
    errors = sorted({*problems, *(EVERYWHERE if needs is not None else ())})
    responses: dict[int | str, dict[str, Any]] = {status: _success(summary, reply, example)}
    if media_type is not None:
        responses[status]["content"] = {media_type: {}}
    responses |= {other: _success(TITLES[other], reply, shown) for other, shown in (otherwise or {}).items()}
    responses |= {error: _problem(error) for error in errors}
    return {
        "operation_id": name,
        "name": name,
        "summary": summary,
        "status_code": status,
        "responses": responses,
        "openapi_extra": extra,
        "response_class": Response,
        "dependencies": [] if needs is None else [Depends(needs)],
    }


def _success(summary: str, reply: type | None, example: object) -> dict[str, Any]:
    if reply is None:
        return {"description": summary}
    return {
        "description": summary,
        "content": {"application/json": {"schema": _ref(reply), "example": example}},
    }


def _problem(status: int) -> dict[str, Any]:
    return {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": _ref(ProblemDocument)}}}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": SCHEMA_REF.format(name=kind.__name__)}
