"""What a request is before any route sees it, so that every id has an address and every route answers the methods of HTTP.

In: a request as the server hands it on. Out: HEAD as GET without its body; a path in which an encoded slash is part of an id and no
border between two; the methods that a path takes.
"""

from typing import Any, Final
from urllib.parse import unquote

from fastapi import FastAPI
from pydantic import BeforeValidator
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")


class Routing:
    """Goes round all other layers: they see the request as the routes do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        seen = {**scope, "path": _path(scope)} | ({"method": "GET"} if is_head else {})
        await self._app(seen, receive, _without_body(send) if is_head else send)


def _path(scope: Scope) -> str:
    """The path, decoded but for `%2F` and `%25`, which `in_path` decodes once the borders are found."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        return str(scope["path"])
    kept = raw.replace(b"%25", b"%2525").replace(b"%2F", b"%252F").replace(b"%2f", b"%252F")
    return unquote(kept.decode("latin-1"), errors="surrogateescape")


def _decoded(segment: Any) -> Any:
    return unquote(segment) if isinstance(segment, str) else segment


in_path = BeforeValidator(_decoded)
"""Goes with every parameter of a path."""


def _without_body(send: Send) -> Send:
    async def headers_alone(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headers_alone


def methods_of(app: FastAPI, scope: Scope) -> list[str]:
    """Every method that the path takes, in order of the alphabet; none where nothing is there."""
    found = {method for method in METHODS if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.routes)}
    if "GET" in found:
        found |= {"HEAD"}
    return sorted(found | {"OPTIONS"}) if found else []
