import asyncio
from collections import Counter
from typing import Literal

import msgspec
import pytest

from builders import HOUR, NOW
from read_rig import World, ids, in_pool, liking, request, shelf
from smallpool_core.errors import DeadlinePassed, NotFound, PoolNotLive, RequestIdReused
from smallpool_core.pages import Answer, ClaimRequest, Entry, Query
from smallpool_core.ranking import FEATURES
from smallpool_core.users import Identity, Touched, TriggerState
from smallpool_service.page import Page
from smallpool_service.settings import ReadSettings


def test_a_page_goes_to_what_the_person_likes_first() -> None:
    world = World(*shelf(30), in_pool("liked", "甲", terms=("brand:x",)))
    assert "liked" not in world.page(dry_run=True, identity=Identity("stranger", None))[:1]
    world.likes(brand__x=1.0)
    assert world.page()[0] == "liked"


def test_twenty_pages_of_ten_do_not_repeat_an_item_and_keep_the_cap() -> None:
    world = World(*shelf(210, per_category=5))
    pages = [world.page() for _ in range(20)]
    assert all(len(page) == 10 for page in pages)
    assert len({item_id for page in pages for item_id in page}) == 200
    for page in pages:
        assert max(Counter(world.items[item_id].spread_key for item_id in page).values()) <= 3


def test_what_was_seen_goes_into_the_query_so_that_it_takes_no_candidates_place() -> None:
    world = World(*shelf(30))
    first = world.page()
    world.reader.queries.clear()
    world.page()
    assert all(set(first) <= query.excluded for query in world.reader.queries)


def test_a_page_in_one_pool_leaves_another_pool_alone() -> None:
    world = World(*[in_pool(f"i{place}", f"类{place}", pools=("p", "q")) for place in range(5)])
    world.put_pool("q")
    assert len(world.page()) == 5
    assert len(world.page(pool_id="q")) == 5


def test_what_the_person_bought_sells_or_may_not_see_is_left_out() -> None:
    world = World(in_pool("bought", "甲"), in_pool("own", "乙", seller_id="u1"), in_pool("fine", "丙"), in_pool("sold", "丁", state="sold"))
    world.triggers.states["u:u1"] = TriggerState(bought=[Touched("bought", "purchase", NOW)])
    page = world.recall()
    assert ids(page) == ["fine"]
    assert page.short == "exhausted"
    assert world.reader.queries[0].excluded == {"bought"}


def test_a_pool_smaller_than_a_page_says_that_it_is_exhausted_and_then_has_nothing() -> None:
    world = World(*shelf(4))
    first, second = world.recall(), world.recall()
    assert (len(ids(first)), first.short) == (4, "exhausted")
    assert (ids(second), second.short) == ([], "exhausted")


def test_a_pool_of_one_leaf_category_is_short_for_its_cap_and_goes_on_with_the_next_page() -> None:
    world = World(*[in_pool(f"i{place}") for place in range(7)])
    pages = [world.recall() for _ in range(4)]
    assert [(len(ids(page)), page.short) for page in pages] == [
        (3, "category_cap"),
        (3, "category_cap"),
        (1, "exhausted"),
        (0, "exhausted"),
    ]


def test_a_full_page_is_short_of_nothing() -> None:
    assert World(*shelf(10)).recall().short is None


def test_the_persons_own_items_are_not_asked_for_and_hide_nothing_behind_them() -> None:
    own = [in_pool(f"own{place}", seller_id="u1", published_at=NOW - place) for place in range(6)]
    world = World(*own, in_pool("behind", published_at=NOW - 1000))
    page = world.recall(explain=True)
    assert (ids(page), page.short) == (["behind"], "exhausted")
    assert all(query.excluded_sellers == {"u1"} for query in world.reader.queries)


def test_a_shop_sees_what_others_sell_of_its_category_in_as_many_questions_however_much_it_sells_itself() -> None:
    asked = set()
    for count in (20, 200):
        own = [in_pool(f"own{place}", seller_id="u1", terms=("seller:u1",), static_score=9) for place in range(count)]
        world = World(*own, *[in_pool(f"other{place}", published_at=NOW - 2 * HOUR) for place in range(4)])
        page = world.recall()
        assert (ids(page), page.short) == (["other0", "other1", "other2"], "category_cap")
        asked.add(len(world.reader.queries))
    assert len(asked) == 1


def test_a_pool_that_repeats_gives_the_item_served_longest_ago_first() -> None:
    world = World(*shelf(6))
    world.put_pool(when_exhausted="repeat_oldest")
    first = world.page(size=4)
    world.clock.advance(1000)
    second = world.recall(size=4)
    assert set(ids(second)[:2]) == set(world.items) - set(first)
    assert ids(second)[2:] == first[:2]
    assert second.short is None
    world.clock.advance(1000)
    assert world.page(size=4)[:2] == first[2:]


def test_a_pool_that_repeats_never_gives_an_item_twice_on_a_page() -> None:
    world = World(*shelf(3))
    world.put_pool(when_exhausted="repeat_oldest")
    for _ in range(3):
        page = world.recall()
        assert (sorted(ids(page)), page.short) == (["i000", "i001", "i002"], "exhausted")


def test_the_same_request_id_gives_the_same_page_even_if_an_item_sold_meanwhile() -> None:
    world = World(*shelf(20))
    first = world.recall(request_id="r1")
    world.items["i000"] = msgspec.structs.replace(world.items["i000"], state="sold")
    queries = len(world.reader.queries)
    again = world.recall(request_id="r1", explain=True)
    assert [msgspec.to_builtins(item) for item in again.items] == [msgspec.to_builtins(item) for item in first.items]
    assert (again.replayed, first.replayed) == (True, msgspec.UNSET)
    assert len(world.reader.queries) == queries


def test_a_replay_writes_no_second_served_record() -> None:
    world = World(*shelf(20))
    world.recall(request_id="r1")
    world.recall(request_id="r1")
    assert len(world.log.records) == 1


def test_the_same_request_id_with_another_body_is_refused() -> None:
    world = World(*shelf(20))
    world.recall(request_id="r1")
    with pytest.raises(RequestIdReused):
        world.recall(request_id="r1", size=5)


def test_without_a_request_id_each_call_is_a_page_of_its_own() -> None:
    world = World(*shelf(20))
    first, second = world.recall(), world.recall()
    assert first.request_id != second.request_id
    assert not set(ids(first)) & set(ids(second))


def test_concurrent_calls_of_one_request_id_give_one_page() -> None:
    world = World(*shelf(40))

    async def both() -> list[Page]:
        return list(await asyncio.gather(*(world.recaller.recall(request(request_id="r1")) for _ in range(5))))

    pages = asyncio.run(both())
    assert {tuple(ids(page)) for page in pages} == {tuple(ids(pages[0]))}
    assert [page.replayed for page in pages].count(msgspec.UNSET) == 1
    assert len(world.log.records) == 1


def test_concurrent_pages_of_one_person_share_no_item() -> None:
    world = World(*shelf(300, per_category=5))

    async def many() -> list[Page]:
        return list(await asyncio.gather(*(world.recaller.recall(request()) for _ in range(20))))

    served = [item_id for page in asyncio.run(many()) for item_id in ids(page)]
    assert len(served) == len(set(served)) == 200


def test_an_open_page_is_resumed_with_what_it_has() -> None:
    world = World(*shelf(20))
    asked = request(request_id="r1", size=3)
    begun = Entry("i019", "类019", None, b'{"item_id":"i019","category":["x"],"score":0.5,"sources":["terms"]}')
    round_0 = ClaimRequest("u:u1", "p", "r1", 0, (begun,), 3, 3, 200, False, NOW, NOW + 200, False, asked.fingerprint)  # noqa: FBT003
    asyncio.run(world.seen.real.claim(round_0))
    page = asyncio.run(world.recaller.recall(asked))
    assert ids(page)[0] == "i019"
    assert len(set(ids(page))) == 3
    assert (page.replayed, page.trace.rounds) == (msgspec.UNSET, 2)
    assert all("i019" in query.excluded for query in world.reader.queries)
    assert len(world.log.records) == 1


def test_a_dry_run_writes_nothing_and_never_replays() -> None:
    world = World(*shelf(20))
    first = world.recall(dry_run=True, request_id="r1")
    assert ids(world.recall(dry_run=True, request_id="r1")) == ids(first)
    assert (world.seen.claims, world.log.records) == ([], [])
    claimed = world.page(request_id="r2")
    assert claimed == ids(first)
    assert not set(world.page(dry_run=True, request_id="r2")) & set(claimed)


def test_someone_anonymous_gets_a_page_that_nobody_remembers() -> None:
    world = World(*shelf(20, per_category=10))
    nobody = Identity(None, None)
    first, second = world.recall(identity=nobody), world.recall(identity=nobody)
    assert ids(first) == ids(second)
    assert (len(ids(first)), first.short) == (6, "category_cap")
    assert first.degraded == ["anonymous"]
    assert (world.seen.claims, world.log.records) == ([], [])


def test_a_device_is_a_person_of_its_own() -> None:
    world = World(*shelf(20))
    device = Identity(None, "u1")
    assert world.page() == world.page(identity=device)
    assert not set(world.page(identity=device)) & set(world.page(identity=device))


def test_a_stranger_is_asked_what_people_in_this_pool_click() -> None:
    world = World(*shelf(30), in_pool("clicked", "甲", terms=("brand:x",)))
    world.stats.terms = {"p": {"brand:x": 5.0}}
    page = world.recall(explain=True)
    explanation = page.items[0].explain
    assert page.items[0].item_id == "clicked"
    assert explanation is not msgspec.UNSET
    assert explanation.triggers == {"brand:x": 1024}


def test_the_served_record_holds_what_was_returned_with_its_features() -> None:
    world = World(*shelf(20))
    world.likes(category__类000=1.0)
    page = world.recall(request_id="r1")
    topic, key, value = world.log.records[0]
    record = msgspec.json.decode(value)
    assert (topic, key) == ("served", "u:u1")
    assert {name: record[name] for name in ("request_id", "pool_id", "user_id", "device_id", "bucket", "at")} == {
        "request_id": "r1",
        "pool_id": "p",
        "user_id": "u1",
        "device_id": None,
        "bucket": {},
        "at": NOW,
    }
    assert [line["item_id"] for line in record["items"]] == ids(page)
    assert set(record["items"][0]["features"]) == set(FEATURES) - {
        "match",
        "vector",
        "popularity",
        "static",
        "matched",
        "left_h",
        "ends",
        "auction",
    }
    assert record["items"][0]["features"]["quality"] == 0.5


def test_an_explanation_adds_up_to_the_score_and_is_there_only_when_asked_for() -> None:
    world = World(*shelf(20))
    world.put_pool(weights={"quality": 1.0, "freshness": 3.0})
    plain = world.recall(dry_run=True)
    page = world.recall(dry_run=True, explain=True)
    assert all(item.explain is msgspec.UNSET for item in plain.items)
    assert plain.trace.drops is msgspec.UNSET
    for item in page.items:
        assert item.explain is not msgspec.UNSET
        parts = item.explain.score
        assert item.score == pytest.approx((parts["quality"] + 3 * parts["freshness"]) / 4, abs=1e-5)
        assert list(item.explain.sources) == item.sources


def test_the_json_of_a_page_is_that_of_the_contract() -> None:
    page = msgspec.json.decode(msgspec.json.encode(World(*shelf(20)).recall(request_id="r1", size=1)))
    assert list(page) == ["request_id", "pool_id", "items", "short", "degraded", "bucket", "trace"]
    assert list(page["items"][0]) == ["item_id", "category", "score", "sources"]
    assert list(page["trace"]) == ["stages", "sources", "failed", "bucket", "age_ms", "rounds", "candidates", "ages_ms"]
    assert [stage["stage"] for stage in page["trace"]["stages"]] == [
        "open",
        "rewrite",
        "triggers",
        "recall",
        "spread",
        "filter",
        "merge",
        "score",
        "order",
        "claim",
        "served",
    ]
    assert list(page["trace"]["stages"][0]) == ["stage", "in", "out", "ms"]


def test_prices_of_recent_items_enter_the_score() -> None:
    world = World(*shelf(5), in_pool("recent", "类000›甲", price_cents=200_000))
    world.triggers.states["u:u1"] = TriggerState(recent=[Touched("sold", "click", NOW, 200_000, "类000")])
    page = world.recall(explain=True)
    fits = {item.item_id: item.explain.score["price_fit"] for item in page.items if item.explain is not msgspec.UNSET}
    assert (fits["i000"], fits["i001"], fits["recent"]) == (0.5, 0.5, 1.0)


def test_an_item_that_was_touched_before_it_was_indexed_tells_its_price_once_it_is() -> None:
    world = World(*shelf(5), in_pool("late", "类000›甲", price_cents=200_000))
    touched = Touched("late", "click", NOW)
    world.triggers.states["u:u1"] = TriggerState(recent=[touched], pending=[touched])
    page = world.recall(explain=True)
    fits = {item.item_id: item.explain.score["price_fit"] for item in page.items if item.explain is not msgspec.UNSET}
    assert (fits["i000"], fits["late"]) == (0.5, 1.0)


def test_recall_follows_a_rule_at_once_and_a_tag_only_once_it_is_trusted() -> None:
    world = World(in_pool("a", "甲", city="北京", pools=()), in_pool("b", "乙", city="上海"))
    world.put_pool(rule={"field": "city", "op": "eq", "value": "北京"}, trusted=False)
    assert world.page(dry_run=True) == ["a"]
    world.put_pool(rule={"field": "city", "op": "eq", "value": "上海"}, trusted=True)
    assert world.page(dry_run=True) == ["b"]


def test_home_is_the_whole_marketplace() -> None:
    world = World(in_pool("a", "甲", pools=()), in_pool("b", "乙", pools=("q",)))
    assert sorted(world.page(pool_id="home")) == ["a", "b"]


def test_an_item_that_goes_between_recall_and_claim_is_not_served() -> None:
    world = World(*shelf(5))
    real, sold = world.stats.responses, msgspec.structs.replace(world.items["i000"], state="sold")

    async def sells_meanwhile(pool_id: str, item_ids: list[str], now: int) -> dict[str, float]:
        await asyncio.sleep(0.01)  # over the network; the candidates are filtered meanwhile
        world.items["i000"] = sold
        return await real(pool_id, item_ids, now)

    world.stats.responses = sells_meanwhile  # type: ignore[assignment, method-assign]
    page = world.recall(explain=True)
    assert ids(page) == ["i001", "i002", "i003", "i004"]
    assert isinstance(page.trace.drops, list)
    assert [(drop.item_id, drop.stage, drop.reason) for drop in page.trace.drops] == [("i000", "claim", "gone")]


def test_an_item_that_moves_to_a_full_category_between_recall_and_claim_does_not_break_the_cap() -> None:
    world = World(*shelf(2), *[in_pool(f"same{place}", "同", published_at=NOW - HOUR) for place in range(3)])
    real, moved = world.reader.browse, msgspec.structs.replace(world.items["i000"], version=2, category="同", spread_key="同")

    async def moves_meanwhile(query: Query, by: Literal["newest", "static"]) -> Answer:
        answer = await real(query, by)
        world.items["i000"] = moved
        return answer

    world.reader.browse = moves_meanwhile  # type: ignore[method-assign]
    page = world.recall(explain=True)
    assert sorted(ids(page)) == ["i001", "same0", "same1", "same2"]
    assert isinstance(page.trace.drops, list)
    assert ("i000", "claim", "stale") in [(drop.item_id, drop.stage, drop.reason) for drop in page.trace.drops]


def test_what_time_takes_out_of_an_untagged_pool_between_recall_and_claim_is_not_served() -> None:
    world = World(in_pool("old", "甲", published_at=NOW - HOUR), in_pool("new", "乙", published_at=NOW))
    world.put_pool(rule={"field": "published_at", "op": "within", "value": "-1h"}, trusted=False)
    real = world.stats.responses

    async def takes_a_moment(pool_id: str, item_ids: list[str], now: int) -> dict[str, float]:
        world.clock.advance(1)
        return await real(pool_id, item_ids, now)

    world.stats.responses = takes_a_moment  # type: ignore[assignment, method-assign]
    page = world.recall(explain=True)
    assert ids(page) == ["new"]
    assert isinstance(page.trace.drops, list)
    assert [(drop.item_id, drop.stage, drop.reason) for drop in page.trace.drops] == [("old", "claim", "not_in_pool")]


def test_an_auction_leaves_at_its_second() -> None:
    world = World(in_pool("auction", "甲", expires_at=NOW + HOUR), in_pool("other", "乙"))
    world.clock.advance(HOUR - 1)
    assert "auction" in world.page(dry_run=True)
    world.clock.advance(1)
    assert "auction" not in world.page(dry_run=True)


def test_a_request_after_its_deadline_asks_no_store() -> None:
    world = World(*shelf(5))
    with pytest.raises(DeadlinePassed, match="7 ms after its deadline"):
        world.recall(deadline_ms=NOW - 7)
    assert world.reader.queries == []


def test_only_a_live_pool_is_recalled_from() -> None:
    world = World()
    world.put_pool("draft", state="draft")
    with pytest.raises(PoolNotLive):
        world.recall(pool_id="draft")
    with pytest.raises(NotFound):
        world.recall(pool_id="nowhere")


def test_a_person_of_whom_everything_was_seen_gets_an_answer() -> None:
    world = World(*shelf(5))
    world.triggers.states["u:u1"] = liking({f"category:类{place:03}": 1.0 for place in range(5)})
    world.page()
    page = world.recall()
    assert (ids(page), page.short, page.degraded) == ([], "exhausted", [])


def test_a_request_admitted_in_time_gets_a_page_that_says_it_came_too_late() -> None:
    world = World(*shelf(5))
    page = world.recall(deadline_ms=NOW - 7, admitted=True)
    assert (page.short, world.reader.queries) == ("deadline", [])


def test_a_clock_that_is_set_back_keeps_no_change_of_a_pool_from_being_seen() -> None:
    world = World(*shelf(5), settings=ReadSettings(pools_refresh_ms=1_000))
    world.recall(dry_run=True)
    world.put_pool(state="archived")
    world.clock.advance(-HOUR)
    with pytest.raises(PoolNotLive):
        world.recall()


def test_a_stored_rule_that_cannot_be_read_empties_its_own_pool_and_no_other() -> None:
    world = World(*shelf(5))
    world.put_pool("broken", rule={"field": "attributes.gone", "op": "eq", "value": "x"})
    assert len(world.page()) == 5
    assert world.page(pool_id="broken") == []
    catalogue = world.ports.catalogue
    assert [known.pool.pool_id for known in catalogue.refused()] == ["broken"]
    assert "attributes.gone" in (catalogue.get("broken").refused or "")
    assert catalogue.untagged() == []
    world.put_pool("broken", trusted=False)
    assert len(world.page(pool_id="broken", identity=Identity("u2", None))) == 5
