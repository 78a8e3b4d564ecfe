"""`smallpool serve` while Elasticsearch is down or hangs: who may ask is known, pages come in time, and the process stays ready."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

import http_rig
from harm_rig import Indexing, Servers, Serving, await_that, body_of
from smallpool_config.clock import SystemClock
from smallpool_config.settings import Settings
from smallpool_config.wiring import open_system
from two_wirings import on_servers

TIMEOUT_MS = 2_000
GIVE_UP_S = 10.0
"""A page takes no longer than its deadline and what a busy machine adds, whatever it lacks."""


class Replicas:
    """Two replicas of a marketplace of forty items, the second begun when the keys were made."""

    def __init__(self, settings: Settings, folder: Path, stack: ExitStack) -> None:
        self.index = stack.enter_context(Indexing(settings, folder / "index"))
        self.first = stack.enter_context(Serving(settings, folder / "first"))
        self.admin = stack.enter_context(self.first.client())
        self.index.await_ready()
        body_of(self.admin.post("/v1/pools", json={"pool_id": "p", "name": "p", "rule": {"all": []}}))
        now = SystemClock().now_ms()
        rows = [http_rig.listing(f"n{number:02}", at=now, category=["数码", f"类{number}"]) for number in range(40)]
        body_of(self.admin.post("/v1/item-events", json={"events": rows}))
        self.keys = [body_of(self.admin.post("/v1/keys", json={"name": f"app {number}", "roles": ["recall"]})) for number in range(2)]
        self.second = stack.enter_context(Serving(settings, folder / "second"))
        secret = self.admin.headers["Authorization"].removeprefix("Bearer ")
        self.other_admin = stack.enter_context(self.second.client(GIVE_UP_S, secret))
        for client in (self.admin, self.other_admin):
            await_that(lambda client=client: is_whole(page(client)), "a page lacks nothing")  # type: ignore[misc]
        people = [f"u{number}" for number in range(2)]
        liked = [{"type": "click", "user_id": user, "item_id": "n00", "at": now} for user in people]
        body_of(self.admin.post("/v1/user-events", json={"events": liked}))
        for user in people:
            await_that(lambda user=user: body_of(self.admin.get(f"/v1/users/{user}"))["triggers"] != [], "what they like is known")  # type: ignore[misc]


@pytest.fixture
def replicas(harming: Servers, tmp_path: Path) -> Iterator[Replicas]:
    settings = on_servers(tmp_path, at=harming.addresses)
    settings = replace(settings, read=replace(Settings().read, timeout_ms=TIMEOUT_MS))
    maker = open_system(settings, SystemClock())
    maker.init()
    try:
        with ExitStack() as stack:
            yield Replicas(settings, tmp_path, stack)
    finally:
        harming.mend()
        maker.discard()


def page(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    return body_of(client.post("/v1/pools/p/recall", json={"user_id": "u1", "dry_run": True} | changes))


def is_whole(made: dict[str, Any]) -> bool:
    return (len(made["items"]), made["degraded"]) == (10, [])


def is_let_in(client: httpx.Client) -> bool:
    status = client.post("/v1/pools/p/recall", json={"user_id": "u1", "dry_run": True}).status_code
    assert status in {200, 401}
    return status == 200


@pytest.mark.parametrize("how", ["down", "hangs"])
def test_case_13_a_replica_answers_in_time_whoever_asks_also_with_a_key_that_it_was_never_asked_with(
    harming: Servers, replicas: Replicas, how: str
) -> None:
    (harming.kill if how == "down" else harming.pause)("elasticsearch")
    for number, key in enumerate(replicas.keys):
        with replicas.second.client(GIVE_UP_S, key["secret"]) as client:
            made = page(client, user_id=f"u{number}", dry_run=False)
            assert (len(made["items"]), made["short"]) == (10, None), made
            assert set(made["degraded"]) == {"source:terms"}
    with replicas.second.client(GIVE_UP_S, "sp_nobody-has-this-one") as stranger:
        assert not is_let_in(stranger)
    ready = replicas.other_admin.get("/readyz")
    assert (ready.status_code, ready.json()["failing"]) == (200, {})
    assert isinstance(ready.json()["live_view_age_ms"], int)
    assert isinstance(ready.json()["item_events_lag"], int)
    harming.start("elasticsearch") if how == "down" else harming.resume("elasticsearch")
    await_that(lambda: is_whole(page(replicas.other_admin)), "a page lacks nothing again")


def test_a_key_that_one_replica_makes_or_revokes_is_so_in_the_other_soon(replicas: Replicas) -> None:
    revoked = replicas.keys[0]
    with replicas.second.client(key=revoked["secret"]) as client, replicas.first.client(key=revoked["secret"]) as here:
        assert is_let_in(client)
        assert replicas.admin.delete(f"/v1/keys/{revoked['key_id']}").status_code == 204
        assert not is_let_in(here), "where it was revoked it is so at once"
        await_that(lambda: not is_let_in(client), "it is revoked in the other replica")
    made = body_of(replicas.admin.post("/v1/keys", json={"name": "new", "roles": ["recall"]}))
    with replicas.second.client(key=made["secret"]) as client, replicas.first.client(key=made["secret"]) as here:
        assert is_let_in(here), "where it was made it is known at once"
        await_that(lambda: is_let_in(client), "it is known in the other replica")
