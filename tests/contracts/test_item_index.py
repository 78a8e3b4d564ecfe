"""The promises of the ports `ItemWriter` and `ItemReader`, on every adapter, held to the oracle."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

import oracle
from builders import HOUR, NOW, FakeClock, wide_item
from elasticsearch_rig import item_index
from market import NOWS, RULES, Market, rule, tagged
from smallpool_core.cuts import CUT_BYS, Cut, CutBy
from smallpool_core.items import Indexed, WideItem
from smallpool_core.pages import Answer, Query, Scope
from smallpool_core.pools import BANNED, HOME
from smallpool_core.ports import ItemReader, ItemWriter, WideTable
from smallpool_core.rule_counts import MAX_PARTS, PRICE_BOUNDS, Breakdown, Exclusion, Share
from smallpool_core.rules import Rule, matches
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.live_first import LiveFirstReader, breaker_of
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.recent import KEPT, RecentIndex
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.sqlite.reader import SqliteItemReader
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable


class Index:
    """An adapter of both ports and the wide table that feeds it."""

    def __init__(self, table: WideTable, writer: ItemWriter, reader: ItemReader, loop: asyncio.Runner) -> None:
        self.table = table
        self.writer = writer
        self.reader = reader
        self._loop = loop

    def write(self, *items: WideItem) -> int:
        """Records the items and lets the index take in what is new."""
        newer = [item for item, is_newer in zip(items, self.table.append(items), strict=True) if is_newer]
        return self.index(*newer)

    def index(self, *items: WideItem) -> int:
        """Lets the index take in records, whatever was recorded before; says how many were newer."""
        indexed = self.writer.index(items)
        self.writer.refresh()
        assert indexed.refused == ()
        return indexed.newer

    def recall(self, query: Query, weights: dict[str, int]) -> Answer:
        return self._loop.run(self.reader.recall(query, weights))

    def browse(self, query: Query, by: str) -> Answer:
        return self._loop.run(self.reader.browse(query, "newest" if by == "newest" else "static"))

    def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        return self._loop.run(self.reader.pick(query, item_ids))

    def get(self, item_ids: Sequence[str]) -> dict[str, WideItem]:
        return self._loop.run(self.reader.get(item_ids))

    def preview(self, pool_id: str, sample: int) -> tuple[int, list[str]]:
        return self._loop.run(self.reader.preview(RULES[pool_id], NOW, sample))

    def breakdown(self, rule: Rule, now: int = NOW, limit: int = 20) -> Breakdown:
        return self._loop.run(self.reader.breakdown(rule, now, limit))

    def cut_off(self, rule: Rule, by: CutBy, size: int, now: int = NOW) -> Cut | None:
        return self._loop.run(self.reader.cut_off(rule, by, size, now))

    def exclusions(self, *parts: Rule, now: int = NOW) -> list[Exclusion]:
        return self._loop.run(self.reader.exclusions(parts, now))


@contextmanager
def embedded(table: SqliteWideTable, loop: asyncio.Runner, **floors: int) -> Iterator[Index]:
    columns = ColumnIndex(**floors)
    yield Index(table, columns, SqliteItemReader(columns, table), loop)


@contextmanager
def elasticsearch(table: SqliteWideTable, loop: asyncio.Runner) -> Iterator[Index]:
    with item_index() as (writer, reader):
        yield Index(table, writer, reader, loop)


class Both:
    """What feeds the wide index and, as a tail of its own does, what a process that serves knows by itself."""

    def __init__(self, writer: ItemWriter, recent: RecentIndex, view: PackedLiveView) -> None:
        self._writer = writer
        self._recent = recent
        self._view = view

    def index(self, items: Sequence[WideItem]) -> Indexed:
        self._recent.index(items)
        self._view.apply(items)
        return self._writer.index(items)

    def refresh(self) -> None:
        self._writer.refresh()


@contextmanager
def live_view_first(table: SqliteWideTable, loop: asyncio.Runner, kept: int = KEPT) -> Iterator[Index]:
    rows, recent = ItemRows(), RecentIndex(kept)
    with item_index() as (writer, reader):
        breaker = breaker_of("elasticsearch", after=6, pause_ms=1_000)
        live_first = LiveFirstReader(reader, LiveItemReader(rows), recent, breaker)
        yield Index(table, Both(writer, recent, PackedLiveView(rows)), live_first, loop)


Adapter = Callable[[SqliteWideTable, asyncio.Runner], AbstractContextManager[Index]]
ADAPTERS: dict[str, Adapter] = {
    "embedded": embedded,
    "embedded, always sweeping": partial(embedded, sweep_floor=1),
    "embedded, small pools indexed": partial(embedded, settle_floor=0),
    "elasticsearch": elasticsearch,
    "elasticsearch, the live view first": live_view_first,
    "elasticsearch, the live view first, few records kept beside": partial(live_view_first, kept=20),
}


@pytest.fixture(params=ADAPTERS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = open_database(tmp_path / "smallpool.db", synchronous="off")
    with asyncio.Runner() as loop, ADAPTERS[request.param](SqliteWideTable(database, FakeClock()), loop) as adapter:
        yield adapter
    database.close()


def asked(pool_id: str = "all", **changes: object) -> Query:
    """A question to a trusted pool, wide enough for all that a test writes."""
    return replace(Query(Scope(pool_id, RULES[pool_id], trusted=True), frozenset(), 100, 100, NOW), **changes)


def ids(answer: Answer) -> list[str]:
    return [hit.item_id for hit in answer.hits]


@pytest.mark.parametrize("seed", range(12))
def test_every_answer_is_the_oracles_through_a_life_of_changes(index: Index, seed: int) -> None:
    market = Market(seed)
    for _ in range(8):
        index.write(*market.changes(25))
        for _ in range(8):
            query, weights = market.query(), market.weights()
            items = market.items.values()
            wanted = [*market.random.sample(sorted(market.items), min(12, len(market.items))), "unknown"]
            assert index.recall(query, weights) == oracle.recall(items, query, weights)
            assert index.browse(query, "newest") == oracle.browse(items, query, "newest")
            assert index.browse(query, "static") == oracle.browse(items, query, "static")
            assert index.pick(query, wanted) == oracle.pick(items, query, wanted)
        parts = market.random.choices(list(RULES.values()), k=market.random.randint(0, 4))
        now, items = market.random.choice(NOWS), market.items.values()
        for counted in parts:
            assert index.breakdown(counted, now, 3) == oracle.breakdown(items, counted, now, 3)
        assert index.exclusions(*parts, now=now) == oracle.exclusions(items, parts, now)


def test_rows_come_by_weight_then_static_score_then_id_as_utf8(index: Index) -> None:
    index.write(
        *(
            tagged(wide_item(item_id, terms=terms, static_score=static))
            for item_id, terms, static in (
                ("heavy", ("point:a", "point:b"), 0),
                ("light", ("point:a",), 511),
                ("\U0001f44d", ("point:a",), 3),
                ("￡", ("point:a",), 3),
                ("none", ("point:c",), 511),
            )
        )
    )
    answer = index.recall(asked(), {"point:b": 1, "point:a": 1024})
    assert [(hit.item_id, hit.rank_score) for hit in answer.hits] == [
        ("heavy", 512 * 1025),
        ("light", 512 * 1024 + 511),
        ("￡", 512 * 1024 + 3),
        ("\U0001f44d", 512 * 1024 + 3),
    ]
    assert answer.hits[0].terms == ("point:b", "point:a")


def test_the_cap_counts_rows_of_one_spread_key_before_the_limit(index: Index) -> None:
    index.write(*(tagged(wide_item(f"p{number}", category="数码›手机", static_score=9 - number)) for number in range(5)))
    index.write(tagged(wide_item("c", category="数码›相机")))
    answer = index.browse(asked(cap=2, limit=3), "static")
    assert (ids(answer), answer.exhausted) == (["p0", "p1", "c"], True)


def test_a_spread_level_cuts_the_path_that_the_cap_counts(index: Index) -> None:
    index.write(*(tagged(wide_item(f"i{number}", category=f"数码›k{number}", static_score=9 - number)) for number in range(5)))
    answer = index.browse(asked(cap=2, spread_level=1), "static")
    assert [(hit.item_id, hit.spread_key) for hit in answer.hits] == [("i0", "数码"), ("i1", "数码")]


def test_exhausted_says_whether_a_longer_limit_would_give_more(index: Index) -> None:
    index.write(*(tagged(wide_item(f"i{number}", category=f"k{number % 2}")) for number in range(6)))
    assert not index.browse(asked(cap=2, limit=3), "static").exhausted
    assert index.browse(asked(cap=2, limit=4), "static").exhausted
    assert not index.pick(asked(limit=1), ["i0", "i1"]).exhausted
    assert index.pick(asked(limit=2), ["i0", "i1"]).exhausted


def test_one_kind_that_fills_the_best_does_not_hide_the_others(index: Index) -> None:
    index.write(*(tagged(wide_item(f"p{number:04d}", category="数码›手机", static_score=500)) for number in range(1500)))
    index.write(*(tagged(wide_item(f"c{number}", category=f"文玩›{number}", static_score=1)) for number in range(5)))
    answer = index.browse(asked(cap=3, limit=8), "static")
    assert (ids(answer), answer.exhausted) == (["p0000", "p0001", "p0002", "c0", "c1", "c2", "c3", "c4"], True)


def test_excluded_items_never_come(index: Index) -> None:
    index.write(*(tagged(wide_item(item_id)) for item_id in ("a", "b", "c")))
    query = asked(excluded=frozenset({"b", "unknown"}))
    assert ids(index.recall(query, {"category:数码›手机": 1})) == ["a", "c"]
    assert ids(index.browse(query, "newest")) == ["a", "c"]
    assert ids(index.pick(query, ["c", "b", "a"])) == ["c", "a"]


def test_items_of_excluded_sellers_never_come_and_take_no_place_under_the_cap(index: Index) -> None:
    index.write(*(tagged(wide_item(f"x{place}", seller_id="x", static_score=500)) for place in range(5)))
    index.write(*(tagged(wide_item(item_id, seller_id=seller)) for item_id, seller in (("a", "s1"), ("b", None), ("c", "y" * 128))))
    query = asked(cap=2, excluded_sellers=frozenset({"x", "nobody", "y" * 128}))
    assert ids(index.recall(query, {"category:数码›手机": 1})) == ["a", "b"]
    assert ids(index.browse(query, "static")) == ["a", "b"]
    assert ids(index.pick(query, ["x0", "b", "c", "a"])) == ["b", "a"]


def test_an_item_comes_from_its_publication_until_the_millisecond_of_its_expiry(index: Index) -> None:
    index.write(tagged(wide_item("a", published_at=NOW, expires_at=NOW + HOUR)))
    found = {now: ids(index.browse(asked(now=now), "newest")) for now in (NOW - 1, NOW, NOW + HOUR - 1, NOW + HOUR)}
    assert found == {NOW - 1: [], NOW: ["a"], NOW + HOUR - 1: ["a"], NOW + HOUR: []}


def test_an_auction_that_starts_later_is_on_sale(index: Index) -> None:
    index.write(tagged(wide_item("a", sale="auction", starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)))
    assert ids(index.browse(asked("auctions"), "newest")) == ["a"]


def test_a_trusted_tag_of_a_timed_rule_holds_in_its_closed_intervals_only(index: Index) -> None:
    index.write(tagged(wide_item("a", price_cents=300, published_at=NOW)))
    found = {now: ids(index.browse(asked("fresh", now=now), "newest")) for now in (NOW - 1, NOW, NOW + HOUR, NOW + HOUR + 1)}
    assert found == {NOW - 1: [], NOW: ["a"], NOW + HOUR: ["a"], NOW + HOUR + 1: []}


def test_while_the_tag_is_not_trusted_the_rule_alone_decides(index: Index) -> None:
    index.write(wide_item("right, untagged", price_cents=1), wide_item("wrong, tagged", price_cents=900, pools=("cheap",)))
    untrusted = asked(scope=Scope("cheap", RULES["cheap"], trusted=False))
    assert ids(index.browse(untrusted, "newest")) == ["right, untagged"]
    assert ids(index.recall(untrusted, {"category:数码›手机": 1})) == ["right, untagged"]
    assert ids(index.pick(untrusted, ["wrong, tagged", "right, untagged"])) == ["right, untagged"]
    assert ids(index.browse(asked("cheap"), "newest")) == ["wrong, tagged"]


def test_the_home_pool_is_everything_tagged_or_not_but_for_what_is_banned(index: Index) -> None:
    index.write(wide_item("untagged"), tagged(wide_item("tagged")), wide_item("banned", pools=(BANNED,)))
    home = asked(scope=Scope(HOME, rule({"all": []}), trusted=False, everything=True))
    assert ids(index.recall(home, {"category:数码›手机": 5})) == ["tagged", "untagged"]
    assert ids(index.browse(home, "newest")) == ["tagged", "untagged"]
    assert ids(index.pick(home, ["banned", "untagged"])) == ["untagged"]
    index.write(wide_item("banned", enrich=1))
    assert ids(index.browse(home, "newest")) == ["banned", "tagged", "untagged"]


def test_a_retag_moves_an_item_from_pool_to_pool(index: Index) -> None:
    index.write(tagged(wide_item("a", price_cents=100)))
    index.write(tagged(wide_item("a", price_cents=900, enrich=1)))
    assert ids(index.browse(asked("cheap"), "newest")) == []
    assert [hit.price_cents for hit in index.browse(asked(), "newest").hits] == [900]


def test_new_terms_replace_the_old_ones(index: Index) -> None:
    index.write(tagged(wide_item("a", terms=tuple(f"point:{number}" for number in range(32)))))
    index.write(tagged(wide_item("a", enrich=1, terms=("point:31", "point:new"))))
    assert ids(index.recall(asked(), {"point:30": 1})) == []
    assert index.recall(asked(), {"point:30": 9, "point:31": 1, "point:new": 1}).hits[0].rank_score == 512 * 2


def test_a_removed_item_comes_back_with_a_higher_version_only(index: Index) -> None:
    listing = tagged(wide_item("a", version=4))
    assert index.write(listing) == 1
    assert index.write(replace(listing, state="sold", enrich=ENRICH_SOLD)) == 1
    assert index.index(replace(listing, enrich=5)) == 0
    assert ids(index.browse(asked(), "newest")) == []
    assert index.write(replace(listing, version=5)) == 1
    assert ids(index.browse(asked(), "newest")) == ["a"]


def test_an_older_or_equal_record_changes_nothing(index: Index) -> None:
    index.write(tagged(wide_item("a", version=2, static_score=5)))
    assert index.index(tagged(wide_item("a", version=1, enrich=9)), tagged(wide_item("a", version=2, static_score=7))) == 0
    assert [hit.static_score for hit in index.browse(asked(), "static").hits] == [5]


def test_of_records_of_one_item_in_one_call_the_newest_stays(index: Index) -> None:
    first, second = (tagged(wide_item("a", version=version, static_score=version)) for version in (1, 2))
    assert index.index(second, first, second) == 1
    assert [hit.version for hit in index.browse(asked(), "static").hits] == [2]


def test_a_term_that_an_item_names_twice_counts_once(index: Index) -> None:
    terms = tuple(f"point:{number}" for number in range(10))
    index.write(tagged(wide_item("a", terms=(*terms, *terms))))
    assert index.recall(asked(), dict.fromkeys(terms[:1], 3)).hits[0].rank_score == 512 * 3
    assert index.recall(asked(), dict.fromkeys(terms, 3)).hits[0].rank_score == 512 * 30


def test_picked_items_keep_the_order_given_and_come_once(index: Index) -> None:
    index.write(*(tagged(wide_item(item_id)) for item_id in ("a", "b", "c")))
    assert ids(index.pick(asked(), ["c", "a", "c", "unknown", "b"])) == ["c", "a", "b"]


def test_no_terms_recall_nothing_and_a_limit_of_none_gives_none(index: Index) -> None:
    index.write(tagged(wide_item("a")))
    assert index.recall(asked(), {}) == Answer((), exhausted=True)
    assert index.browse(asked(limit=0), "newest") == Answer((), exhausted=False)


def test_whole_items_are_read_by_id_removed_ones_included(index: Index) -> None:
    sold = wide_item("a", state="sold", enrich=ENRICH_SOLD)
    index.write(sold, wide_item("b"))
    assert index.get(["a", "unknown"]) == {"a": sold}


def test_a_preview_counts_what_a_rule_matches_now(index: Index) -> None:
    index.write(*(wide_item(item_id, price_cents=1) for item_id in ("c", "a", "b")))
    index.write(wide_item("gone", price_cents=1, expires_at=NOW), wide_item("dear", price_cents=900))
    index.write(wide_item("later", price_cents=1, published_at=NOW + 1), wide_item("now", price_cents=900, published_at=NOW))
    assert index.preview("cheap", 2) == (3, ["a", "b"])


def test_what_a_rule_holds_is_counted_by_category_seller_and_price(index: Index) -> None:
    index.write(
        wide_item("a", category="数码›手机", seller_id="s2", price_cents=999),
        wide_item("b", category="数码›相机", seller_id="s1", price_cents=1_000),
        wide_item("c", category="数码›手机", seller_id="s2", price_cents=1_000_000),
        wide_item("d", category="文玩", seller_id=None, price_cents=None),
        wide_item("gone", expires_at=NOW),
        wide_item("later", published_at=NOW + 1),
        wide_item("sold", state="sold", enrich=ENRICH_SOLD),
    )
    found = index.breakdown(RULES["all"])
    assert found.top_categories == (Share("数码", 3), Share("文玩", 1))
    assert found.categories == (Share("数码›手机", 2), Share("数码›相机", 1), Share("文玩", 1))
    assert found.sellers == (Share("s2", 2), Share("s1", 1))
    assert (found.prices, found.unpriced) == ((1, 1, 0, 0, 0, 0, 0, 1), 1)
    assert index.breakdown(RULES["none"]) == Breakdown((), (), (), (0,) * (len(PRICE_BOUNDS) + 1), 0)


def test_of_values_the_most_frequent_are_kept_and_of_equals_the_first_by_utf8(index: Index) -> None:
    sellers = ["Z", "\U0001f44d", "\uff21", "b", "b"]
    index.write(*(wide_item(f"i{place}", seller_id=seller) for place, seller in enumerate(sellers)))
    assert index.breakdown(RULES["all"], limit=3).sellers == (Share("b", 2), Share("Z", 1), Share("\uff21", 1))


def test_a_condition_excludes_what_fails_it_and_alone_what_fails_no_other(index: Index) -> None:
    index.write(
        wide_item("cheap auction", price_cents=1, sale="auction"),
        wide_item("dear auction", price_cents=900, sale="auction"),
        wide_item("free of price", price_cents=None, sale="auction"),
        wide_item("cheap", price_cents=1),
        wide_item("dear", price_cents=900),
        wide_item("gone", price_cents=900, expires_at=NOW),
    )
    assert index.exclusions(RULES["cheap"], RULES["auctions"]) == [Exclusion(2, 3), Exclusion(1, 2)]
    assert index.exclusions(RULES["cheap"]) == [Exclusion(3, 3)]
    assert index.exclusions(RULES["none"], RULES["none"], RULES["all"]) == [Exclusion(0, 5), Exclusion(0, 5), Exclusion(0, 0)]
    assert index.exclusions() == []


def test_as_many_conditions_are_counted_as_the_port_allows(index: Index) -> None:
    index.write(*(wide_item(f"i{number:02}", price_cents=number) for number in range(MAX_PARTS)))
    parts = [rule({"not": {"field": "price_cents", "op": "eq", "value": number}}) for number in range(MAX_PARTS)]
    assert index.exclusions(*parts) == [Exclusion(1, 1)] * MAX_PARTS


@pytest.mark.parametrize("by", CUT_BYS)
@pytest.mark.parametrize("seed", range(3))
def test_cut_offs_are_the_oracles_and_every_answer_ends_at_them(index: Index, by: CutBy, seed: int) -> None:
    market = Market(seed)
    for _ in range(3):
        index.write(*market.changes(40))
        items = market.items.values()
        for size in (1, 3, 10, 1_000_000):
            now = market.random.choice(NOWS)
            pool_id = market.random.choice(("all", "cheap", "twice"))
            held = [item for item in items if matches(RULES[pool_id], item, now)]
            cut = index.cut_off(RULES[pool_id], by, size, now)
            assert cut == oracle.cut_off(held, by, size, now)
            query, weights = market.query(), market.weights()
            query = replace(query, scope=replace(query.scope, cut=market.random.choice((cut, Cut(by, 500)))))
            assert index.recall(query, weights) == oracle.recall(items, query, weights)
            assert index.browse(query, "newest") == oracle.browse(items, query, "newest")
            assert index.browse(query, "static") == oracle.browse(items, query, "static")
            assert index.pick(query, list(market.items)) == oracle.pick(items, query, list(market.items))


def test_items_that_tie_at_the_cut_off_stay_in(index: Index) -> None:
    index.write(*(tagged(wide_item(f"i{number}", quality=900 if number < 2 else 600)) for number in range(6)))
    cut = index.cut_off(RULES["all"], "-quality", 3)
    assert cut == Cut("-quality", 600)
    assert len(ids(index.browse(asked(scope=replace(asked().scope, cut=cut)), "static"))) == 6
    assert index.cut_off(RULES["all"], "-quality", 2) == Cut("-quality", 900)
    assert index.cut_off(RULES["all"], "-quality", 6) is None
