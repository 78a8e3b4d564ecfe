"""What stands beside a wide index that lags: every record that came in is recalled as if the wide index had it already."""

import asyncio
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

import oracle
from builders import NOW, wide_item
from market import RULES, Market, tagged
from read_rig import FakeReader
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query, Scope
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.memory.live_first import LiveFirstReader, breaker_of
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.recent import RecentIndex
from smallpool_stores.memory.rows import ItemRows

TERMS = {"category:数码›手机": 1}
ALL = Query(Scope("all", RULES["all"], trusted=True), frozenset(), 100, 100, NOW)


class LaggingReader(FakeReader):
    """A wide index that answers exactly, of what it was last refreshed with."""

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        self.queries.append(query)
        return oracle.recall(self.items.values(), query, weights)


class Lagging:
    """A wide index, what came in since, and the reader over both."""

    def __init__(self, kept: int = 100) -> None:
        self.index = LaggingReader({})
        self.recent = RecentIndex(kept)
        self._reader = LiveFirstReader(self.index, LiveItemReader(ItemRows()), self.recent, breaker_of("index", after=3, pause_ms=1_000))

    def refresh(self, *items: WideItem) -> None:
        self.index.items |= {item.item_id: item for item in items}

    def take_in(self, *items: WideItem) -> None:
        self.recent.index(items)

    def recall(self, query: Query = ALL, weights: Mapping[str, int] = TERMS) -> Answer:
        return asyncio.run(self._reader.recall(query, weights))

    def ids(self, query: Query = ALL) -> list[str]:
        return [hit.item_id for hit in self.recall(query).hits]


@pytest.mark.parametrize("kept", [50, 75, 1_000])
@pytest.mark.parametrize("seed", range(12))
def test_every_answer_is_the_oracles_though_the_wide_index_lags(seed: int, kept: int) -> None:
    market, lagging = Market(seed), Lagging(kept)  # it lags by two rounds of changes at most
    outdated = 0
    for _ in range(20):
        before = dict(market.items)
        lagging.take_in(*market.changes(25))
        for _ in range(8):
            scope = market.query().scope
            query = market.query(scope=replace(scope, trusted=not scope.everything))
            weights = market.weights()
            lagging.index.queries.clear()
            assert lagging.recall(query, weights) == oracle.recall(market.items.values(), query, weights)
            outdated += len(lagging.index.queries) > 1
        lagging.refresh(*before.values())
        lagging.refresh(*market.random.sample(list(market.items.values()), len(market.items) // 2))
    assert outdated


def test_a_listing_is_recalled_by_its_terms_before_the_wide_index_is_refreshed() -> None:
    lagging = Lagging()
    lagging.refresh(tagged(wide_item("indexed")))
    lagging.take_in(tagged(wide_item("new", static_score=9)))
    assert lagging.ids() == ["new", "indexed"]
    assert len(lagging.index.queries) == 1


def test_a_sale_takes_out_what_the_wide_index_still_has_and_leaves_its_place_to_the_next() -> None:
    lagging = Lagging()
    lagging.refresh(*(tagged(wide_item(item_id)) for item_id in ("a", "b", "c")))
    lagging.take_in(replace(tagged(wide_item("a")), state="sold", enrich=ENRICH_SOLD))
    answer = lagging.recall(replace(ALL, limit=1))
    assert ([hit.item_id for hit in answer.hits], answer.exhausted) == (["b"], False)


def test_a_listing_that_left_the_pool_takes_its_row_out_of_the_wide_index() -> None:
    lagging = Lagging()
    lagging.refresh(tagged(wide_item("a")), tagged(wide_item("b")))
    lagging.take_in(replace(tagged(wide_item("a")), enrich=1, pools=()))
    assert lagging.ids() == ["b"]


def test_the_cap_counts_rows_of_both() -> None:
    lagging = Lagging()
    lagging.refresh(*(tagged(wide_item(f"i{number}", static_score=number)) for number in (1, 2, 3)))
    lagging.take_in(*(tagged(wide_item(f"n{number}", static_score=number)) for number in (0, 4)))
    answer = lagging.recall(replace(ALL, cap=2))
    assert ([hit.item_id for hit in answer.hits], answer.exhausted) == (["n4", "i3"], True)


def test_what_the_wide_index_has_newer_wins() -> None:
    lagging = Lagging()
    lagging.take_in(tagged(wide_item("a", price_cents=1)))
    lagging.refresh(tagged(wide_item("a", enrich=1, price_cents=2)))
    assert [hit.price_cents for hit in lagging.recall().hits] == [2]


def test_no_more_than_twice_the_records_are_kept_the_newest_of_all() -> None:
    lagging = Lagging(kept=3)
    lagging.take_in(*(tagged(wide_item(f"i{number}", static_score=number)) for number in range(8)))
    assert lagging.ids() == ["i7", "i6", "i5", "i4", "i3"]


def test_an_older_record_that_comes_again_changes_nothing() -> None:
    lagging = Lagging(kept=1)
    newest = tagged(wide_item("a", version=2, static_score=2))
    assert lagging.recent.index([newest, tagged(wide_item("b"))]).newer == 2
    assert lagging.recent.index([newest, tagged(wide_item("a", version=1, static_score=1))]).newer == 0
    assert [hit.static_score for hit in lagging.recall().hits if hit.item_id == "a"] == [2]


def test_a_pool_whose_tag_is_not_trusted_is_asked_of_the_wide_index_alone() -> None:
    lagging = Lagging()
    lagging.take_in(tagged(wide_item("a")))
    assert lagging.ids(replace(ALL, scope=replace(ALL.scope, trusted=False))) == []
