"""What the Redis stores of people promise beyond their ports: an end to everything, few bytes, one step, any event loop."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from builders import DAY, MINUTE, NOW, user_event
from redis_rig import RedisServer, Stores, claim_of, own_redis, stores_over
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Entry
from smallpool_core.statistics import StatDelta
from smallpool_core.users import Profile, Touched, TriggerState, Weighted
from smallpool_stores.redis.settings import RedisSettings

PATIENT = {"answer_timeout_ms": 10_000, "write_timeout_ms": 10_000}
STATE = TriggerState(short={"brand:sony": Weighted(1.0, NOW)})
DEFAULTS = RedisSettings()


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with own_redis(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture
def server(one_server: RedisServer) -> RedisServer:
    one_server.client.flushall()
    return one_server


@pytest.fixture
def stores(server: RedisServer) -> Iterator[Stores]:
    connection = server.connect(**PATIENT)
    yield stores_over(connection)
    connection.close()


def save(stores: Stores, identity: str = "u:u1", at: int = NOW, now: int = NOW) -> bool:
    with stores.triggers.atomic():
        is_new = stores.triggers.mark(identity, user_event(at=at), 0)
        stores.triggers.save(identity, STATE, now)
    return is_new


def test_everything_ends_by_itself_after_the_time_set(server: RedisServer, stores: Stores) -> None:
    asyncio.run(stores.seen.claim(claim_of("a")))
    asyncio.run(stores.seen.claim(claim_of("b", request_id="open", n=2, final=False)))
    asyncio.run(stores.profiles.put("u:u1", Profile(("数码",))))
    save(stores)
    stores.stats.add([StatDelta("i1", "p1", "click", 1.0, NOW, ("brand:a",))], 0, 0)
    left = sorted((server.client.pttl(key) + 999) // 1000 for key in server.client.scan_iter())
    expected = [
        DEFAULTS.page_slack_s + 2 + 1,  # the open page: 2 s past its deadline of 200 ms
        DEFAULTS.page_slack_s + 600,
        *[DEFAULTS.marks_kept_s] * 1,
        *[DEFAULTS.hours_kept_s] * 2,
        *[DEFAULTS.seen_kept_s] * 2,
        *[DEFAULTS.statistics_kept_s] * 9,
        DEFAULTS.triggers_kept_s,
        DEFAULTS.profiles_kept_s,
    ]
    assert len(left) == len(expected)
    assert all(wanted - MINUTE // 1000 <= found <= wanted for found, wanted in zip(left, sorted(expected), strict=True)), left


def test_the_index_of_a_person_forgets_pages_that_are_over(server: RedisServer, stores: Stores) -> None:
    for number in range(40):
        asyncio.run(stores.seen.claim(claim_of(f"i{number}", request_id=f"r{number}", now=NOW)))
    later = NOW + 21 * MINUTE
    asyncio.run(stores.seen.claim(claim_of("last", request_id="last", now=later, deadline=later)))
    [index] = [key for key in server.client.scan_iter() if key.endswith(b"}i")]
    assert server.client.zcard(index) == 2, "the seen list and the last page"


def test_erasing_a_person_leaves_of_them_the_erasure_alone_and_that_for_seven_days(server: RedisServer, stores: Stores) -> None:
    async def live() -> None:
        for pool_id in ("p1", "p2"):
            for request_id in ("r1", "r2"):
                await stores.seen.claim(claim_of("a", "b", pool_id=pool_id, request_id=request_id, n=1))
        await stores.profiles.put("u:u1", Profile(("数码",)))
        await asyncio.to_thread(save, stores)
        await stores.people.erase("u:u1", {0: 7}, NOW)

    asyncio.run(live())
    [erasure] = server.client.scan_iter()
    assert erasure.endswith(b"}e")
    assert 7 * DAY - MINUTE < server.client.pttl(erasure) <= 7 * DAY


def test_erasing_somebody_before_anything_ever_happened_leaves_no_key(server: RedisServer, stores: Stores) -> None:
    asyncio.run(stores.people.erase("u:u1", {}, NOW))
    assert server.contents() == {}


def full_state(chance: random.Random) -> TriggerState:
    """64 terms on both horizons and 100 purchases, with nothing in them that repeats."""
    terms = [f"point:{''.join(chance.choices('手机电脑相机镜头手表耳机平板键盘', k=5))}{number}" for number in range(64)]
    horizons = [{term: Weighted(chance.random(), NOW - chance.randrange(14 * DAY)) for term in terms} for _ in range(2)]
    items = ["".join(chance.choices("0123456789abcdef", k=12)) for _ in range(100)]
    return TriggerState(*horizons, [Touched(item, "purchase", NOW - chance.randrange(90 * DAY)) for item in items])


def test_a_person_takes_at_most_8_kib(server: RedisServer, stores: Stores) -> None:
    chance = random.Random(7)
    for page in range(20):
        ids = ["".join(chance.choices("0123456789abcdef", k=12)) for _ in range(10)]
        asyncio.run(stores.seen.claim(claim_of(*ids, request_id=f"r{page}", now=NOW + page * MINUTE)))
    replay = {key for key in server.client.scan_iter() if server.client.type(key) == b"list"}
    stores.triggers.save("u:u1", full_state(chance), NOW)
    for key in replay:
        server.client.unlink(key)
    [index] = [key for key in server.client.scan_iter() if key.endswith(b"}i")]
    server.client.zremrangebyrank(index, 0, 19)  # the pages' places in it go with the pages
    assert sum(server.client.memory_usage(key, samples=0) for key in server.client.scan_iter()) <= 8192


def test_an_empty_state_takes_no_key(server: RedisServer, stores: Stores) -> None:
    with stores.triggers.atomic():
        stores.triggers.mark("u:u1", user_event("expose"), 0)
        stores.triggers.save("u:u1", TriggerState(), NOW)
    assert len(server.contents()) == 1, "the marks"
    assert stores.triggers.load("u:u1") == TriggerState()
    with stores.triggers.atomic():
        assert not stores.triggers.mark("u:u1", user_event("expose"), 0)


def test_of_two_consumers_that_apply_events_of_one_person_at_once_the_later_writes_nothing(server: RedisServer, stores: Stores) -> None:
    late = stores_over(server.connect(**PATIENT))
    with late.triggers.atomic():
        late.triggers.load("u:u1")
        assert late.triggers.mark("u:u1", user_event(), 0)
        assert save(stores, at=NOW + 1)
        with pytest.raises(StoreUnavailable, match="another consumer"):
            late.triggers.save("u:u1", TriggerState(), NOW)
    assert stores.triggers.load("u:u1") == STATE
    assert save(late, at=NOW)
    assert not save(stores, at=NOW)


def test_what_was_erased_while_a_batch_was_under_way_stays_erased(stores: Stores) -> None:
    save(stores)
    with stores.triggers.atomic():
        state = stores.triggers.load("u:u1")
        stores.triggers.mark("u:u1", user_event(at=NOW + 1), 1)
        asyncio.run(stores.people.erase("u:u1", {0: 1}, NOW))
        with pytest.raises(StoreUnavailable, match="erased"):
            stores.triggers.save("u:u1", state, NOW)
    assert stores.triggers.load("u:u1") == TriggerState()


def test_a_stranger_who_was_erased_while_their_first_batch_was_under_way_stays_one(stores: Stores) -> None:
    with stores.triggers.atomic():
        state = stores.triggers.load("u:u1")
        stores.triggers.mark("u:u1", user_event(), 1)
        asyncio.run(stores.people.erase("u:u1", {0: 1}, NOW))
        with pytest.raises(StoreUnavailable, match="erased"):
            stores.triggers.save("u:u1", state, NOW)
    assert stores.triggers.load("u:u1") == TriggerState()


def test_a_mark_that_no_block_holds_and_no_save_stores_is_forgotten(stores: Stores) -> None:
    assert stores.triggers.mark("u:u1", user_event(), 0)
    assert save(stores)


def test_a_block_within_a_block_keeps_its_marks(stores: Stores) -> None:
    with stores.triggers.atomic():
        assert stores.triggers.mark("u:u1", user_event(), 0)
        with stores.triggers.atomic():
            assert not stores.triggers.mark("u:u1", user_event(), 0)
        assert not stores.triggers.mark("u:u1", user_event(), 0)


def test_a_page_may_hold_any_bytes_and_any_number_of_items(stores: Stores) -> None:
    ordered = tuple(Entry(f"i{number}\x00{{}}", "k" * number, None, bytes(range(256)) * 20) for number in range(100))
    claimed = asyncio.run(stores.seen.claim(claim_of(ordered=ordered, n=100, cap=100)))
    assert claimed.entries == ordered
    opening = asyncio.run(stores.seen.open("u:u1", "p1", "r1", NOW))
    assert opening.page is not None
    assert opening.page.entries == ordered
    assert [entry.item_id for entry in opening.seen] == [entry.item_id for entry in ordered]


def test_the_connections_of_an_event_loop_end_with_it(server: RedisServer, stores: Stores) -> None:
    idle = len(server.client.client_list())

    async def at_once() -> None:
        await asyncio.gather(*(stores.profiles.get(f"u:{number}") for number in range(8)))
        assert len(server.client.client_list()) > idle

    for _ in range(5):
        asyncio.run(at_once())
    while len(server.client.client_list()) > idle:
        pass  # until the server has noticed


def test_a_call_that_finds_no_free_connection_in_time_gives_up_and_does_not_wait_again(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crowd() -> None:
        connection = server.connect(connections=1, answer_timeout_ms=50)
        pool = (await connection._client(server.url)).connection_pool
        take, asked = pool.get_connection, 0
        held = await take()

        async def counted() -> object:
            nonlocal asked
            asked += 1
            return await take()

        monkeypatch.setattr(pool, "get_connection", counted)
        with pytest.raises(StoreUnavailable, match="No connection available"):
            await stores_over(connection).profiles.get("u:u1")
        assert asked == 1
        await pool.release(held)

    asyncio.run(crowd())


def test_a_reading_call_survives_a_connection_that_the_server_has_closed(server: RedisServer, stores: Stores) -> None:
    save(stores)

    async def ask() -> None:
        await stores.triggers.get("u:u1")
        server.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert await stores.triggers.get("u:u1") == STATE

    asyncio.run(ask())
    server.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert stores.triggers.load("u:u1") == STATE
