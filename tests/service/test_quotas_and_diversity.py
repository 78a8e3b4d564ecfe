"""Seller spread, quotas by kind and diversity, on whole pages: over refills, replays and resumed pages."""

import asyncio
from collections.abc import Collection
from typing import Any

from builders import NOW
from read_rig import FakeReader, World, hit, ids, in_pool, request
from smallpool_core.items import WideItem
from smallpool_core.pages import ClaimRequest, Entry
from smallpool_core.pools import Ordering, PoolSettings
from smallpool_core.quotas import Quota
from smallpool_service.candidates import Candidate, Scored
from smallpool_service.diverse import diversified
from smallpool_service.page import Page
from smallpool_service.why import why

AUCTION: dict[str, Any] = {"field": "sale", "op": "eq", "value": "auction"}
CHEAP: dict[str, Any] = {"field": "price_cents", "op": "lt", "value": 5_000}


def stall(count: int, first: int = 0, **changes: Any) -> list[Any]:
    """That many items of pool p, each in a category and of a seller of its own; ids rise as publication falls."""

    def one(place: int) -> Any:
        given = {"category": f"类{place:03}", "published_at": NOW - 1000 * place - 1, "seller_id": f"s{place}"}
        return in_pool(f"i{place:03}", **(given | changes))

    return [one(place) for place in range(first, first + count)]


def world(*items: Any, quotas: tuple[Quota, ...] = (), diversity: float = 0.0, **settings: Any) -> World:
    made = World(*items)
    ordering = Ordering(quotas=quotas, diversity=diversity)
    made.pools.put("p", {"all": []}, trusted=True, state="live", settings=PoolSettings(**settings), ordering=ordering)
    return made


def sellers(made: World, page: Page) -> list[str | None]:
    return [made.items[item_id].seller_id for item_id in ids(page)]


def test_no_page_has_more_of_a_seller_than_the_pool_allows_though_one_seller_has_all_that_is_best() -> None:
    made = world(*stall(300, seller_id="big"), *stall(8, first=300), max_per_seller=2)
    page = made.recall()
    assert (sellers(made, page).count("big"), len(page.items), page.short) == (2, 10, None)


def test_a_page_that_one_seller_could_fill_is_short_for_it_and_says_so_after_two_rounds() -> None:
    made = world(*stall(400, seller_id="big"), max_per_seller=3)
    page = made.recall()
    assert (len(page.items), page.short, page.trace.rounds) == (3, "seller_cap", 2)
    assert asyncio.run(why(made.recaller, ids(made.recall(dry_run=True))[0], "p", request().identity)).served


def test_why_says_that_the_page_has_enough_of_a_seller() -> None:
    made = world(*stall(20, seller_id="big"), max_per_seller=1)
    answer = asyncio.run(why(made.recaller, "i001", "p", request().identity))
    assert (answer.stage, answer.reason) == ("claim", "seller_cap")


ASKED = request(request_id="r1", size=3)


def interrupted(**settings: Any) -> World:
    """A seller with twenty items and five with one, and a page of `ASKED` that has a line of the former already."""
    made = world(*stall(20, seller_id="big"), *stall(5, first=20), **settings)
    begun = Entry("i019", "类019", None, b'{"item_id":"i019","category":["x"],"score":0.5,"sources":["terms"]}')
    round_0 = ClaimRequest("u:u1", "p", "r1", 0, (begun,), 3, 3, 200, False, NOW, NOW + 200, False, ASKED.fingerprint)  # noqa: FBT003
    asyncio.run(made.seen.real.claim(round_0))
    return made


def test_a_page_whose_sellers_cannot_be_counted_is_offered_nothing_more_and_says_so() -> None:
    made, get, calls = interrupted(max_per_seller=1), FakeReader.get, list[Collection[str]]()

    async def forgetful(item_ids: Collection[str]) -> dict[str, WideItem]:
        calls.append(item_ids)
        return {item_id: item for item_id, item in (await get(made.reader, item_ids)).items() if item_id != "i019"}

    made.reader.get = forgetful  # type: ignore[method-assign]
    page = asyncio.run(made.recaller.recall(ASKED))
    assert (ids(page), page.short, page.degraded) == (["i019"], None, ["items"])
    assert calls == [["i019"]]


def test_a_page_is_filled_up_whoever_sells_its_lines_where_spread_keys_alone_count() -> None:
    made = interrupted()
    made.reader.get = None  # type: ignore[method-assign,assignment]
    assert len(asyncio.run(made.recaller.recall(ASKED)).items) == 3


def test_the_cap_per_seller_counts_what_an_interrupted_call_had_claimed() -> None:
    made, asked = interrupted(max_per_seller=1), ASKED
    page = asyncio.run(made.recaller.recall(asked))
    assert ids(page)[0] == "i019"
    assert sellers(made, page).count("big") == 1


def test_at_most_so_many_of_a_kind_come_on_a_page_over_refills_too() -> None:
    made = world(*stall(150, sale="auction"), *stall(9, first=150), quotas=(Quota(AUCTION, at_most=1),))
    page = made.recall()
    assert len(page.items) == 10
    assert [made.items[item_id].sale for item_id in ids(page)].count("auction") == 1


def test_a_page_is_short_for_a_quota_where_nothing_else_is_left() -> None:
    page = world(*stall(30, sale="auction"), quotas=(Quota(AUCTION, at_most=4),)).recall()
    assert (len(page.items), page.short) == (4, "quota")


def test_at_least_so_many_of_a_kind_come_on_a_page_where_there_are_candidates() -> None:
    quotas = (Quota(AUCTION, at_least=3), Quota(CHEAP, at_most=1))
    made = world(*stall(12), *stall(3, first=12, sale="auction"), *stall(4, first=15, price_cents=10), quotas=quotas)
    page = made.recall(explain=True)
    assert [made.items[item_id].sale for item_id in ids(page)].count("auction") == 3
    assert {item.item_id: item.explain.quotas for item in page.items if item.explain and item.explain.quotas} == {  # type: ignore[union-attr]
        f"i{place:03}": (0,) for place in (12, 13, 14)
    }
    assert len(world(*stall(12), quotas=quotas).page()) == 10


def test_a_condition_on_now_counts_while_it_holds() -> None:
    fresh: dict[str, Any] = {"field": "published_at", "op": "within", "value": "-1h"}
    made = world(*stall(5), quotas=(Quota(fresh, at_most=2),))
    assert len(made.page(dry_run=True)) == 2
    made.clock.advance(2 * 3_600_000)
    assert len(made.page(dry_run=True)) == 5


def scored(item_id: str, category: str, score: float) -> Scored:
    return Scored(Candidate(hit(item_id, category=category, seller_id=item_id), {}), (), score)


def test_diversity_lets_what_is_unlike_come_before_what_scores_a_little_more() -> None:
    ranked = [scored("a", "甲›一", 0.9), scored("b", "甲›一", 0.89), scored("c", "乙", 0.8), scored("d", "丙", float("nan"))]
    assert "".join(one.item_id for one in diversified(ranked, 0.5, 10)) == "acbd"
    assert diversified(ranked, 0.0, 10) == ranked
    assert "".join(one.item_id for one in diversified(ranked, 0.01, 10)) == "abcd"
    assert "".join(one.item_id for one in diversified(ranked, 0.5, 2)) == "abcd", "the first two alone are arranged"


def test_a_pool_that_wants_diversity_mixes_categories_and_is_off_by_default() -> None:
    same, other = stall(3, category="甲›一"), stall(3, first=3)
    assert world(*same, *other).page()[:3] == ["i000", "i001", "i002"]
    assert world(*same, *other, diversity=0.9).page()[:2] == ["i000", "i003"]
