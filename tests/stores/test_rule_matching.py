"""What a rule matches while its pool's tag is not trusted: right at every moment, and scanned for once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import HOUR, NOW, FakeClock, wide_item
from market import NOWS, RULES, Market
from smallpool_core.errors import StoreUnavailable
from smallpool_core.rules import Rule, matches
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.sqlite import matching
from smallpool_stores.sqlite.matching import Matching
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable


class CountingTable(SqliteWideTable):
    """The wide table, counting its scans; it fails when a test says so."""

    scans = 0
    is_down = False

    def matching_ids(self, rule: Rule, now: int) -> list[str]:
        self.scans += 1
        if self.is_down:
            raise StoreUnavailable("could not ask the test's table: it is down; bring it up")
        return super().matching_ids(rule, now)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[CountingTable]:
    database = open_database(tmp_path / "smallpool.db", synchronous="off")
    yield CountingTable(database, FakeClock())
    database.close()


@pytest.mark.parametrize("seed", range(3))
def test_the_ids_are_right_after_every_change(table: CountingTable, seed: int) -> None:
    market, asked = Market(seed), Matching(table)

    async def live() -> None:
        for _ in range(8):
            table.append(market.changes(20))
            now = market.random.choice(NOWS)
            for rule in RULES.values():
                listed = [item for item in market.items.values() if item.state == "on_sale"]
                assert set(await asked.ids(rule, now)) == {item.item_id for item in listed if matches(rule, item, now)}

    asyncio.run(live())


def test_a_rule_without_time_is_scanned_for_once_however_often_the_table_changes(table: CountingTable) -> None:
    asked = Matching(table)
    found = []
    for number in range(3):
        table.append([wide_item(f"i{number}", price_cents=1)])
        found.append(sorted(asyncio.run(asked.ids(RULES["cheap"], NOW + number))))
    table.append([wide_item("i0", version=2, price_cents=900), wide_item("i1", state="sold", enrich=ENRICH_SOLD)])
    found.append(sorted(asyncio.run(asked.ids(RULES["cheap"], NOW))))
    assert found == [["i0"], ["i0", "i1"], ["i0", "i1", "i2"], ["i2"]]
    assert table.scans == 1


def test_questions_that_come_during_a_scan_wait_for_it_together(table: CountingTable) -> None:
    table.append([wide_item("a", price_cents=1)])

    async def ask() -> list[list[str]]:
        asked = Matching(table)
        return [sorted(ids) for ids in await asyncio.gather(*(asked.ids(RULES["cheap"], NOW) for _ in range(5)))]

    assert asyncio.run(ask()) == [["a"]] * 5
    assert table.scans == 1


def test_a_scan_goes_on_when_who_asked_ran_out_of_time(table: CountingTable) -> None:
    table.append([wide_item("a", price_cents=1)])

    async def ask() -> list[str]:
        asked = Matching(table)
        first = asyncio.create_task(asked.ids(RULES["cheap"], NOW))
        await asyncio.sleep(0)
        first.cancel()
        return sorted(await asked.ids(RULES["cheap"], NOW))

    assert asyncio.run(ask()) == ["a"]
    assert table.scans == 1


def test_a_timed_rule_is_asked_at_each_instant(table: CountingTable) -> None:
    table.append([wide_item("a", published_at=NOW, price_cents=300)])
    asked = Matching(table)
    assert [list(asyncio.run(asked.ids(RULES["fresh"], now))) for now in (NOW, NOW + HOUR, NOW + HOUR + 1)] == [["a"], ["a"], []]


def test_far_behind_it_scans_again(table: CountingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "CAUGHT_UP_AT_MOST", 2)
    asked = Matching(table)
    for count in (1, 4):
        table.append([wide_item(f"i{number}", version=count, price_cents=1) for number in range(count)])
        assert len(asyncio.run(asked.ids(RULES["cheap"], NOW))) == count
    assert table.scans == 2


def test_what_was_caught_up_with_is_not_read_again(table: CountingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "CAUGHT_UP_AT_MOST", 2)
    asked = Matching(table)
    for number in range(10):
        table.append([wide_item(f"i{number}", price_cents=1)])
        assert len(asyncio.run(asked.ids(RULES["cheap"], NOW))) == number + 1
    assert table.scans == 1


def test_a_scan_that_fails_is_not_kept(table: CountingTable) -> None:
    table.append([wide_item("a", price_cents=1)])
    asked = Matching(table)
    table.is_down = True
    with pytest.raises(StoreUnavailable):
        asyncio.run(asked.ids(RULES["cheap"], NOW))
    table.is_down = False
    assert list(asyncio.run(asked.ids(RULES["cheap"], NOW))) == ["a"]


def test_answers_of_few_rules_are_kept(table: CountingTable) -> None:
    asked = Matching(table)
    for number in range(200):
        asyncio.run(asked.ids(RULES["fresh"], NOW + number))
    assert len(asked._kept) <= matching.KEPT_RULES


def test_an_item_that_is_listed_again_matches_again(table: CountingTable) -> None:
    listing = wide_item("a", price_cents=1)
    asked = Matching(table)
    found = []
    for record in (listing, replace(listing, state="sold", enrich=ENRICH_SOLD), replace(listing, version=2)):
        table.append([record])
        found.append(list(asyncio.run(asked.ids(RULES["cheap"], NOW))))
    assert found == [["a"], [], ["a"]]
