"""Boosted items rise and buried ones sink, on the page and in its explanation; nothing is asked twice."""

from typing import Any

import pytest
from msgspec.structs import replace

from builders import HOUR
from read_rig import World, shelf
from smallpool_core.adjustments import Adjustment
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pools import Ordering, PoolSettings
from smallpool_service.page import Page

LAST: dict[str, Any] = {"field": "city", "op": "eq", "value": "杭州"}
FRESH: dict[str, Any] = {"field": "published_at", "op": "within", "value": "-1h"}


def world(**ordering: Any) -> World:
    """Twelve items that score the newer the higher, of which the last two are from 杭州."""
    made = World(*[replace(item, city="杭州") if place >= 10 else item for place, item in enumerate(shelf(12))])
    made.pools.put("p", {"all": []}, trusted=True, state="live", settings=PoolSettings(), ordering=Ordering(**ordering))
    return made


def factors(page: Page) -> dict[str, float]:
    return {item.item_id: item.explain.factor for item in page.items if item.explain}


def reads_of_two_pages(made: World) -> int:
    """How often whole items were read."""
    reads: list[Any] = []
    get = made.reader.get

    async def counted(item_ids: Any) -> Any:
        reads.append(item_ids)
        return await get(item_ids)

    made.reader.get = counted  # type: ignore[method-assign]
    made.page(dry_run=True)
    made.page(dry_run=True)
    return len(reads)


def test_a_boosted_item_comes_before_what_scored_higher() -> None:
    assert world().page()[:2] == ["i000", "i001"]
    assert world(boost=(Adjustment(LAST, 10.0),)).page()[:2] == ["i010", "i011"]


def test_a_buried_item_comes_after_what_scored_lower() -> None:
    buried = world(bury=(Adjustment({"field": "item_id", "op": "eq", "value": "i000"}, 0.01),))
    assert "i000" not in buried.page()


def test_the_explanation_has_the_factor_and_the_score_is_multiplied_by_it() -> None:
    plain = {item.item_id: item.score for item in world().recall(size=12, explain=True).items}
    page = world(boost=(Adjustment(LAST, 2.0),), bury=(Adjustment(LAST, 0.75),)).recall(size=12, explain=True)
    assert (factors(page)["i010"], factors(page)["i000"]) == (1.5, 1.0)
    assert {item.item_id: item.score for item in page.items}["i010"] == pytest.approx(1.5 * plain["i010"], abs=1e-5)


def test_a_condition_on_time_holds_while_it_does() -> None:
    made = world(boost=(Adjustment(FRESH, 3.0),))
    assert set(factors(made.recall(explain=True, dry_run=True)).values()) == {3.0}
    made.clock.advance(2 * HOUR)
    assert set(factors(made.recall(explain=True, dry_run=True)).values()) == {1.0}


def test_what_was_found_of_an_item_is_kept_until_it_changes() -> None:
    assert reads_of_two_pages(world()) == 0
    assert reads_of_two_pages(world(boost=(Adjustment(LAST, 2.0),))) == 1
    made = world(boost=(Adjustment(LAST, 10.0),))
    assert made.page(dry_run=True)[0] == "i010"
    made.items["i010"] = replace(made.items["i010"], city="上海", enrich=1)
    assert made.page(dry_run=True)[0] == "i011"


def test_what_an_older_version_said_is_not_kept_as_the_newer_ones() -> None:
    made = world(boost=(Adjustment(LAST, 10.0),))
    older, get = made.items["i010"], made.reader.get
    made.items["i010"] = replace(older, city="上海", enrich=1)

    async def lagging(_: Any) -> Any:
        return {**await get(list(made.items)), "i010": older}

    made.reader.get = lagging  # type: ignore[method-assign]
    assert made.page(dry_run=True)[0] == "i010"
    made.reader.get = get  # type: ignore[method-assign]
    assert made.page(dry_run=True)[0] == "i011"


def test_items_that_cannot_be_read_keep_their_scores_and_the_page_says_so() -> None:
    made = world(boost=(Adjustment(LAST, 10.0),))

    async def fails(_: Any) -> Any:
        raise StoreUnavailable("could not read the test's store: it is down; bring it up")

    made.reader.get = fails  # type: ignore[method-assign]
    page = made.recall()
    assert page.items[0].item_id == "i000"
    assert "items" in page.degraded


def test_a_pin_comes_before_whatever_is_boosted() -> None:
    assert world(boost=(Adjustment(LAST, 10.0),), pins=("i005",)).page()[:2] == ["i005", "i010"]
