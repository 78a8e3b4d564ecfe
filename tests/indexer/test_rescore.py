"""The rescorer: clicks become static scores, a page of the ranking a minute, and nothing is sent that says nothing new."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import DAY, MINUTE, NOW, item_event, user_event
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.fields import Attributes
from smallpool_core.pages import Query, Scope
from smallpool_core.rules import parse_rule
from smallpool_core.users import UserEvent
from smallpool_core.versions import ENRICH_SOLD, MAX_ENRICH
from smallpool_indexer.settings import IndexerSettings
from smallpool_stores.sqlite.reader import SqliteItemReader
from write_rig import Rig


def rescore(rig: Rig) -> int:
    """The next page of the ranking, a minute later; how many events that sent."""
    rig.clock.advance(MINUTE)
    rig.rescorer.read(rig.clock.now_ms())
    rig.rescorer.send(rig.clock.now_ms())
    sent = rig.log.lag("item-events", INDEXER_GROUP)
    rig.drain()
    return sent


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
    assert rescore(rig) == 1
    assert recalled(rig) == [("b", born + 47), ("a", born)]
    assert [rescore(rig), rescore(rig)] == [0, 0]
    assert rig.item("b").enrich == 1


def test_a_popularity_that_moved_by_less_than_a_tenth_is_not_worth_a_record(rig: Rig) -> None:
    rig.take(item_event(), *clicks("i1", by=8))
    assert rescore(rig) == 1
    rig.take(*[user_event("click", at=NOW + 1, user_id=f"u{person}") for person in range(4)])
    assert rescore(rig) == 0, "12 of 17 are less than a tenth more than 8 of 13"
    rig.take(user_event("click", at=NOW + 2), user_event("click", at=NOW + 3))
    assert rescore(rig) == 1


def test_a_popularity_that_fades_takes_its_share_of_the_score_with_it(rig: Rig) -> None:
    rig.take(item_event(), *clicks("i1"))
    born = rig.item().static_score
    assert rescore(rig) == 1
    scores = []
    for _ in range(8):
        rig.clock.advance(DAY)
        rescore(rig)
        scores.append(rig.item().static_score - born)
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] < 8


def test_one_turn_compares_a_page_of_the_ranking_and_the_next_goes_on_from_there(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(rescore_size=2))
    names = ("a", "b", "c")
    rig.take(*map(item_event, names), *clicks(*names))
    assert [rescore(rig), rescore(rig), rescore(rig)] == [2, 1, 0]
    rig.take(*[user_event("click", "c", at=NOW + 1, user_id=f"u{person}") for person in range(20)])
    assert [rescore(rig), rescore(rig)] == [0, 1], "the ranking is gone through again, from the top"
    rig.database.close()


def test_an_item_that_left_or_can_be_enriched_no_more_is_not_rescored(rig: Rig) -> None:
    rig.take(item_event("a"), item_event("b"), *clicks("a", "b"))
    rig.wide.append([replace(rig.item("a"), enrich=MAX_ENRICH), replace(rig.item("b"), version=2, enrich=ENRICH_SOLD, state="sold")])
    assert rescore(rig) == 0


def test_a_page_is_read_once_a_minute_and_not_before_the_last_was_sent(rig: Rig) -> None:
    rig.take(item_event(), *clicks("i1"))
    now = rig.clock.now_ms()
    assert [rig.rescorer.read(now), rig.rescorer.read(now + MINUTE)] == [True, False]
    assert [rig.rescorer.send(now), rig.rescorer.send(now)] == [True, False]
    assert [rig.rescorer.read(now + MINUTE - 1), rig.rescorer.read(now + MINUTE)] == [False, True]


def test_what_was_sent_is_taken_in_before_more_is_sent(rig: Rig) -> None:
    rig.take(item_event(), *clicks("i1"))
    now = rig.clock.now_ms()
    assert [rig.rescorer.read(now), rig.rescorer.send(now)] == [True, True]
    assert [rig.rescorer.read(now + MINUTE), rig.rescorer.send(now + MINUTE)] == [True, False]
    rig.drain()
    assert rig.rescorer.send(now + MINUTE) is False
    assert rig.log.lag("item-events", INDEXER_GROUP) == 0


def test_listings_do_not_wait_for_statistics_that_fail(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: int) -> list[tuple[str, float]]:
        raise StoreUnavailable("could not read the ranking: it is away; bring it back")

    monkeypatch.setattr(rig.stats, "ranked", away)
    rig.send(item_event())
    for worker in rig.write_path.taking_in:
        worker.turn()
    assert rig.item().state == "on_sale"
    with pytest.raises(StoreUnavailable):
        next(worker for worker in rig.write_path.behaviour if worker.name == "ranking").turn()
