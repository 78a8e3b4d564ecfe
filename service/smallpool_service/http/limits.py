"""The gate before everything else: sizes, deadlines, how long a request has waited and how many are under way, in pure ASGI.

In: each request as the server hands it on, with when it arrived, where the server notes that. Out: the request with its deadline in
`scope["state"]`, or a problem before anything was asked of any store. Health, metrics and documentation always pass; operators have a
reserve of their own, and however long they have waited they get their answer.
"""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smallpool_core.errors import DeadlinePassed, Problem, Refused
from smallpool_core.ports import Clock
from smallpool_service.http.problems import RETRY_AFTER_S, HttpProblem, problem_of, problem_response
from smallpool_service.http.settings import HttpLimits

TIMEOUT_HEADER = "x-smallpool-timeout-ms"
_DEADLINE = "smallpool_deadline_ms"
"""Where in `scope["state"]` the deadline stands: epoch ms, or nothing where the caller set none."""
EVENT_PATHS = frozenset({"/v1/item-events", "/v1/user-events", "/v1/seller-events"})
ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"})
OPERATORS = ("/v1/pools", "/v1/experiments", "/v1/audit", "/v1/keys", "/console")
LONGEST_NUMBER = 18

_ARRIVED = "smallpool_arrived_s"
"""Where in `scope["state"]` it stands when the head of a request had come, by the monotonic clock."""


def note_arrival(scope: Any) -> None:
    """Notes that the head of this request has come just now; what the process does before its turn comes is time that it has waited."""
    scope.setdefault("state", {})[_ARRIVED] = monotonic()


_Reading = Callable[[], Awaitable[Message]]


def deadline_of(request: Request) -> int | None:
    """The deadline that the caller set, in epoch ms."""
    deadline: int | None = request.scope.get("state", {}).get(_DEADLINE)
    return deadline


class Limits:
    """The gate. `in_flight` is how many requests it let through that are not yet answered."""

    def __init__(self, app: ASGIApp, limits: HttpLimits, clock: Clock) -> None:
        self._app = app
        self._limits = limits
        self._clock = clock
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            bounded = self._checked(scope, receive)
        except (Refused, DeadlinePassed) as error:
            await problem_response(problem_of(error))(scope, receive, send)
            return
        except HttpProblem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        self.in_flight += 1
        try:
            await self._app(scope, bounded, send)
        finally:
            self.in_flight -= 1

    def _checked(self, scope: Scope, receive: Receive) -> _Reading:
        headers, path, waited_ms = Headers(scope=scope), scope["path"], _waited_ms(scope)
        self._check_wait(path, waited_ms)
        self._check_sizes(scope)
        self._note_deadline(scope, headers.get(TIMEOUT_HEADER), waited_ms)
        most = self._limits.event_body_bytes if path in EVENT_PATHS else self._limits.body_bytes
        self._check_length(headers.get("content-length"), most)
        self._check_room(path)
        return _bounded(receive, most)

    def _check_sizes(self, scope: Scope) -> None:
        target = len(scope.get("raw_path") or scope["path"].encode("utf-8", "replace")) + len(scope["query_string"])
        if target > self._limits.target_bytes:
            raise HttpProblem(414, "address-too-long", f"path and query have {target} bytes; at most {self._limits.target_bytes} are read")
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > self._limits.header_bytes:
            raise HttpProblem(431, "headers-too-large", f"the headers have {size} bytes; at most {self._limits.header_bytes} are read")

    def _check_wait(self, path: str, waited_ms: int) -> None:
        """Refuses at once what has waited too long for its turn: the answer would come late, and everybody behind it still later. Operators
        wait: they are few, and whoever would lighten the load of a busy process is one of them.
        """
        if waited_ms > self._limits.queue_ms and path not in ALWAYS_OPEN and not _is_operators(path):
            detail = f"this request waited {waited_ms} ms for its turn, and at most {self._limits.queue_ms} are waited; try again shortly"
            raise HttpProblem(503, "overloaded", detail, headers={"Retry-After": RETRY_AFTER_S})

    def _note_deadline(self, scope: Scope, text: str | None, waited_ms: int) -> None:
        if text is None:
            return
        timeout_ms = _whole_number(text)
        if timeout_ms is None:
            most = self._limits.max_timeout_ms
            raise Refused(
                [Problem("X-Smallpool-Timeout-Ms", repr(text[:40]), f"a whole number of ms is allowed; above {most} it counts as that")]
            )
        left_ms = min(timeout_ms, self._limits.max_timeout_ms) - waited_ms
        if left_ms <= 0:
            raise DeadlinePassed(-left_ms)
        state: dict[str, Any] = scope.setdefault("state", {})
        state[_DEADLINE] = self._clock.now_ms() + left_ms

    def _check_length(self, text: str | None, most: int) -> None:
        length = None if text is None else _whole_number(text)
        if text is not None and (length is None or length < 0):
            raise HttpProblem(400, "content-length", f"Content-Length is {text[:40]!r}; it is the number of bytes of the body")
        if length is not None and length > most:
            raise _too_large(f"{length} bytes", most)

    def _check_room(self, path: str) -> None:
        if path in ALWAYS_OPEN:
            return
        room = self._limits.in_flight + (self._limits.reserve if _is_operators(path) else 0)
        if self.in_flight >= room:
            detail = f"{self.in_flight} requests are under way, and at most {room} are taken; try again shortly"
            raise HttpProblem(503, "overloaded", detail, headers={"Retry-After": RETRY_AFTER_S})


def _is_operators(path: str) -> bool:
    return path.startswith(OPERATORS) and not path.endswith("/recall")


def _waited_ms(scope: Scope) -> int:
    """How long ago the head of the request came; nought where the server does not note it."""
    arrived: float | None = scope.get("state", {}).get(_ARRIVED)
    return 0 if arrived is None else max(0, round((monotonic() - arrived) * 1000))


def _bounded(receive: Receive, most: int) -> _Reading:
    """`receive`, which raises a problem once the body is larger than `most`, whatever its headers said."""
    taken = 0

    async def read() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > most:
                raise _too_large(f"more than {most} bytes", most)
        return message

    return read


def _too_large(found: str, most: int) -> HttpProblem:
    problem = Problem("(body)", found, f"at most {most} bytes are read here; split a batch of events over several requests")
    return HttpProblem(413, "body-too-large", str(problem), [problem], headers={"Connection": "close"})


def _whole_number(text: str) -> int | None:
    """A decimal number as written, None where it is not one; longer than any real one counts as not one."""
    digits = text.strip()
    if len(digits) > LONGEST_NUMBER or not digits.isascii() or not digits.removeprefix("-").isdigit():
        return None
    return int(digits)
