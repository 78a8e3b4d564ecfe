"""Pages of the distributed wiring while Elasticsearch is down, hangs, fails or is slow."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from msgspec.structs import replace

from builders import user_event
from harm_rig import Servers, await_that
from loopback_proxy import Delay, Fault, LoopbackProxy, Reply, loopback_proxy
from read_rig import ids, request
from smallpool_config.clock import SystemClock
from smallpool_core.users import Identity
from smallpool_service.page import Page
from smallpool_service.settings import ReadSettings
from system_rig import EVERYTHING, Marketplace, field, listing
from two_wirings import Rested, distributed, on_servers

TIMEOUT_MS = 3_000
SLACK_S = 5.0
"""What a page may take beyond its deadline on a machine that has much else to do."""
SEARCHES = ("_search", "_mget")
FAULTS: dict[str, Fault] = {"500": Reply(500, b'{"error": {"type": "broken", "reason": "broken"}, "status": 500}'), "slow": Delay(10)}
HARMS = ("down", "hangs", *FAULTS)
PHONES = field("category", "prefix", ["数码"])


@pytest.fixture(scope="module")
def market(harmed: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marketplace]:
    """Forty items in twenty categories, and people who like one; u1 is only ever shown what a page would be."""
    folder = tmp_path_factory.mktemp("market")
    settings = replace(on_servers(folder, at=harmed.addresses), read=ReadSettings(timeout_ms=TIMEOUT_MS, pools_refresh_ms=0))
    with distributed(folder, SystemClock(), settings=settings) as made:
        made.save_pool("p", PHONES)
        made.take(*[listing(f"i{place:02}", category=f"类{place // 2}", seller_id=f"s{place}") for place in range(40)])
        made.take(*[user_event("click", "i00", user_id=name, at=made.clock.now_ms()) for name in ("u1", *HARMS)])
        yield made


@contextmanager
def replica(market: Marketplace, url: str | None = None) -> Iterator[Marketplace]:
    """Another process that serves the market, warm: its pages lack nothing."""
    settings = market.system.settings
    if url is not None:
        settings = replace(settings, elasticsearch=replace(settings.elasticsearch, url=url))
    with Rested(settings, clock=SystemClock()) as made:
        await_that(lambda: made.recall(dry_run=True).degraded == [], "a page lacks nothing")
        yield made


def page_in_time(market: Marketplace, **changes: object) -> Page:
    """A page, for which nobody waits much longer than it was given."""

    async def ask() -> Page:
        async with asyncio.timeout(TIMEOUT_MS / 1000 + SLACK_S):
            return await market.system.recaller.recall(request(**changes))

    return asyncio.run(ask())


def kill(servers: Servers) -> None:
    servers.kill("elasticsearch")


def pause(servers: Servers) -> None:
    servers.pause("elasticsearch")


@contextmanager
def fault(how: str, market: Marketplace, servers: Servers) -> Iterator[tuple[Marketplace, Callable[[], None]]]:
    """A replica that has lost Elasticsearch, and what brings it back."""
    with ExitStack() as stack:
        if how in FAULTS:
            proxy = stack.enter_context(loopback_proxy(market.system.settings.elasticsearch.url))
            made = stack.enter_context(replica(market, proxy.url))
            proxy.plan = lambda _: FAULTS[how]
            yield made, lambda: heal(proxy)
        else:
            made = stack.enter_context(replica(market))
            {"down": kill, "hangs": pause}[how](servers)
            yield made, servers.mend


def heal(proxy: LoopbackProxy) -> None:
    proxy.plan = lambda _: None


@pytest.mark.parametrize("how", HARMS)
def test_case_13_without_elasticsearch_a_page_comes_from_the_live_view_in_time(market: Marketplace, harming: Servers, how: str) -> None:
    with fault(how, market, harming) as (lost, mend):
        served: list[str] = []
        for number in range(3):
            page = page_in_time(lost, identity=Identity(how, None), request_id=f"{how} {number}")
            assert set(page.degraded) == {"source:terms"}
            assert (len(ids(page)), page.short) == (10, None), page.trace
            assert {source for item in page.items for source in item.sources} <= {"popular", "newest", "explore"}
            assert isinstance(page.trace.age_ms, int)
            served += ids(page)
        assert len(set(served)) == 30, "nothing comes twice, since the seen list answers"
        mend()
        await_that(lambda: lost.recall(dry_run=True).degraded == [], "a page lacks nothing again")


def test_case_13_a_pool_whose_tag_is_not_trusted_gives_an_empty_page_that_says_so(market: Marketplace, harming: Servers) -> None:
    with replica(market) as lost:
        lost.save_pool("changed", EVERYTHING)
        assert len(lost.page(pool_id="changed", dry_run=True)) == 10, "until it is tagged the rule alone decides"
        harming.pause("elasticsearch")
        page = page_in_time(lost, pool_id="changed", dry_run=True)
        assert ids(page) == []
        assert "rule_pending" in page.degraded


@pytest.mark.parametrize("how", ["500", "slow"])
def test_case_17_an_elasticsearch_that_fails_is_asked_by_few_and_no_page_waits_for_it_again(market: Marketplace, how: str) -> None:
    with loopback_proxy(market.system.settings.elasticsearch.url) as proxy, replica(market, proxy.url) as lost:
        proxy.plan = lambda _: FAULTS[how]
        for _ in range(lost.system.settings.elasticsearch.pause_after):
            page_in_time(lost, dry_run=True)
        before = len(proxy.calls)
        pages = 50
        found = asyncio.run(together(lost, pages))
        asked = sum(any(name in call.path for name in SEARCHES) for call in proxy.calls[before:])
        assert [len(ids(page)) for page in found] == [10] * pages
        assert asked <= pages // 10, "one question in ten at most of those that fifty pages would ask"


async def together(market: Marketplace, pages: int) -> list[Page]:
    async with asyncio.timeout(TIMEOUT_MS / 1000 + SLACK_S):
        return list(await asyncio.gather(*(market.system.recaller.recall(request(dry_run=True)) for _ in range(pages))))
