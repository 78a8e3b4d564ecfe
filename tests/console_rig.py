"""The console over a marketplace in process: a browser's cookies and forms, without a browser."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx

from http_rig import LIMITS, Api
from smallpool_service.console.app import install
from smallpool_service.console.vocabulary import Suggestion, Vocabulary
from smallpool_service.http.settings import HttpLimits

VOCABULARY = Vocabulary(suggestions={"brand": (Suggestion("apple", "苹果"),)})
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Desk:
    """Somebody before the console, logged in as admin once `log_in` was called; each call is one request on a loop of its own."""

    def __init__(self, folder: Path, limits: HttpLimits = LIMITS, *, secret: str | None = None) -> None:
        self.api = Api(folder, limits)
        install(self.api.app, VOCABULARY, secret)
        self.cookies = httpx.Cookies()
        self.token = ""

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self._call("GET", path, **more)

    def post(self, path: str, *, token: str | None = "", **fields: Any) -> httpx.Response:
        """A form with the token of the session, unless told otherwise; `_headers` go with it."""
        headers = fields.pop("_headers", {})
        sent = {} if token is None else {"csrf": token or self.token}
        return self._call("POST", path, data=sent | {name.replace("__", ":"): value for name, value in fields.items()}, headers=headers)

    def form(self, path: str, fields: dict[str, Any], **more: Any) -> httpx.Response:
        """A form whose fields have names that are no Python names."""
        return self._call("POST", path, data={"csrf": self.token} | fields, **more)

    def log_in(self, key: str = "") -> httpx.Response:
        """Through the form, with the token that it has."""
        asked = self.get("/console/login")
        found = _TOKEN.search(asked.text)
        assert found is not None
        reply = self._call("POST", "/console/login", data={"csrf": found.group(1), "key": key or self.api.admin})
        if reply.status_code == 303:
            self.token = self.token_of("/console/pools")
        return reply

    def token_of(self, path: str) -> str:
        """The token in the forms of a page."""
        found = _TOKEN.search(self.get(path).text)
        assert found is not None
        return found.group(1)

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._send(method, path, **more))

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.api.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://smallpool.test", cookies=self.cookies) as client:
            reply = await client.request(method, path, **more)
            self.cookies = client.cookies
            return reply
