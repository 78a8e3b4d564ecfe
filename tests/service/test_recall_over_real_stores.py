"""The read path over the embedded adapters, fed by the real write path: one SQLite file and the columns in process."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import DAY, HOUR, MINUTE, NOW, given, item_event, user_event
from read_rig import U1, ids, request
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.catalogue import Catalogue
from smallpool_core.fields import Attributes
from smallpool_core.items import ItemEvent
from smallpool_core.users import Identity
from smallpool_service.cuts import Cuts
from smallpool_service.page import Page
from smallpool_service.people import erase_person, put_profile, view_person
from smallpool_service.recaller import Recaller
from smallpool_service.run import ReadPorts
from smallpool_service.settings import ReadSettings
from smallpool_service.why import why
from smallpool_stores.memory.vector_index import NumpyVectorIndex
from smallpool_stores.sqlite.people import SqlitePeople
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.reader import SqliteItemReader
from smallpool_stores.sqlite.relations import SqliteRelations
from smallpool_stores.sqlite.seen import SqliteSeenList
from write_rig import Rig

ALL: dict[str, Any] = {"all": []}
UNHURRIED = ReadSettings(timeout_ms=60_000, pools_refresh_ms=0, least_left_s=0, source_shares={"explore": 0.0})


class Shop:
    """A marketplace with both paths over the same stores."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.clock = self.rig.clock
        reader = SqliteItemReader(self.rig.columns, self.rig.wide)
        self.ports = ReadPorts(
            catalogue=Catalogue(self.rig.pools, Attributes({}), split_words=self.rig.understander.split_words),
            reader=reader,
            live=self.rig.live_view,
            tail=self.rig.tail,
            seen=SqliteSeenList(self.rig.database),
            triggers=self.rig.triggers,
            profiles=SqliteUserProfiles(self.rig.database),
            people=SqlitePeople(self.rig.database),
            links=self.rig.links,
            stats=self.rig.stats,
            log=self.rig.log,
            clock=self.clock,
            cuts=Cuts(self.rig.live_view, reader),
            relations=SqliteRelations(self.rig.database),
            vectors=NumpyVectorIndex(self.rig.columns.rows, self.rig.vectors),
        )
        self.recaller = Recaller(self.ports, settings=UNHURRIED)

    def put_pool(self, pool_id: str, rule: dict[str, Any], revision: int | None = None, *, tag: bool = True, **changes: Any) -> None:
        self.rig.put_pool(pool_id, rule, revision, **changes)
        while tag and self.rig.backfill.step():
            self.rig.drain()
            self.rig.backfill.mark()

    def recall(self, **changes: Any) -> Page:
        return asyncio.run(self.recaller.recall_once(request(**changes)))

    def page(self, **changes: Any) -> list[str]:
        return ids(self.recall(**changes))

    def why(self, item_id: str) -> tuple[bool, str, str]:
        answer = asyncio.run(why(self.recaller, item_id, "p", U1))
        return answer.served, answer.stage, answer.reason


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    made.put_pool("p", ALL)
    yield made
    made.rig.database.close()


def listing(item_id: str, title: str = "苹果 手机", category: str = "手机", **changes: Any) -> ItemEvent:
    version = changes.pop("version", 1)
    return item_event(item_id, version=version, given=given(title, category=("数码", category), **changes))


def listings(count: int, per_category: int = 2) -> list[ItemEvent]:
    return [listing(f"i{place:03}", category=f"类{place // per_category}", seller_id=f"s{place}") for place in range(count)]


def test_a_click_changes_the_next_page(shop: Shop) -> None:
    shop.rig.take(*listings(40), listing("pot", "#紫砂 壶", "壶"), listing("cup", "#紫砂 杯", "杯", published_at=NOW - DAY))
    assert "cup" not in shop.page(dry_run=True)
    shop.rig.take(user_event("click", "pot"))
    assert set(shop.page(dry_run=True)[:2]) == {"pot", "cup"}


def test_twenty_pages_of_ten_are_two_hundred_items_under_the_cap(shop: Shop) -> None:
    shop.rig.take(*listings(220, per_category=5))
    pages = [shop.recall() for _ in range(20)]
    assert [(len(page.items), page.short, page.degraded) for page in pages] == [(10, None, [])] * 20
    assert len({item_id for page in pages for item_id in ids(page)}) == 200
    for page in pages:
        assert max(Counter(tuple(item.category) for item in page.items).values()) <= 3


def test_the_twenty_first_page_may_show_the_first_again(shop: Shop) -> None:
    shop.rig.take(*listings(205, per_category=2))
    first = shop.page()
    for _ in range(19):
        shop.page()
    assert len(shop.page()) == 5
    assert set(shop.page()) <= set(first)


def test_what_sold_leaves_at_once_and_a_higher_version_brings_it_back(shop: Shop) -> None:
    shop.rig.take(listing("a"))
    assert shop.page(dry_run=True) == ["a"]
    shop.rig.take(item_event("a", "sold", version=1))
    assert shop.page(dry_run=True) == []
    assert shop.why("a") == (False, "item", "sold")
    shop.rig.take(listing("a", version=2))
    assert shop.page(dry_run=True) == ["a"]


def test_an_auction_leaves_at_its_second(shop: Shop) -> None:
    shop.rig.take(listing("auction", sale="auction", expires_at=NOW + 6 * HOUR))
    shop.clock.advance(6 * HOUR - 1)
    assert shop.page(dry_run=True) == ["auction"]
    shop.clock.advance(1)
    assert shop.page(dry_run=True) == []
    assert shop.why("auction") == (False, "item", "expired")


def test_a_pool_of_what_is_new_lets_items_go_as_they_age(shop: Shop) -> None:
    shop.put_pool("p", {"field": "published_at", "op": "within", "value": "-1h"}, 1)
    shop.rig.take(listing("young", published_at=NOW), listing("old", published_at=NOW - HOUR - MINUTE))
    assert shop.page(dry_run=True) == ["young"]
    assert shop.why("old") == (False, "pool", "not_in_pool")
    shop.clock.advance(HOUR + 1)
    assert shop.page(dry_run=True) == []


def test_a_rule_that_was_just_saved_holds_before_its_backfill_and_after(shop: Shop) -> None:
    shop.rig.take(listing("phone", city="北京"), listing("pot", category="壶", city="上海"))
    shop.put_pool("p", {"field": "city", "op": "eq", "value": "上海"}, 1, tag=False)
    assert shop.page(dry_run=True) == ["pot"]
    while shop.rig.backfill.step():
        shop.rig.drain()
        shop.rig.backfill.mark()
    assert shop.ports.catalogue.refresh()[0].is_trusted
    assert shop.page(dry_run=True) == ["pot"]
    assert shop.why("phone") == (False, "pool", "not_in_pool")


def test_a_page_is_replayed_as_it_was_claimed(shop: Shop) -> None:
    shop.rig.take(*listings(30))
    first = shop.recall(request_id="r1")
    shop.rig.take(item_event(first.items[0].item_id, "sold", version=1))
    again = shop.recall(request_id="r1")
    assert (again.replayed, again.items) == (True, first.items)
    assert first.items[0].item_id not in shop.page(identity=Identity("u2", None))


def test_what_others_click_comes_to_a_stranger_first(shop: Shop) -> None:
    shop.rig.take(*listings(60), listing("hot", "#紫砂 壶", "壶", published_at=NOW - 3 * DAY))
    assert "hot" not in shop.page(dry_run=True, identity=Identity("stranger", None))
    shop.rig.take(*[user_event("click", "hot", user_id=f"u{place}", pool_id="p") for place in range(10, 30)])
    assert shop.page(dry_run=True, identity=Identity("stranger", None))[0] == "hot"


def test_tags_of_a_profile_are_what_a_newcomer_is_asked_by(shop: Shop) -> None:
    shop.rig.take(*listings(5))
    asyncio.run(put_profile(shop.ports, U1, ["手办"], {}))
    view = asyncio.run(view_person(shop.ports, U1, BehaviourSettings(), 0.5))
    assert view.tags == ("手办",)
    assert [trigger.term for trigger in view.triggers] == ["tag:手办"]
    page = shop.recall(dry_run=True)
    assert {stage.stage: stage.came_out for stage in page.trace.stages}["triggers"] == 1


def test_what_was_bought_is_never_shown_again_and_erasure_forgets_it(shop: Shop) -> None:
    shop.rig.take(listing("a"), listing("b", category="壶"), user_event("purchase", "a"))
    assert shop.page(dry_run=True) == ["b"]
    assert shop.why("a") == (False, "filter", "bought")
    asyncio.run(erase_person(shop.ports, U1))
    assert sorted(shop.page(dry_run=True)) == ["a", "b"]


def test_an_event_on_an_item_that_came_later_counts_once_the_item_is_there(shop: Shop) -> None:
    shop.rig.take(*listings(40), user_event("click", "late"))
    shop.rig.take(listing("late", "#紫砂 壶", "壶"), listing("like-it", "#紫砂 杯", "杯"))
    assert set(shop.page(dry_run=True)[:2]) == {"late", "like-it"}


def test_fifty_concurrent_requests_of_one_person_share_no_item(shop: Shop) -> None:
    shop.rig.take(*listings(600, per_category=5))

    async def at_once() -> list[Page]:
        return list(await asyncio.gather(*(shop.recaller.recall_once(request(size=4)) for _ in range(50))))

    pages = asyncio.run(at_once())
    served = [item_id for page in pages for item_id in ids(page)]
    assert len(served) == len(set(served)) == 200
    assert len(shop.rig.log.poll("served", "test", 100)) == 50


def test_the_served_log_holds_each_claimed_page(shop: Shop) -> None:
    shop.rig.take(*listings(20))
    page = shop.recall(request_id="r1")
    shop.recall(dry_run=True)
    records = shop.rig.log.poll("served", "test", 10)
    assert [record.key for record in records] == ["u:u1"]
    assert [line["item_id"] for line in msgspec.json.decode(records[0].value)["items"]] == ids(page)
