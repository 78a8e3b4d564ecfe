"""The sweeper: time passes, and what is past its time goes."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import DAY, HOUR, NOW, given, item_event, user_event
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.fields import Attributes
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.rules import parse_rule
from smallpool_core.users import UserEvent
from smallpool_core.versions import ENRICH_EXPIRED, ENRICH_SOLD, ENRICH_STRIPPED, MAX_ENRICH
from smallpool_indexer.settings import IndexerSettings
from smallpool_stores.sqlite.reader import SqliteItemReader
from write_rig import Rig


def sweep(rig: Rig) -> int:
    appended = rig.sweeper.sweep(rig.clock.now_ms())
    rig.drain()
    return appended


def test_an_auction_is_recorded_as_expired_an_hour_after_its_end(rig: Rig) -> None:
    rig.take(item_event(given=given(sale="auction", expires_at=NOW + 6 * HOUR)), item_event("b"))
    rig.clock.advance(7 * HOUR - 1)
    assert sweep(rig) == 0
    rig.clock.advance(1)
    assert sweep(rig) == 1
    assert (rig.item().state, rig.item().order) == ("expired", (1, ENRICH_EXPIRED))
    assert rig.item("b").state == "on_sale"
    assert sweep(rig) == 0


def test_an_item_given_more_time_before_its_sweep_stays(rig: Rig) -> None:
    rig.take(item_event(given=given(expires_at=NOW + HOUR)))
    rig.clock.advance(2 * HOUR)
    assert rig.sweeper.sweep(rig.clock.now_ms()) == 1
    rig.send(item_event(version=2, given=given(expires_at=NOW + DAY)))
    rig.drain()
    assert (rig.item().state, rig.item().version) == ("on_sale", 2)


@pytest.mark.parametrize("kind", ["sold", "withdrawn"])
def test_a_removed_item_keeps_its_fields_for_30_days_and_its_version_for_ever(rig: Rig, kind: str) -> None:
    rig.take(item_event(), item_event(type=kind, version=2))
    rig.clock.advance(30 * DAY)
    assert sweep(rig) == 0
    rig.clock.advance(1)
    assert sweep(rig) == 1
    assert rig.item() == WideItem("i1", 2, ENRICH_STRIPPED, kind)
    assert sweep(rig) == 0
    rig.take(item_event(version=2))
    assert rig.item().state == kind


def test_a_sweep_that_comes_late_leaves_alone_what_was_listed_and_sold_again_meanwhile(rig: Rig) -> None:
    rig.take(item_event(), item_event(type="sold", version=2))
    rig.clock.advance(31 * DAY)
    assert rig.sweeper.sweep(rig.clock.now_ms()) == 1
    waiting = rig.log.poll("item-events", INDEXER_GROUP, 10)
    rig.drain()
    rig.take(item_event(version=3), item_event(type="sold", version=4), *[record.value for record in waiting])
    assert (rig.item().order, rig.item().title_words) == ((4, ENRICH_SOLD), ("苹果手机", "九成新"))


def clicks(*item_ids: str, by: int = 8) -> list[UserEvent]:
    return [user_event("click", item_id, user_id=f"u{person}") for item_id in item_ids for person in range(by)]


def recalled(rig: Rig) -> list[tuple[str, int]]:
    """What the wide index gives first, with its static score."""
    home = Scope("home", parse_rule({"all": []}, Attributes({})), trusted=True, everything=True)
    query = Query(home, frozenset(), cap=9, limit=9, now=rig.clock.now_ms())
    answer = asyncio.run(SqliteItemReader(rig.columns, rig.wide).browse(query, "static"))
    return [(hit.item_id, hit.static_score) for hit in answer.hits]


def test_clicks_raise_an_items_static_score_in_the_wide_index_and_a_quiet_turn_changes_nothing(rig: Rig) -> None:
    rig.take(item_event("a"), item_event("b"), *clicks("b"))
    born = rig.item("b").static_score
    assert recalled(rig) == [("a", born), ("b", born)]
    assert sweep(rig) == 1
    assert recalled(rig) == [("b", born + 47), ("a", born)]
    assert [sweep(rig), sweep(rig)] == [0, 0]
    assert rig.item("b").enrich == 1


def test_a_popularity_that_moved_by_less_than_a_tenth_is_not_worth_a_record(rig: Rig) -> None:
    rig.take(item_event(), *clicks("i1", by=8))
    assert sweep(rig) == 1
    rig.take(*[user_event("click", at=NOW + 1, user_id=f"u{person}") for person in range(4)])
    assert sweep(rig) == 0, "12 of 17 are less than a tenth more than 8 of 13"
    rig.take(user_event("click", at=NOW + 2), user_event("click", at=NOW + 3))
    assert sweep(rig) == 1


def test_a_popularity_that_fades_takes_its_share_of_the_score_with_it(rig: Rig) -> None:
    rig.take(item_event(), *clicks("i1"))
    born = rig.item().static_score
    assert sweep(rig) == 1
    scores = []
    for _ in range(8):
        rig.clock.advance(DAY)
        sweep(rig)
        scores.append(rig.item().static_score - born)
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] < 8


def test_one_sweep_compares_a_page_of_the_ranking_and_the_next_goes_on_from_there(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(rescore_size=2))
    names = ("a", "b", "c")
    rig.take(*map(item_event, names), *clicks(*names))
    assert [sweep(rig), sweep(rig), sweep(rig)] == [2, 1, 0]
    rig.take(*[user_event("click", "c", at=NOW + 1, user_id=f"u{person}") for person in range(20)])
    assert [sweep(rig), sweep(rig)] == [0, 1], "the ranking is gone through again, from the top"
    rig.database.close()


def test_an_item_that_left_or_can_be_enriched_no_more_is_not_rescored(rig: Rig) -> None:
    rig.take(item_event("a"), item_event("b"), *clicks("a", "b"))
    rig.wide.append([replace(rig.item("a"), enrich=MAX_ENRICH), replace(rig.item("b"), version=2, enrich=ENRICH_SOLD, state="sold")])
    assert sweep(rig) == 0


def test_what_is_due_by_time_does_not_wait_for_statistics_that_fail(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: int) -> list[tuple[str, float]]:
        raise StoreUnavailable("could not read the ranking: it is away; bring it back")

    rig.take(item_event(given=given(expires_at=NOW)), item_event("b"), *clicks("b"))
    rig.clock.advance(HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(rig.stats, "ranked", away)
        assert sweep(rig) == 1
    assert rig.item().state == "expired"
    assert sweep(rig) == 1


def test_one_sweep_is_bounded_and_waits_for_the_pipeline_before_the_next(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(sweep_size=2))
    rig.take(*(item_event(f"i{n}", given=given(expires_at=NOW)) for n in range(5)))
    rig.clock.advance(HOUR)
    now = rig.clock.now_ms()
    assert [rig.sweeper.sweep(now), rig.sweeper.sweep(now)] == [2, 0]
    rig.drain()
    assert [sweep(rig), sweep(rig), sweep(rig)] == [2, 1, 0]
    rig.database.close()


def test_logs_are_kept_for_seven_days(rig: Rig) -> None:
    rig.take(item_event(), user_event())
    rig.clock.advance(7 * DAY)
    rig.take(item_event("b"))
    sweep(rig)
    assert len(rig.log.poll("item-events", "someone new", 10)) == 2
    rig.clock.advance(1)
    sweep(rig)
    assert [record.key for record in rig.log.poll("item-events", "someone new", 10)] == ["b"]
    assert rig.log.poll("user-events", "someone new", 10) == []
