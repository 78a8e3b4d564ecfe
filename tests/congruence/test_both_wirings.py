"""Both wirings, the same events and requests: the same items in the same order, with the same scores."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from builders import HOUR, MINUTE, NOW, FakeClock, given, item_event, user_event
from read_rig import request as request_of
from smallpool_config.settings import Settings
from smallpool_core.events import MAX_TITLE
from smallpool_core.items import Given, ItemEvent
from smallpool_core.market_ports import Understander
from smallpool_core.pools import Ordering
from smallpool_core.quotas import Quota
from smallpool_core.reposts import RepostSettings
from smallpool_core.selection import Selection
from smallpool_core.users import Identity, UserEvent
from smallpool_service.alerts.health import read_health, source_names
from smallpool_service.context import Context
from smallpool_service.page import Page
from smallpool_service.people import erase_person, put_profile
from smallpool_service.previews import RulePreview, Wanted, preview
from smallpool_service.similar import similar
from smallpool_service.why import why
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter
from system_rig import EVERYTHING, Marketplace, field, knowledge_understander
from two_wirings import distributed, embedded, on_servers

TOLERANCE = 1e-4
AT_ONCE = 2_000
STEPS, ITEM_EVENTS, USER_EVENTS, REQUESTS = 20, 70, 30, 25
"""In all 2,000 events and 500 requests."""
CATEGORIES = (("数码", "手机"), ("数码", "相机"), ("数码", "手机", "苹果"), ("文玩", "手串"), ("文玩", "紫砂"), ("其他",))
TITLES = ("苹果 手机 九成新", "华为 手机 #红", "小叶紫檀 手串 #旧", "宜兴 紫砂壶 #红 #手工", "佳能 相机", "杂物 一堆")
RULES: dict[str, dict[str, Any]] = {
    "all": EVERYTHING,
    "cheap": field("price_cents", "lt", 50_000),
    "digital": field("category", "prefix", ["数码"]),
    "red": field("points", "has", "红"),
    "fresh": field("published_at", "within", "-1h"),
    "ending": {"any": [field("expires_at", "within", "+2h"), field("sale", "eq", "auction")]},
    "old-and-dear": {"all": [{"not": field("published_at", "within", "-1h")}, field("price_cents", "gte", 20_000)]},
}
OTHER_RULES = {"cheap": field("price_cents", "lt", 20_000), "red": {"not": field("points", "has", "红")}}
NOTHING: dict[str, Any] = {"any": []}
LISTED = ("件0004", "é0001", "👍0002", "a0003", "件0000")
USERS = tuple(f"u{number}" for number in range(8))


class Life:
    """What happens in a marketplace, the same for the same seed."""

    def __init__(self, seed: int, items: int = 400) -> None:
        self.draw = Random(seed)
        self._items = items

    def item_events(self, now: int, count: int) -> list[ItemEvent]:
        return [self._item_event(now) for _ in range(count)]

    def user_events(self, now: int, count: int) -> list[UserEvent]:
        draw = self.draw
        kinds = ("view", "click", "click", "favourite", "cart", "bid", "purchase", "expose")
        return [
            user_event(draw.choice(kinds), self._id(), user_id=draw.choice(USERS), pool_id=draw.choice([*RULES, None]), at=now - place)  # type: ignore[arg-type]
            for place in range(count)
        ]

    def requests(self, step: int, count: int) -> list[dict[str, Any]]:
        draw = self.draw
        return [
            {
                "pool_id": draw.choice([*RULES, "home"]),
                "identity": Identity(draw.choice([*USERS, "stranger"]), None),
                "size": draw.choice((1, 5, 10, 10, 20)),
                "request_id": f"r{step}-{place}",
                "explain": draw.random() < 0.2,
                "dry_run": draw.random() < 0.2,
            }
            for place in range(count)
        ]

    def _item_event(self, now: int) -> ItemEvent:
        draw = self.draw
        kind = draw.choice(("published", "published", "updated", "sold", "withdrawn"))
        listing = self._given(now) if kind in {"published", "updated"} else None
        return item_event(self._id(), kind, version=draw.randint(1, 9), at=now, given=listing)  # type: ignore[arg-type]

    def _given(self, now: int) -> Given:
        draw = self.draw
        return given(
            draw.choice(TITLES),
            category=draw.choice(CATEGORIES),
            price_cents=draw.choice((None, 100, 19_900, 49_900, 120_000)),
            seller_id=f"s{draw.randint(0, 30)}",
            sale=draw.choice((None, "fixed", "auction")),
            published_at=now - draw.choice((0, MINUTE, 30 * MINUTE, 2 * HOUR)),
            expires_at=draw.choice((None, now + 20 * MINUTE, now + HOUR, now + 6 * HOUR)),
            image_count=draw.choice((None, 0, 3, 9)),
        )

    def _id(self) -> str:
        number = self.draw.randrange(self._items)
        return f"{'件é👍a'[number % 4]}{number:04d}"


@pytest.fixture
def markets(tmp_path: Path) -> Iterator[list[Marketplace]]:
    """One marketplace in each wiring, on one clock."""
    with in_both(tmp_path, FakeClock(NOW)) as made:
        yield made


@contextmanager
def in_both(
    folder: Path,
    clock: FakeClock,
    understander: Understander | None = None,
    servers: Settings | None = None,
    reposts: RepostSettings | None = None,
) -> Iterator[list[Marketplace]]:
    with ExitStack() as stack:
        here = stack.enter_context(embedded(folder / "here", clock, understander, reposts=reposts))
        there = stack.enter_context(distributed(folder / "there", clock, understander, servers))
        yield [here, there]


def both(markets: list[Marketplace], *events: ItemEvent | UserEvent) -> None:
    for market in markets:
        market.take(*events)


def facts(page: Page) -> dict[str, Any]:
    """What must be equal to the letter."""
    return {
        "items": [(item.item_id, item.category, item.sources) for item in page.items],
        "short": page.short,
        "degraded": page.degraded,
        "replayed": page.replayed,
    }


def scores(page: Page) -> list[float]:
    return [item.score for item in page.items]


def compare(markets: list[Marketplace], request: dict[str, Any]) -> int:
    """Asks both for one page, which must be the same; returns how many items are on it."""
    here, there = (market.recall(**request) for market in markets)
    assert facts(there) == facts(here), request
    assert scores(there) == pytest.approx(scores(here), abs=TOLERANCE), request
    return len(here.items)


@pytest.mark.parametrize("seed", [1])
def test_the_same_events_and_requests_give_the_same_pages(markets: list[Marketplace], seed: int) -> None:
    life, clock = Life(seed), markets[0].clock
    for pool_id, rule in RULES.items():
        for market in markets:
            market.save_pool(pool_id, rule)
    for market in markets:
        market.save_pool(
            "digital", selection=Selection(LISTED, ban_sellers=("s1", "s2"), ban_words=("华为",)), ordering=Ordering(pins=LISTED)
        )
        market.save_pool("banned", field("points", "has", "手工"))
        quotas = (Quota(field("sale", "eq", "auction"), at_most=2), Quota(field("price_cents", "lt", 50_000), at_least=2))
        market.save_pool("all", settings={"max_per_seller": 2}, ordering=Ordering(quotas=quotas, diversity=0.3))
        asyncio.run(put_profile(market.system.read_ports, Identity("u3", None), [], {}, ["s3", "s4", "s5"]))
    compared = served = 0
    for step in range(STEPS):
        now = clock.now_ms()
        both(markets, *life.item_events(now, ITEM_EVENTS))
        both(markets, *life.user_events(now, USER_EVENTS))
        if step in {7, 13}:
            pool_id = ("cheap", "red")[step > 7]
            for market in markets:
                market.put_pool(pool_id, OTHER_RULES[pool_id])
                market.put_pool("banned", NOTHING, selection=Selection(LISTED[:2]))
        for request in life.requests(step, REQUESTS):
            compared, served = compared + 1, served + compare(markets, request)
        clock.advance(life.draw.choice((1, MINUTE, 25 * MINUTE)))
        both(markets)  # both sweep now, when neither has anything under way
    assert compared == STEPS * REQUESTS
    assert served > compared, "pages with something on them were compared"


def test_the_pages_are_the_same_before_elasticsearch_shows_what_came_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life, clock, servers = Life(4), FakeClock(NOW), on_servers(tmp_path / "there")
    servers = replace(servers, elasticsearch=replace(servers.elasticsearch, refresh_interval_ms=24 * HOUR))
    refresh = ElasticsearchItemWriter.refresh
    with in_both(tmp_path, clock, servers=servers) as markets:
        for pool_id, rule in RULES.items():
            for market in markets:
                market.put_pool(pool_id, rule)
        monkeypatch.setattr(ElasticsearchItemWriter, "refresh", lambda _: None)
        served = 0
        for step in range(9):
            both(markets, *life.item_events(clock.now_ms(), ITEM_EVENTS))
            both(markets, *life.user_events(clock.now_ms(), USER_EVENTS))
            served += sum(compare(markets, request) for request in life.requests(step, REQUESTS))
            if step % 3 == 2:
                refresh(markets[1].system.writer)  # type: ignore[arg-type]
            clock.advance(MINUTE)
            both(markets)  # both sweep now, when neither has anything under way
        assert served > 9 * REQUESTS, "pages with something on them were compared"


def test_the_same_context_gives_the_same_pages_and_the_same_items_are_similar(markets: list[Marketplace]) -> None:
    life = Life(5)
    for market in markets:
        market.save_pool("digital", RULES["digital"])
    both(markets, *life.item_events(NOW, 300))
    both(markets, *life.user_events(NOW, 60))
    for place, title in enumerate(TITLES):
        context = Context(city="杭州", hour=place, query=title)
        request = {"identity": Identity(USERS[place], None), "request_id": f"r{place}", "context": context}
        assert compare(markets, {"pool_id": "home", **request}) == 10
        compare(markets, {"pool_id": "digital", **request})
    alike = 0
    for item_id in sorted(markets[0].stored())[:25]:
        for pool_id in ("home", "digital"):
            asked = request_of(pool_id=pool_id, size=20, explain=True, dry_run=True)
            here, there = (asyncio.run(similar(market.system.recaller, item_id, asked)) for market in markets)
            assert there == here
            alike += len(here.items)
    assert alike > 100


def test_the_health_of_a_pool_is_the_same_in_both(markets: list[Marketplace]) -> None:
    life, found = Life(7), []
    for market in markets:
        market.save_pool("digital", RULES["digital"])
    both(markets, *life.item_events(NOW, 200))
    both(markets, *life.user_events(NOW, 40))
    for place, user in enumerate(USERS[:5]):
        compare(markets, {"pool_id": "digital", "identity": Identity(user, None), "request_id": f"r{place}", "size": 6})
    for market in markets:
        system = market.system
        system.count_sender.send()
        known = system.catalogue.get("digital")
        [health] = read_health(system.pool_figures, [known], {"digital": 9}, source_names(system.recaller), NOW)
        found.append(replace(health, listed=0))  # versions that overtake each other are counted as they come
    assert found[0] == found[1]
    assert (health.pages, health.size) == (5, 9)
    assert {source.source for source in health.sources} >= {"terms", "popular", "newest"}


def test_both_say_the_same_of_why_an_item_is_not_shown(markets: list[Marketplace]) -> None:
    life = Life(6)
    for market in markets:
        market.save_pool("digital", RULES["digital"])
        market.save_pool("cheap", RULES["cheap"])
    both(markets, *life.item_events(NOW, 400))
    both(markets, *life.user_events(NOW, 90))
    identity, reasons = Identity(USERS[1], None), set[str]()
    compare(markets, {"pool_id": "digital", "identity": identity, "request_id": "r1", "size": 20})
    for item_id in [*sorted(markets[0].stored())[:60], "nothing"]:
        for pool_id in ("digital", "cheap"):
            here, there = (asyncio.run(why(market.system.recaller, item_id, pool_id, identity, 5)) for market in markets)
            assert there == here
            reasons.add(here.reason)
    assert {"unknown_item", "sold", "not_in_pool", "seen", "below_cut", "served"} <= reasons


def previewed(market: Marketplace, rule: dict[str, Any], against: str | None) -> RulePreview:
    recaller = market.system.recaller
    wanted = Wanted(
        rule=recaller.ports.catalogue.parse(rule), against=against, sample=5, people=4, until=market.system.clock.now_ms() + MINUTE
    )
    return asyncio.run(preview(recaller, wanted))


def test_the_same_rules_have_the_same_previews(markets: list[Marketplace]) -> None:
    life = Life(3)
    for market in markets:
        market.save_pool("cheap", RULES["cheap"])
        market.save_pool("ending", RULES["ending"])
    both(markets, *life.item_events(NOW, 300))
    both(markets, *life.user_events(NOW, 60))
    for place, user in enumerate(USERS[:5]):
        compare(
            markets, {"pool_id": ("cheap", "ending")[place % 2], "identity": Identity(user, None), "request_id": f"r{place}", "size": 3}
        )
        # Which page came last is told by the clock where the log has several partitions.
        markets[0].clock.advance(1_000)
    narrower = {"all": [RULES["cheap"], {"not": RULES["red"]}, {"any": [RULES["digital"], RULES["fresh"]]}]}
    for rule, against in ((narrower, "cheap"), (narrower, None), (RULES["ending"], "ending"), (EVERYTHING, "home"), ({"any": []}, "cheap")):
        here, there = (previewed(market, rule, against) for market in markets)
        assert there == here
        assert here.left_out == []
        assert here.people is not None
        assert here.people.people == 4


def test_what_waited_for_the_consumer_when_a_person_was_erased_never_counts(markets: list[Marketplace]) -> None:
    both(markets, item_event("a"), user_event("click", "a", at=NOW - 2), user_event("click", "a", user_id="u2"))
    for market in markets:
        market.send(user_event("click", "a", at=NOW - 1), user_event("purchase", "a"))
        asyncio.run(erase_person(market.system.read_ports, Identity("u1", None)))
        market.take(user_event("view", "a"))
        assert [touched.type for touched in market.system.triggers.load("u:u1").recent] == ["view"]
        assert market.system.triggers.load("u:u1").bought == []
        assert len(market.system.triggers.load("u:u2").recent) == 1


def test_clicks_raise_the_static_score_of_an_item_in_the_wide_index(markets: list[Marketplace]) -> None:
    names = ("a", "b", "c")
    both(markets, *(item_event(name, given=given(TITLES[0], category=CATEGORIES[0])) for name in names))
    for market in markets:
        market.put_pool("p", EVERYTHING)
    born = markets[0].item("b").static_score
    both(markets, *(user_event("click", "b", user_id=user) for user in USERS))
    markets[0].clock.advance(MINUTE)
    for _ in ("the sweep", "what it sent"):
        both(markets)
    for market in markets:
        assert market.item("b").popularity == 615, "8 clicks of 13"
        assert market.item("b").static_score == born + 47
        newcomer = market.recall(identity=Identity("stranger", None), explain=True, dry_run=True)
        assert newcomer.items[0].item_id == "b"
        assert market.item("a").static_score == born


def real_listings(folder: Path, share: int) -> list[ItemEvent]:
    """One title in `share` of every file, each once, with the category where a file has one."""
    found: dict[str, Given] = {}
    for name, category_at, title_at in (("jd_unlabelled.txt", None, 0), ("category30.tsv", 0, 1), ("cosmetics_products.tsv", None, 1)):
        for line in (folder / name).read_text(encoding="utf-8").splitlines()[::share]:
            cells = line.split("\t")
            if len(cells) > title_at and cells[title_at].strip():
                category = () if category_at is None else (cells[category_at],)
                found.setdefault(cells[title_at], Given(cells[title_at][:MAX_TITLE], category=category))
    return [
        item_event(f"t{place:05d}", at=NOW, given=replace(one, seller_id=f"s{place % 97}", price_cents=100 * (place % 371)))
        for place, one in enumerate(found.values())
    ]


@pytest.mark.parametrize(("share", "steps"), [(22, 6), pytest.param(1, 60, marks=pytest.mark.faults_long)])
def test_real_titles_give_the_same_pages(tmp_path: Path, shared_data: Path, share: int, steps: int) -> None:
    clock, draw = FakeClock(NOW), Random(5)
    listings = real_listings(shared_data / "titles", share)
    assert len(listings) > 43_000 // share
    # Of more than six that say nearly the same those are held against each other that came first, and owners of partitions do not wait for
    # each other: here only what says the very same is a repost.
    same = RepostSettings(similarity=1.0, similarity_of_others=1.0)
    servers = replace(on_servers(tmp_path / "there"), reposts=same)
    with in_both(tmp_path, clock, knowledge_understander(), servers, same) as markets:
        for first in range(0, len(listings), AT_ONCE):
            both(markets, *listings[first : first + AT_ONCE])
        for pool_id, rule in (("all", EVERYTHING), ("cheap", field("price_cents", "lt", 12_000))):
            for market in markets:
                market.put_pool(pool_id, rule)
        served = 0
        for step in range(steps):
            clicks = [user_event("click", draw.choice(listings).item_id, user_id=draw.choice(USERS), at=NOW + step) for _ in range(20)]
            both(markets, *clicks)
            for place, user in enumerate(USERS):
                pool_id = ("all", "cheap", "home")[(step + place) % 3]
                identity = Identity(user, None)
                served += compare(markets, {"pool_id": pool_id, "identity": identity, "request_id": f"r{step}", "size": 10})
        assert served > 5 * steps * len(USERS)
