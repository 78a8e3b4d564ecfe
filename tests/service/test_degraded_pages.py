import asyncio
from typing import Any

import pytest

from builders import NOW
from read_rig import Broken, Hanging, World, ids, in_pool, request, shelf
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Answer, SourceFailure
from smallpool_core.places import Places
from smallpool_core.users import Touched
from smallpool_service.candidates import Question
from smallpool_service.page import Page
from smallpool_service.served import ServedLog
from smallpool_service.settings import ReadSettings
from smallpool_service.sources.newest import Newest

PROMPT = ReadSettings(timeout_ms=20, pools_refresh_ms=0)


def with_source(world: World, source: Any) -> World:
    world.recaller.sources = (source, Newest(world.reader))
    return world


def test_a_source_that_raises_is_named_and_the_page_is_full() -> None:
    page = with_source(World(*shelf(20)), Broken()).recall()
    assert len(ids(page)) == 10
    assert page.degraded == ["source:broken"]
    assert page.trace.failed == [SourceFailure("broken", "ValueError: no such thing")]


def test_a_source_that_failed_is_not_asked_again_by_a_refill() -> None:
    broken = Broken()
    own = [in_pool(f"own{place}", seller_id="u1") for place in range(9)]
    page = with_source(World(*own), broken).recall()
    assert (ids(page), broken.asked) == ([], 1)


def test_a_source_that_hangs_past_its_share_is_late_and_never_fatal() -> None:
    page = with_source(World(*shelf(20), settings=PROMPT), Hanging()).recall()
    assert len(ids(page)) == 10
    assert page.trace.failed == [SourceFailure("hanging", "late")]


def test_a_page_that_is_short_of_a_late_source_is_short_for_the_deadline() -> None:
    page = with_source(World(*shelf(2), settings=PROMPT), Hanging()).recall()
    assert (len(ids(page)), page.short) == (2, "deadline")


def test_a_deadline_that_passes_on_the_way_closes_the_page_with_what_is_there() -> None:
    world = World(*shelf(20))

    class Slow:
        name = "slow"

        async def find(self, question: Question) -> Answer:
            answer = await Newest(world.reader).find(question)
            world.clock.advance(200)
            return Answer(answer.hits[:4], exhausted=False)

    page = with_source(world, Slow()).recall()
    assert (len(ids(page)), page.short, page.degraded) == (4, "deadline", ["source:newest"])
    assert [claim.final for claim in world.seen.claims] == [True]
    assert len(world.log.records) == 1


def test_with_the_seen_list_down_the_page_is_made_unclaimed_and_says_so() -> None:
    world = World(*shelf(20, per_category=10))
    world.seen.is_down = True
    page = world.recall()
    assert (len(ids(page)), page.short, page.degraded) == (6, "category_cap", ["seen_list"])
    assert world.log.records == []


def test_a_claim_that_fails_still_gives_the_page() -> None:
    world = World(*shelf(20))
    world.seen.claims_fail = True
    page = world.recall()
    assert (len(ids(page)), page.degraded) == (10, ["seen_list"])
    assert "down" in page.trace.failed[0].reason


@pytest.mark.parametrize(("store", "name"), [("triggers", "triggers"), ("profiles", "profile"), ("stats", "stats"), ("log", "served_log")])
def test_every_other_store_that_is_down_is_named_and_the_page_is_full(store: str, name: str) -> None:
    world = World(*shelf(20))
    getattr(world, store).is_down = True
    page = world.recall()
    assert len(ids(page)) == 10
    assert name in page.degraded


def test_a_page_does_not_wait_for_the_log_and_a_later_one_says_that_it_failed() -> None:
    world = World(*shelf(40))
    answers = asyncio.Event()

    async def hangs(*_: object) -> Places:
        await answers.wait()
        raise StoreUnavailable("could not append to served: no broker answers")

    async def pages() -> list[Page]:
        first = await world.recaller.recall(request())
        answers.set()
        await asyncio.sleep(0.01)
        return [first, await world.recaller.recall(request())]

    world.log.append = hangs  # type: ignore[method-assign, assignment]
    first, second = asyncio.run(pages())
    assert (len(ids(first)), first.degraded) == (10, [])
    assert (len(ids(second)), second.degraded) == (10, ["served_log"])
    del world.log.append  # the log answers again
    assert world.recall().degraded == []


@pytest.mark.parametrize("error", [StoreUnavailable("could not append: away"), RuntimeError("the client is closed")])
def test_a_record_that_was_lost_is_told_once_also_where_the_next_one_arrived(error: Exception) -> None:
    world = World(*shelf(40))
    ends = [asyncio.Event(), asyncio.Event()]
    outcomes: list[Exception | None] = [error, None]

    async def in_turn(*_: object) -> Places:
        place = 2 - len(outcomes)
        outcome = outcomes.pop(0)
        await ends[place].wait()
        if outcome is not None:
            raise outcome
        return {}

    async def told() -> list[str | None]:
        served = ServedLog(world.log)
        first = [await served.take(("u:u1", b"{}"), NOW) for _ in range(2)]
        for end in ends:
            end.set()
            await asyncio.sleep(0.01)
        world.log.append = at_once  # type: ignore[method-assign, assignment]
        return first + [await served.take(("u:u1", b"{}"), NOW) for _ in range(2)]

    async def at_once(*_: object) -> Places:
        return {}

    world.log.append = in_turn  # type: ignore[method-assign, assignment]
    assert asyncio.run(told()) == [None, None, str(error), None]


def test_a_log_that_has_fallen_far_behind_gets_no_more_pages() -> None:
    world = World(*shelf(40))

    async def hangs(*_: object) -> Places:
        await asyncio.sleep(60)
        return {}

    async def told() -> list[str | None]:
        served = ServedLog(world.log, most_waiting=2)
        return [await served.take(("u:u1", b"{}"), NOW) for _ in range(3)]

    world.log.append = hangs  # type: ignore[method-assign, assignment]
    assert asyncio.run(told()) == [None, None, "2 pages wait for the log already, so this one is not in it"]


def test_with_the_wide_index_down_the_page_is_empty_and_claims_no_reason() -> None:
    world = World(*shelf(20))
    world.reader.is_down = True
    page = world.recall()
    assert (ids(page), page.short) == ([], None)
    assert page.degraded == ["source:popular", "source:newest", "wide_index"]


def test_with_the_wide_index_down_an_untrusted_pool_says_that_its_rule_is_pending() -> None:
    world = World(*shelf(20))
    world.put_pool(trusted=False)
    world.reader.is_down = True
    assert "rule_pending" in world.recall().degraded


def test_with_the_pool_store_down_the_last_copy_serves() -> None:
    world = World(*shelf(20))
    world.page()
    world.pools.is_down = True
    assert len(world.page()) == 10


def test_a_reader_that_is_down_for_the_items_that_events_wait_for_costs_their_triggers_alone() -> None:
    world = World(*shelf(20))

    async def fails(item_ids: object) -> dict[str, object]:
        raise StoreUnavailable(f"could not read {item_ids}: the test's store is down; bring it up")

    world.likes(brand__x=1.0)
    world.triggers.states["u:u1"].pending = [Touched("i000", "click", NOW)]
    world.reader.get = fails  # type: ignore[assignment, method-assign]
    page = world.recall()
    assert (len(ids(page)), page.degraded) == (10, ["items"])
