"""What the routes stand on, put together by the wiring; nothing here is global.

In: ports and pipelines. Out: `ServiceParts`, which each route asks for by its annotation `Parts`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from smallpool_core.keyword_ports import Keywords, NoKeywords
from smallpool_core.ports import EventLog, KeyStore, PoolFigures, PoolStore
from smallpool_service.alerts.board import Board
from smallpool_service.experiments.operating import ExperimentDesk
from smallpool_service.http.auth import Keyring
from smallpool_service.http.settings import HttpLimits
from smallpool_service.metrics import Metrics
from smallpool_service.recaller import Recaller

Check = Callable[[], str | None]
"""Says what is wrong with a part of the process, None while all is well."""


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """The parts of one serving process.

    `log` is the one that callers are acknowledged from: its append returns when the events are durable. `checks` are asked
    by `/readyz`, by name. `board` has the figures and alerts of all live pools, `figures` is what
    these are counted in. Everything else that routes read comes through the recaller's ports.
    """

    recaller: Recaller
    pools: PoolStore
    keys: KeyStore
    log: EventLog
    metrics: Metrics
    experiments: ExperimentDesk
    figures: PoolFigures
    keywords: Keywords = field(default_factory=NoKeywords)
    limits: HttpLimits = field(default_factory=HttpLimits)
    checks: Mapping[str, Check] = field(default_factory=dict)
    board: Board = field(default_factory=Board)

    def now(self) -> int:
        """The clock, in epoch ms."""
        return self.recaller.ports.clock.now_ms()


async def parts_of(request: Request) -> ServiceParts:
    """The parts of the application that serves this request; a coroutine, for the framework gives each plain function a thread."""
    parts: ServiceParts = request.app.state.parts
    return parts


Parts = Annotated[ServiceParts, Depends(parts_of)]


async def keyring_of(request: Request) -> Keyring:
    """The keys that the application remembers."""
    keyring: Keyring = request.app.state.keyring
    return keyring
