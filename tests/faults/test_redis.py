"""Faults of Redis: down, hanging, read-only, full, restarted with less, told to forget its scripts; and one person fifty times at once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from builders import NOW, user_event
from read_rig import World, ids, request, shelf
from redis_rig import RedisServer, Stores, claim_of, free_port, own_redis, recaller, stores_over
from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_core.pages import Opening
from smallpool_core.statistics import StatDelta
from smallpool_core.users import Profile, TriggerState, Weighted
from smallpool_service.page import Page
from smallpool_service.recaller import Recaller
from smallpool_stores.redis.connection import RedisConnection

STATE = TriggerState(short={"brand:sony": Weighted(1.0, NOW)})
CLICK = StatDelta("i1", "p1", "click", 1.0, NOW, ("brand:sony",))

READS: dict[str, Callable[[Stores], object]] = {
    "seen.open": lambda stores: asyncio.run(stores.seen.open("u:u1", "p1", "r1", NOW)),
    "triggers.get": lambda stores: asyncio.run(stores.triggers.get("u:u1")),
    "triggers.load": lambda stores: stores.triggers.load("u:u1"),
    "triggers.erased": lambda stores: stores.triggers.erased("u:u1"),
    "links.known": lambda stores: stores.links.known(["d1"]),
    "profiles.get": lambda stores: asyncio.run(stores.profiles.get("u:u1")),
    "stats.popular": lambda stores: asyncio.run(stores.stats.popular("p1", 10)),
    "stats.responses": lambda stores: asyncio.run(stores.stats.responses("p1", ["i1"], NOW)),
    "stats.top_terms": lambda stores: asyncio.run(stores.stats.top_terms("p1", 10, NOW)),
}
WRITES: dict[str, Callable[[Stores], object]] = {
    "seen.claim": lambda stores: asyncio.run(stores.seen.claim(claim_of("a", request_id="another"))),
    "triggers.save": lambda stores: stores.triggers.save("u:u1", STATE, NOW),
    "profiles.put": lambda stores: asyncio.run(stores.profiles.put("u:u1", Profile(("数码",)))),
    "links.link": lambda stores: asyncio.run(stores.links.link("d1", "u1", NOW)),
    "links.link_now": lambda stores: stores.links.link_now("d1", "u1", NOW),
    "stats.add": lambda stores: stores.stats.add([CLICK], 0, 1),
}
DELETES: dict[str, Callable[[Stores], object]] = {
    "seen.erase": lambda stores: asyncio.run(stores.seen.erase("u:u1", None)),
    "people.erase": lambda stores: asyncio.run(stores.people.erase("u:u1", {0: 7}, NOW)),
    "stats.forget": lambda stores: stores.stats.forget(["i1"]),
}


def make_read_only(server: RedisServer) -> None:
    server.client.replicaof("127.0.0.1", free_port())


def make_writable(server: RedisServer) -> None:
    server.client.replicaof("NO", "ONE")


def fill(server: RedisServer) -> None:
    server.client.config_set("maxmemory", 1)


def make_room(server: RedisServer) -> None:
    server.client.config_set("maxmemory", 0)


BREAKS = {"down": RedisServer.kill, "hangs": RedisServer.freeze, "read-only": make_read_only, "full": fill}
MENDS = {"down": RedisServer.start, "hangs": RedisServer.thaw, "read-only": make_writable, "full": make_room}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with own_redis(tmp_path) as started:
        yield started


@pytest.fixture
def connection(server: RedisServer) -> Iterator[RedisConnection]:
    opened = server.connect()
    yield opened
    opened.close()


@pytest.fixture
def stores(connection: RedisConnection) -> Stores:
    """Stores in which u1 was served `seen`, likes something, and clicked on an item."""
    made = stores_over(connection)
    asyncio.run(made.seen.claim(claim_of("seen")))
    asyncio.run(made.profiles.put("u:u1", Profile(("数码",))))
    made.triggers.save("u:u1", STATE, NOW)
    made.stats.add([CLICK], 0, 0)
    return made


@pytest.mark.parametrize("how", ["down", "hangs"])
@pytest.mark.parametrize("name", [*READS, *WRITES, *DELETES])
def test_case_14_every_call_says_what_it_wanted_and_that_redis_is_unavailable(
    server: RedisServer, stores: Stores, how: str, name: str
) -> None:
    call = (READS | WRITES | DELETES)[name]
    BREAKS[how](server)
    with pytest.raises(StoreUnavailable, match=rf"could not .*: Redis at 127\.0\.0\.1:{server.port} says .*; "):
        call(stores)
    MENDS[how](server)
    call(stores)


@pytest.mark.parametrize("how", ["read-only", "full"])
def test_case_14_a_redis_that_takes_no_writes_is_read_and_says_that_nothing_was_written(
    server: RedisServer, stores: Stores, how: str
) -> None:
    before = server.contents()
    BREAKS[how](server)
    refused = WRITES | DELETES if how == "read-only" else WRITES
    for name, call in refused.items():
        with pytest.raises(StoreFull, match="nothing was written"):
            call(stores)
        assert server.contents() == before, name
    for call in READS.values():
        call(stores)
    MENDS[how](server)
    for call in (WRITES | DELETES).values():
        call(stores)


def page_of(made: Recaller, **changes: Any) -> Page:
    return asyncio.run(made.recall(request(**changes)))


@pytest.mark.parametrize("how", ["down", "hangs"])
def test_case_14_without_redis_a_page_is_full_unclaimed_and_names_what_it_did_without(
    server: RedisServer, stores: Stores, how: str
) -> None:
    made = recaller(World(*shelf(40)), stores)
    assert page_of(made).degraded == []
    BREAKS[how](server)
    page = page_of(made)
    assert (len(page.items), page.short) == (10, None)
    assert set(page.degraded) == {"seen_list", "triggers", "profile", "stats", "source:popular", "source:explore"}
    MENDS[how](server)
    assert page_of(made).degraded == []


@pytest.mark.parametrize("how", ["read-only", "full"])
def test_case_14_where_redis_takes_no_writes_what_was_seen_is_still_kept_away(server: RedisServer, stores: Stores, how: str) -> None:
    made = recaller(World(*shelf(40)), stores)
    first = ids(page_of(made))
    BREAKS[how](server)
    page = page_of(made, request_id="again")
    assert (len(page.items), page.degraded) == (10, ["seen_list"])
    assert set(ids(page)).isdisjoint(first)
    MENDS[how](server)
    assert ids(page_of(made, request_id="again")) == ids(page), "it was remembered of nobody"


def opening_of(stores: Stores, person: int) -> Coroutine[Any, Any, Opening]:
    return stores.seen.open(f"u:{person}", "p1", "r1", NOW)


def test_case_14_an_answer_that_comes_too_late_is_never_taken_for_another(server: RedisServer) -> None:
    async def ask() -> None:
        stores = stores_over(server.connect(connections=2, answer_timeout_ms=10_000))
        for person in range(4):
            await stores.seen.claim(claim_of(f"item of {person}", identity=f"u:{person}"))
        server.freeze()
        late = await asyncio.gather(*(asyncio.wait_for(opening_of(stores, person), 0.05) for person in range(2)), return_exceptions=True)
        assert [type(end) for end in late] == [TimeoutError] * 2
        server.thaw()
        for person in range(4):
            opening = await opening_of(stores, person)
            assert [entry.item_id for entry in opening.seen] == [f"item of {person}"]

    asyncio.run(ask())


def test_case_14_calls_in_any_number_wait_for_few_connections_and_then_give_up(server: RedisServer) -> None:
    async def ask() -> None:
        stores = stores_over(server.connect(connections=3))
        await opening_of(stores, 0)
        server.freeze()
        answers = await asyncio.gather(*(opening_of(stores, person) for person in range(60)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreUnavailable}
        server.thaw()
        assert len(server.client.client_list()) <= 1 + 3 + 3, "the test's own, three that were given up, three new ones"
        await opening_of(stores, 0)

    asyncio.run(ask())


def test_case_15_a_restart_without_data_leaves_a_shorter_seen_list_and_no_error(server: RedisServer) -> None:
    async def live() -> None:
        stores = stores_over(server.connect(answer_timeout_ms=10_000))
        await stores.seen.claim(claim_of("a", "b"))
        server.client.save()
        await asyncio.gather(*(stores.seen.claim(claim_of(item, request_id=item)) for item in ("c", "d")))
        server.kill()
        server.start()
        opening = await stores.seen.open("u:u1", "p1", "c", NOW)
        assert ([entry.item_id for entry in opening.seen], opening.page) == (["a", "b"], None)
        claimed = await stores.seen.claim(claim_of("a", "c", "e", request_id="c", fingerprint="anew"))
        assert [entry.item_id for entry in claimed.entries] == ["c", "e"]

    asyncio.run(live())


def test_case_15_the_connections_of_before_the_restart_cost_no_call(server: RedisServer) -> None:
    async def live() -> None:
        stores = stores_over(server.connect(connections=8, answer_timeout_ms=10_000))
        await asyncio.gather(*(opening_of(stores, person) for person in range(8)))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        for person in range(8):
            await stores.seen.claim(claim_of("a", identity=f"u:{person}"))
        stores.triggers.save("u:u1", STATE, NOW)
        stores.stats.add([CLICK], 0, 1)

    asyncio.run(live())


def test_case_16_scripts_that_were_forgotten_are_given_again(server: RedisServer, stores: Stores) -> None:
    server.client.script_flush()
    asyncio.run(stores.seen.claim(claim_of("a", request_id="r2")))
    server.client.script_flush()
    with stores.triggers.atomic():
        stores.triggers.mark("u:u1", user_event(), 1)
        stores.triggers.save("u:u1", STATE, NOW)
    server.client.script_flush()
    stores.stats.add([CLICK], 0, 1)
    assert [entry.item_id for entry in asyncio.run(stores.seen.open("u:u1", "p1", "r2", NOW)).seen] == ["seen", "a"]
    assert not stores.triggers.mark("u:u1", user_event(), 1)
    assert asyncio.run(stores.stats.responses("p1", ["i1"], NOW)).weights == {"i1": pytest.approx(2.0)}


def of_another_type(client: "redis.Redis", key: bytes) -> None:
    is_string = client.type(key) == b"string"
    client.unlink(key)
    if is_string:
        client.rpush(key, "x")
    else:
        client.set(key, "x")


def in_slot(key: bytes, contents: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """What lies in the slot of this key: one script writes keys of one slot."""
    tag = key[: key.index(b"}")]
    return {other: value for other, value in contents.items() if other.startswith(tag)}


BEGUN = claim_of("a", request_id="r2", n=9, final=False)
FAILING: dict[str, tuple[Callable[[Stores], object], int]] = {
    "seen.claim": (lambda stores: asyncio.run(stores.seen.claim(claim_of("b", request_id="r2", n=9, round=1))), 3),
    "stats.add": (lambda stores: stores.stats.add([CLICK], 0, 1), 11),
}


@pytest.mark.parametrize("name", FAILING)
def test_case_16_a_script_that_meets_a_key_of_another_type_has_written_nothing(server: RedisServer, stores: Stores, name: str) -> None:
    call, written = FAILING[name]
    asyncio.run(stores.seen.claim(BEGUN))
    intact = server.contents()
    failed = set()
    for key in intact:
        of_another_type(server.client, key)
        before = server.contents()
        try:
            call(stores)
        except StoreError:
            assert in_slot(key, server.contents()) == in_slot(key, before)
            failed.add(key)
        server.client.flushdb()
        for kept, value in intact.items():
            server.client.restore(kept, 0, value)
    assert len(failed) == written


def test_case_17_a_redis_that_hangs_costs_one_page_its_wait_and_is_then_asked_by_one_call_at_a_time(server: RedisServer) -> None:
    async def ask() -> None:
        stores = stores_over(server.connect(pause_after=3, pause_ms=100))
        await opening_of(stores, 0)
        server.freeze()
        assert await refusals(stores) == {"no answer": 3}
        assert await refusals(stores) == {"left alone": 3}
        assert await refusals_after_the_pause(stores) == {"no answer": 1, "left alone": 2}, "one asks for all"
        server.thaw()
        assert await refusals_after_the_pause(stores) == {"left alone": 2}, "they do not wait for the one that asks"
        assert await refusals(stores) == {}

    asyncio.run(ask())


async def refusals_after_the_pause(stores: Stores) -> dict[str, int]:
    async with asyncio.timeout(20):
        found = await refusals(stores)
        while found == {"left alone": 3}:
            found = await refusals(stores)
    return found


async def refusals(stores: Stores) -> dict[str, int]:
    """How many of three calls made at once fail, by what they say."""
    ends = await asyncio.gather(*(opening_of(stores, person) for person in range(3)), return_exceptions=True)
    errors = [str(end) for end in ends if isinstance(end, StoreUnavailable)]
    return dict(Counter("left alone" if "left alone" in error else "no answer" for error in errors))


def test_case_40_fifty_requests_of_one_person_at_two_servers_share_no_item(server: RedisServer) -> None:
    async def claim_all() -> None:
        servers = [stores_over(server.connect(answer_timeout_ms=10_000)) for _ in range(2)]
        pool = [f"i{number:03}" for number in range(300)]
        served: list[str] = []
        for turn in range(2):
            calls = [servers[place % 2].seen.claim(claim_of(*pool, request_id=f"{turn} {place}", n=2)) for place in range(50)]
            pages = await asyncio.gather(*calls)
            assert [len(page.entries) for page in pages] == [2] * 50
            served += [entry.item_id for page in pages for entry in page.entries]
            seen = [entry.item_id for entry in (await servers[0].seen.open("u:u1", "p1", "", NOW)).seen]
            assert sorted(seen) == sorted(served)
        assert len(set(served)) == 200
        more = [servers[place % 2].seen.claim(claim_of(*pool, request_id=f"more {place}", n=2)) for place in range(50)]
        assert len({entry.item_id for page in await asyncio.gather(*more) for entry in page.entries}) == 100
        assert len({entry.item_id for entry in (await servers[0].seen.open("u:u1", "p1", "", NOW)).seen}) == 200

    asyncio.run(claim_all())


def test_case_40_fifty_pages_of_one_person_at_once_share_no_item(server: RedisServer) -> None:
    async def recall_all() -> list[Page]:
        made = recaller(World(*shelf(200)), stores_over(server.connect(answer_timeout_ms=10_000)))
        return await asyncio.gather(*(made.recall(request(size=2)) for _ in range(50)))

    pages = asyncio.run(recall_all())
    served = [item_id for page in pages for item_id in ids(page)]
    assert [page.degraded for page in pages] == [[]] * 50
    assert len(served) == len(set(served)) == 100
