"""The promises of the port `WideTable`, on every adapter."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import kafka_rig
import strategies
from builders import DAY, HOUR, NOW, FakeClock, wide_item
from smallpool_core.fields import Attributes
from smallpool_core.items import Span, WideItem
from smallpool_core.ports import Clock, WideTable
from smallpool_core.rules import Rule, intervals, matches, parse_rule, untimed
from smallpool_core.versions import ENRICH_EXPIRED, ENRICH_SOLD, ENRICH_STRIPPED, MAX_ENRICH, MAX_VERSION
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable


@contextmanager
def sqlite_wide_table(folder: Path, clock: Clock) -> Iterator[WideTable]:
    database = open_database(folder / "smallpool.db", synchronous="off")
    yield SqliteWideTable(database, clock)
    database.close()


Opened = Callable[[Path, Clock], AbstractContextManager[WideTable]]


@pytest.fixture(params=["sqlite", "kafka"], scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """What opens an empty table."""
    if request.param == "sqlite":
        yield sqlite_wide_table
    else:
        with kafka_rig.wide_tables(40) as opened:
            yield opened


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def wide_table(adapter: Opened, tmp_path: Path, clock: FakeClock) -> Iterator[WideTable]:
    with adapter(tmp_path, clock) as opened:
        yield opened


@contextmanager
def fresh() -> Iterator[WideTable]:
    """A new table for one example of a property; in SQLite, which all adapters ask in the end."""
    with tempfile.TemporaryDirectory() as folder, sqlite_wide_table(Path(folder), FakeClock()) as opened:
        yield opened


def rule(value: dict[str, Any]) -> Rule:
    return parse_rule(value, Attributes({}))


CHEAP = rule({"field": "price_cents", "op": "lt", "value": 1_000})
NOTHING = rule({"any": []})
RECENT = rule({"field": "published_at", "op": "within", "value": "-24h"})


def misplaced(wide_table: WideTable, pool_rule: Rule, pool_id: str = "p1", after: str = "", limit: int = 100) -> list[str]:
    return wide_table.misplaced(pool_id, pool_rule, NOW, after, limit)


def test_a_record_comes_back_as_it_was_appended(wide_table: WideTable) -> None:
    full = wide_item(
        "手机 1",
        version=MAX_VERSION,
        enrich=7,
        attributes={"colour": "红", "weight": 1.5, "year": 2020},
        pools=("p1", "p2"),
        intervals={"p2": ((NOW, NOW + 1), (NOW + 5, NOW + 6))},
        spans=(Span(0, 2, "brand", "苹果"),),
        quality_parts={"images": 0.25},
        versions={"ner": "1"},
        epoch=3,
    )
    assert wide_table.append([full, wide_item("i2", given=None)]) == [True, True]
    assert wide_table.get(["手机 1", "i2", "i3"]) == {"手机 1": full, "i2": wide_item("i2", given=None)}


def test_asking_for_nothing_gives_nothing(wide_table: WideTable) -> None:
    assert wide_table.get([]) == {}
    assert wide_table.append([]) == []
    assert set(wide_table.end().values()) == {-1}


@pytest.mark.parametrize(("version", "enrich"), [(3, 0), (2, 6), (2, ENRICH_SOLD)])
def test_a_newer_pair_of_version_and_enrich_is_stored(wide_table: WideTable, version: int, enrich: int) -> None:
    wide_table.append([wide_item(version=2, enrich=5)])
    newer = wide_item(version=version, enrich=enrich, price_cents=1)
    assert wide_table.append([newer]) == [True]
    assert wide_table.get(["i1"]) == {"i1": newer}


@pytest.mark.parametrize(("version", "enrich"), [(1, ENRICH_SOLD), (2, 4), (2, 5)])
def test_an_older_or_equal_pair_is_not(wide_table: WideTable, version: int, enrich: int) -> None:
    first = wide_item(version=2, enrich=5)
    wide_table.append([first])
    end = wide_table.end()
    assert wide_table.append([wide_item(version=version, enrich=enrich, price_cents=1)]) == [False]
    assert wide_table.get(["i1"]) == {"i1": first}
    assert wide_table.end() == end


def test_what_is_stale_in_a_batch_does_not_hold_up_its_neighbours(wide_table: WideTable) -> None:
    wide_table.append([wide_item("i1", version=2)])
    assert wide_table.append([wide_item("i0"), wide_item("i1", version=1), wide_item("i2")]) == [True, False, True]
    assert wide_table.get(["i0", "i1", "i2"]) == {"i0": wide_item("i0"), "i1": wide_item("i1", version=2), "i2": wide_item("i2")}


def test_only_a_higher_version_lists_a_sold_item_again(wide_table: WideTable) -> None:
    wide_table.append([wide_item(version=1, enrich=ENRICH_SOLD, state="sold")])
    assert wide_table.append([wide_item(version=1, enrich=9)]) == [False]
    assert wide_table.append([wide_item(version=2)]) == [True]
    assert wide_table.get(["i1"])["i1"].state == "on_sale"


orders = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3)), max_size=20)


@given(events=orders)
@settings(max_examples=25)
def test_the_largest_pair_is_the_state_whatever_the_order_of_writing(events: list[tuple[str, int, int]]) -> None:
    with fresh() as wide_table:
        best: dict[str, tuple[int, int]] = {}
        for item_id, version, enrich in events:
            is_newer = (version, enrich) > best.get(item_id, (-1, -1))
            assert wide_table.append([wide_item(item_id, version=version, enrich=enrich)]) == [is_newer]
            if is_newer:
                best[item_id] = (version, enrich)
        assert {item_id: item.order for item_id, item in wide_table.get("abc").items()} == best


def test_an_item_that_a_rule_matches_without_its_tag_is_misplaced_and_the_other_way_round(wide_table: WideTable) -> None:
    wide_table.append(
        [
            wide_item("cheap, untagged", price_cents=1),
            wide_item("cheap, tagged", price_cents=1, pools=("p0", "p1")),
            wide_item("dear, untagged", price_cents=5_000, pools=("p11", "p")),
            wide_item("dear, tagged", price_cents=5_000, pools=("p1",)),
        ]
    )
    assert misplaced(wide_table, CHEAP) == ["cheap, untagged", "dear, tagged"]


def test_a_rule_with_nothing_to_match_empties_the_tag(wide_table: WideTable) -> None:
    wide_table.append([wide_item("a", pools=("p1",)), wide_item("b", pools=("p2",)), wide_item("c")])
    assert misplaced(wide_table, NOTHING) == ["a"]


def test_only_listed_items_are_misplaced(wide_table: WideTable) -> None:
    wide_table.append([wide_item("a", pools=("p1",)), wide_item("b", state="withdrawn", pools=("p1",))])
    wide_table.append([wide_item("a", version=2, state="sold", pools=("p1",))])
    assert misplaced(wide_table, NOTHING) == []
    wide_table.append([wide_item("a", version=3, pools=("p1",))])
    assert misplaced(wide_table, NOTHING) == ["a"]


def test_an_item_tagged_right_is_misplaced_no_more(wide_table: WideTable) -> None:
    wide_table.append([wide_item(price_cents=1)])
    assert misplaced(wide_table, CHEAP) == ["i1"]
    wide_table.append([wide_item(price_cents=1, enrich=1, pools=("p1",))])
    assert misplaced(wide_table, CHEAP) == []


def test_misplaced_ids_come_by_utf8_bytes_in_pages(wide_table: WideTable) -> None:
    ids = ["Z", "a", "é", "手", "\uff21", "😀"]
    assert ids == sorted(ids, key=str.encode)
    assert ids != sorted(ids, key=lambda text: text.encode("utf-16-be"))
    wide_table.append([wide_item(item_id, pools=("p1",)) for item_id in reversed(ids)])
    assert misplaced(wide_table, NOTHING) == ids
    first = misplaced(wide_table, NOTHING, limit=4)
    assert first == ids[:4]
    assert misplaced(wide_table, NOTHING, after=first[-1]) == ids[4:]


def test_an_item_in_the_tag_of_a_timed_rule_needs_the_intervals_of_that_rule(wide_table: WideTable) -> None:
    right = intervals(RECENT, wide_item())
    assert right == ((NOW - HOUR, NOW + 23 * HOUR),)
    wide_table.append(
        [
            wide_item("other", pools=("p1",), intervals={"p1": ((NOW, NOW + 1),)}),
            wide_item("none", pools=("p1",), intervals={"p2": right}),
            wide_item("right", pools=("p1",), intervals={"p1": right}),
            wide_item("untagged"),
        ]
    )
    assert misplaced(wide_table, RECENT) == ["none", "other", "untagged"]
    assert misplaced(wide_table, RECENT, after="none", limit=1) == ["other"]


def test_an_item_keeps_the_tag_of_a_timed_rule_that_does_not_hold_now(wide_table: WideTable) -> None:
    old = wide_item(published_at=NOW - 2 * DAY)
    assert not matches(RECENT, old, NOW)
    wide_table.append([replace(old, pools=("p1",), intervals={"p1": intervals(RECENT, old)})])
    assert misplaced(wide_table, RECENT) == []


def test_an_item_tagged_for_ever_is_misplaced_where_the_rule_now_never_holds(wide_table: WideTable) -> None:
    never = wide_item(published_at=None)
    assert intervals(RECENT, never) == ()
    wide_table.append([replace(never, pools=("p1",))])
    assert misplaced(wide_table, RECENT) == ["i1"]
    wide_table.append([replace(never, enrich=1, pools=("p1",), intervals={"p1": ()})])
    assert misplaced(wide_table, RECENT) == []


def test_intervals_are_misplaced_once_the_rule_no_longer_depends_on_time(wide_table: WideTable) -> None:
    wide_table.append([wide_item(price_cents=1, pools=("p1",), intervals={"p1": ((NOW, NOW + 1),)})])
    assert misplaced(wide_table, CHEAP) == ["i1"]
    wide_table.append([wide_item(price_cents=1, enrich=1, pools=("p1",))])
    assert misplaced(wide_table, CHEAP) == []


def test_many_items_tagged_right_do_not_hide_one_that_is_not(wide_table: WideTable) -> None:
    right = intervals(RECENT, wide_item())
    wide_table.append([wide_item(f"i{number:04}", pools=("p1",), intervals={"p1": right}) for number in range(2_500)])
    wide_table.append([wide_item("i2300", enrich=1)])
    assert misplaced(wide_table, RECENT, limit=1) == ["i2300"]


def is_misplaced(item: WideItem, pool_rule: Rule) -> bool:
    belongs = matches(untimed(pool_rule), item, NOW)
    spans = intervals(pool_rule, item) if belongs and pool_rule.is_timed else None
    return item.state == "on_sale" and (("p1" in item.pools) != belongs or item.intervals.get("p1") != spans)


def carrying(pools: Sequence[str], spans: Any, state: Any, item: WideItem) -> WideItem:
    """The item in a state and with tags; intervals stand only where there is a tag, attributes only of values that parsing lets through."""
    attributes = {
        name: value for name, value in item.attributes.items() if isinstance(value, str | float) or (type(value) is int and value < 2**63)
    }
    timed = {} if spans is None else dict.fromkeys(pools, spans)
    return replace(item, state=state, pools=tuple(pools), intervals=timed, attributes=attributes)


tagged_items = st.builds(
    carrying,
    st.sampled_from([(), ("p1",), ("p2",), ("p1", "p2")]),
    st.sampled_from([None, (), ((strategies.NOW, strategies.NOW + 1),)]),
    st.sampled_from(["on_sale", "on_sale", "sold"]),
    strategies.items(),
)


@given(rule_value=strategies.rule_values(), items=st.lists(tagged_items, max_size=8, unique_by=lambda item: item.item_id))
@settings(max_examples=60)
def test_misplaced_is_what_reading_every_item_would_find(rule_value: dict[str, Any], items: list[WideItem]) -> None:
    pool_rule = parse_rule(rule_value, strategies.ATTRIBUTES)
    with fresh() as wide_table:
        wide_table.append(items)
        expected = [item.item_id for item in items if is_misplaced(item, pool_rule)]
        assert misplaced(wide_table, pool_rule) == sorted(expected, key=str.encode)


def test_listed_items_come_in_pages_by_the_bytes_of_their_ids(wide_table: WideTable) -> None:
    items = [wide_item(item_id) for item_id in ("b", "é", "a", "Z", "商")]
    wide_table.append([*items, wide_item("c", state="sold", enrich=ENRICH_SOLD)])
    first = wide_table.listed("", 3)
    assert [item.item_id for item in first] == ["Z", "a", "b"]
    assert first[1] == wide_item("a")
    assert [item.item_id for item in wide_table.listed("b", 10)] == ["é", "商"]
    assert wide_table.listed("商", 10) == []


def test_items_that_others_understood_come_in_pages_by_the_bytes_of_their_ids(wide_table: WideTable) -> None:
    by = {
        "i1": {"tagger": "1"},
        "i2": {"tagger": "2", "tags": "1"},
        "i3": {"tags": "1", "tagger": "2"},
        "i4": {"tagger": "3"},
        "i5": {"tagger": "1"},
    }
    wide_table.append([wide_item(item_id, versions=versions) for item_id, versions in by.items()])
    assert wide_table.understood_otherwise({"tagger": "2", "tags": "1"}, "", 9) == ["i1", "i4", "i5"]
    assert wide_table.understood_otherwise({"tagger": "2", "tags": "1"}, "", 2) == ["i1", "i4"]
    assert wide_table.understood_otherwise({"tagger": "2", "tags": "1"}, "i4", 2) == ["i5"]
    assert wide_table.understood_otherwise({"tagger": "3"}, "", 9) == ["i1", "i2", "i3", "i5"]
    wide_table.append(
        [wide_item("i1", version=2, versions={"tagger": "3"}), wide_item("i5", version=2, state="sold", versions={"tagger": "1"})]
    )
    assert wide_table.understood_otherwise({"tagger": "3"}, "", 9) == ["i2", "i3"]


@pytest.mark.parametrize("changes", [{"versions": {}}, {"given": None}, {"enrich": MAX_ENRICH}])
def test_what_cannot_be_understood_anew_is_not_asked_for(wide_table: WideTable, changes: dict[str, Any]) -> None:
    wide_table.append([wide_item(**{"versions": {"tagger": "1"}, **changes})])
    assert wide_table.understood_otherwise({"tagger": "2"}, "", 9) == []


def test_an_item_is_overdue_an_hour_after_it_expired(wide_table: WideTable) -> None:
    wide_table.append(
        [
            wide_item("a", expires_at=NOW - HOUR),
            wide_item("b", expires_at=NOW - HOUR + 1),
            wide_item("c", expires_at=None),
            wide_item("d", expires_at=NOW - DAY, enrich=ENRICH_EXPIRED, state="expired"),
            wide_item("e", expires_at=NOW - DAY),
        ]
    )
    assert sorted(wide_table.overdue(NOW, 10)) == ["a", "e"]
    assert len(wide_table.overdue(NOW, 1)) == 1
    wide_table.append([wide_item("a", expires_at=NOW - HOUR, enrich=ENRICH_EXPIRED, state="expired")])
    assert wide_table.overdue(NOW, 10) == ["e"]


def test_an_item_is_strippable_once_its_removal_is_old(wide_table: WideTable, clock: FakeClock) -> None:
    wide_table.append([wide_item("listed"), wide_item("sold", enrich=ENRICH_SOLD, state="sold")])
    clock.advance(1)
    wide_table.append([wide_item("sold later", enrich=ENRICH_SOLD, state="sold")])
    assert wide_table.strippable(NOW, 10) == []
    assert wide_table.strippable(NOW + 1, 10) == ["sold"]
    assert sorted(wide_table.strippable(NOW + 2, 10)) == ["sold", "sold later"]
    assert len(wide_table.strippable(NOW + 2, 1)) == 1


def test_a_stripped_item_is_not_strippable_again(wide_table: WideTable) -> None:
    wide_table.append([wide_item(enrich=ENRICH_SOLD, state="sold")])
    assert wide_table.strippable(NOW + 1, 10) == ["i1"]
    stripped = WideItem("i1", 1, ENRICH_STRIPPED, "sold")
    assert wide_table.append([stripped]) == [True]
    assert wide_table.strippable(NOW + 1, 10) == []
    assert wide_table.get(["i1"]) == {"i1": stripped}
