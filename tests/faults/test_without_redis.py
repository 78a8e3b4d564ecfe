"""Pages of the distributed wiring while Redis is down, hangs, takes no writes, or has forgotten something."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import redis
from msgspec.structs import replace

from builders import user_event
from harm_rig import Servers, await_that
from read_rig import ids, request
from smallpool_config.clock import SystemClock
from smallpool_core.users import Identity
from smallpool_service.page import Page
from smallpool_service.settings import ReadSettings
from smallpool_stores.redis.settings import RedisSettings
from system_rig import EVERYTHING, Marketplace, listing
from two_wirings import distributed, on_servers

TIMEOUT_MS = 3_000
SLACK_S = 5.0


@pytest.fixture(scope="module")
def market(harmed: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marketplace]:
    """A hundred items in fifty categories. Redis has the time to answer that it has by default."""
    folder = tmp_path_factory.mktemp("market")
    made = on_servers(folder, at=harmed.addresses)
    usual = RedisSettings(url=made.redis.url, prefix=made.redis.prefix)
    settings = replace(made, redis=usual, read=ReadSettings(timeout_ms=TIMEOUT_MS, pools_refresh_ms=0))
    with distributed(folder, SystemClock(), settings=settings) as market:
        market.save_pool("p", EVERYTHING)
        market.take(*[listing(f"i{place:03}", category=f"类{place // 2}", seller_id=f"s{place}") for place in range(100)])
        market.take(user_event("click", "i000", at=market.clock.now_ms()))
        yield market


def page_in_time(market: Marketplace, user: str, request_id: str | None = None) -> Page:
    async def ask() -> Page:
        async with asyncio.timeout(TIMEOUT_MS / 1000 + SLACK_S):
            return await market.system.recaller.recall(request(identity=Identity(user, None), request_id=request_id))

    return asyncio.run(ask())


def console(servers: Servers) -> redis.Redis:
    return redis.Redis.from_url(servers.addresses.redis_url)


def make_read_only(servers: Servers) -> None:
    console(servers).replicaof("127.0.0.1", 1)


def fill(servers: Servers) -> None:
    console(servers).config_set("maxmemory", 1)


def heal(servers: Servers) -> None:
    servers.mend()
    console(servers).replicaof("NO", "ONE")
    console(servers).config_set("maxmemory", 0)


HARMS: dict[str, Callable[[Servers], None]] = {
    "down": lambda servers: servers.kill("redis"),
    "hangs": lambda servers: servers.pause("redis"),
    "read-only": make_read_only,
    "full": fill,
}


@pytest.mark.parametrize("how", HARMS)
def test_case_14_without_redis_a_page_comes_in_time_and_says_that_it_may_repeat(market: Marketplace, harming: Servers, how: str) -> None:
    await_that(lambda: page_in_time(market, "before").degraded == [], "a page lacks nothing")
    HARMS[how](harming)
    try:
        first, second = (page_in_time(market, how) for _ in range(2))
        assert [len(ids(page)) for page in (first, second)] == [10, 10]
        assert "seen_list" in first.degraded
        assert "seen_list" in second.degraded
        assert set(first.degraded) <= {"seen_list", "triggers", "profile", "stats", "source:popular", "source:explore"}
        assert ids(first) == ids(second), "nothing was claimed, so nothing is left out"
    finally:
        heal(harming)
    await_that(lambda: page_in_time(market, f"{how} after").degraded == [], "a page lacks nothing again")
    first, second = (page_in_time(market, f"{how} later") for _ in range(2))
    assert not set(ids(first)) & set(ids(second)), "nothing comes twice again"


def test_case_15_a_redis_that_has_forgotten_all_gives_whole_pages_that_may_repeat(market: Marketplace, harming: Servers) -> None:
    await_that(lambda: page_in_time(market, "u15").degraded == [], "a page lacks nothing")
    console(harming).flushall()
    page = page_in_time(market, "u15", "r15")
    assert (len(ids(page)), page.degraded) == (10, [])
    assert ids(page_in_time(market, "u15", "r15")) == ids(page)


def test_case_16_scripts_that_redis_forgets_are_given_again_and_cost_no_page(market: Marketplace, harming: Servers) -> None:
    served: list[str] = []
    for number in range(4):
        console(harming).script_flush()
        page = page_in_time(market, "u16", f"r16 {number}")
        assert (len(ids(page)), page.degraded) == (10, [])
        served += ids(page)
    assert len(set(served)) == 40
