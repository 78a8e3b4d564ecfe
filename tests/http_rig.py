"""The HTTP API over a whole marketplace: real embedded stores in a folder of the test's own, the write path turned on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from builders import NOW, FakeClock
from smallpool_core.access import Role
from smallpool_core.catalogue import Catalogue
from smallpool_core.fields import Attributes
from smallpool_service.cuts import Cuts
from smallpool_service.experiments.operating import ExperimentDesk
from smallpool_service.experiments.placing import Experiments
from smallpool_service.freshness import oldest_waiting_ms
from smallpool_service.http.app import create_app
from smallpool_service.http.parts import Check, ServiceParts
from smallpool_service.http.settings import HttpLimits
from smallpool_service.keys import create_key
from smallpool_service.metrics import Metrics
from smallpool_service.recaller import Recaller
from smallpool_service.run import ReadPorts
from smallpool_service.settings import ReadSettings
from smallpool_stores.duckdb.outcomes import open_outcomes
from smallpool_stores.memory.vector_index import NumpyVectorIndex
from smallpool_stores.sqlite.experiments import SqliteExperimentStore
from smallpool_stores.sqlite.keys import SqliteKeyStore
from smallpool_stores.sqlite.people import SqlitePeople
from smallpool_stores.sqlite.pool_figures import SqlitePoolFigures
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.reader import SqliteItemReader
from smallpool_stores.sqlite.relations import SqliteRelations
from smallpool_stores.sqlite.seen import SqliteSeenList
from write_rig import Rig

EVERYTHING: dict[str, Any] = {"all": []}
PHONES: dict[str, Any] = {"field": "category", "op": "prefix", "value": ["数码"]}
LIMITS = HttpLimits(user_wait_ms=5, item_wait_ms=5)


class Api:
    """A client of the application, as admin unless told otherwise; each call is one request on an event loop of its own."""

    def __init__(self, folder: Path, limits: HttpLimits = LIMITS) -> None:
        self.clock = FakeClock(NOW)
        self.rig = Rig(folder, clock=self.clock)
        self.key_store = SqliteKeyStore(self.rig.database)
        self.checks: dict[str, Check] = {}
        self.metrics = Metrics()
        settings, ports = ReadSettings(timeout_ms=60_000, source_shares={"explore": 0.0}), self._ports()
        store = SqliteExperimentStore(self.rig.database)
        desk = ExperimentDesk(store, Experiments(store, ports.catalogue, settings), open_outcomes)
        self.parts = ServiceParts(
            recaller=Recaller(
                ports,
                settings=settings,
                experiments=desk.known,
                observer=self.metrics,
                data_age_ms=lambda: oldest_waiting_ms(self.rig.log, self.clock.now_ms()),
            ),
            pools=self.rig.pools,
            keys=self.key_store,
            log=self.rig.log,
            metrics=self.metrics,
            experiments=desk,
            figures=SqlitePoolFigures(self.rig.database),
            limits=limits,
            checks=self.checks,
        )
        self.parts.recaller.ports.catalogue.refresh()
        self.app = create_app(self.parts)
        self.admin = self.key("admin")

    def _ports(self) -> ReadPorts:
        rig = self.rig
        reader = SqliteItemReader(rig.columns, rig.wide)
        return ReadPorts(
            catalogue=Catalogue(rig.pools, Attributes({}), split_words=rig.understander.split_words),
            reader=reader,
            live=rig.live_view,
            tail=rig.tail,
            seen=SqliteSeenList(rig.database),
            triggers=rig.triggers,
            profiles=SqliteUserProfiles(rig.database),
            people=SqlitePeople(rig.database),
            links=rig.links,
            stats=rig.stats,
            log=rig.log,
            clock=self.clock,
            cuts=Cuts(rig.live_view, reader),
            relations=SqliteRelations(rig.database),
            vectors=NumpyVectorIndex(rig.columns.rows, rig.vectors),
        )

    def key(self, *roles: Role, pools: tuple[str, ...] = ()) -> str:
        """The secret of a new key."""
        return asyncio.run(create_key(self.key_store, "tester", roles, pools, self.clock.now_ms())).secret

    def call(self, method: str, path: str, *, key: str | None = "", **more: Any) -> httpx.Response:
        """One request; `key` None sends none, "" sends the admin's."""
        return asyncio.run(self.send(method, path, key=key, **more))

    async def send(self, method: str, path: str, *, key: str | None = "", **more: Any) -> httpx.Response:
        """The same, on the running loop."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers.setdefault("Authorization", f"Bearer {key or self.admin}")
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://smallpool.test") as client:
            return await client.request(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.call("POST", path, **({"json": json} if json is not None else {}), **more)

    def put(self, path: str, json: Any, **more: Any) -> httpx.Response:
        return self.call("PUT", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.call("DELETE", path, **more)

    def publish(self, *items: dict[str, Any]) -> None:
        """Listings through the API, and taken in."""
        reply = self.post("/v1/item-events", {"events": [listing(**item) for item in items]})
        assert reply.json()["rejected"] == []
        self.settle()

    def make_pool(self, pool_id: str = "p", rule: dict[str, Any] | None = None, **changes: Any) -> httpx.Response:
        """A pool of everything, unless told otherwise, made and tagged."""
        reply = self.post("/v1/pools", {"pool_id": pool_id, "rule": rule or EVERYTHING, **changes})
        assert reply.status_code == 201, reply.text
        self.settle()
        return reply

    def settle(self) -> None:
        """Lets the write path take in all that waits."""
        self.rig.write_path.settle()

    async def keep_settling(self) -> None:
        """Turns the write path beside requests, until cancelled."""
        with suppress(asyncio.CancelledError):
            while True:
                self.rig.write_path.turn()
                await asyncio.sleep(0)

    async def beside_write_path(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request while the write path runs."""
        turning = asyncio.create_task(self.keep_settling())
        try:
            return await self.send(method, path, **more)
        finally:
            turning.cancel()
            await turning


def with_limits(**changes: Any) -> HttpLimits:
    """The limits of the tests, some of them changed."""
    return replace(LIMITS, **changes)


def listing(item_id: str = "i1", version: int = 1, at: int = NOW, type: str = "published", **item: Any) -> dict[str, Any]:  # noqa: A002, the event's own word
    """A listing as a seller's system sends it: a phone, unless told otherwise."""
    whole = {
        "title": f"苹果 手机 {item_id}",
        "category": ["数码", "手机"],
        "price_cents": 100_000,
        "seller_id": "s1",
        "published_at": NOW - 1000,
    }
    return {"type": type, "item_id": item_id, "version": version, "at": at, "item": whole | item}


def removal(item_id: str = "i1", version: int = 2, type: str = "sold") -> dict[str, Any]:  # noqa: A002, the event's own word
    return {"type": type, "item_id": item_id, "version": version, "at": NOW}


def click(item_id: str = "i1", user_id: str = "u1", **changes: Any) -> dict[str, Any]:
    """A click as an app sends it."""
    return {"type": "click", "user_id": user_id, "item_id": item_id, "at": NOW, **changes}


def shelf(count: int) -> list[dict[str, Any]]:
    """That many listings, each in a category of its own."""
    return [{"item_id": f"i{place:03}", "category": ["数码", f"类{place:03}"]} for place in range(count)]


def assert_problem(reply: httpx.Response, status: int, slug: str | None = None) -> dict[str, Any]:
    """That the reply is a problem document with this status; its content."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = reply.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if slug is not None:
        assert problem["type"] == f"urn:smallpool:problem:{slug}"
    return problem


def paths_of(problem: dict[str, Any]) -> list[str]:
    """Where the mistakes of a problem are."""
    return [one["path"] for one in problem["errors"]]


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A body without a length, in chunks."""
    for part in parts:
        yield part
