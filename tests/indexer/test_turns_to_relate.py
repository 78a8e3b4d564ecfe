"""Who relates items when: one process at a time, what is due, and what is tried again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import DAY, HOUR, MINUTE, NOW, user_event
from shop_rig import WEIGHTS, Shop
from smallpool_core.errors import Refused, StoreUnavailable
from smallpool_core.relations import Generation, RelationSettings
from smallpool_indexer.relate import RETRY_MS, Relater
from smallpool_stores.duckdb.covisits import covisits


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.rig.database.close()


def test_one_process_at_a_time_relates_items(shop: Shop) -> None:
    shop.visit("u1", "a", "b")
    shop.later()
    turn = shop.relations.take_turn(shop.clock.now, HOUR)
    assert turn is not None
    with pytest.raises(StoreUnavailable, match="another process"):
        shop.relater.rebuild()
    shop.relater.step()
    assert shop.relations.current() is None
    shop.relations.end_turn(turn)
    shop.relater.rebuild()
    assert shop.related("a") == ["b"]


def slowly(shop: Shop, monkeypatch: pytest.MonkeyPatch, between: Callable[[], object] = bool) -> None:
    """Every list takes ten minutes to write, and something happens between them."""
    fill = shop.relations.fill

    def filled(*args: Any) -> None:
        fill(*args)
        shop.clock.advance(10 * MINUTE)
        between()

    monkeypatch.setattr("smallpool_indexer.relate.WRITTEN", 1)
    monkeypatch.setattr(shop.relations, "fill", filled)


def test_nobody_else_gets_the_turn_of_one_who_goes_on_for_hours(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.visit("u1", *"abcdefghijkl")
    shop.later()
    taken: list[str | None] = []
    slowly(shop, monkeypatch, lambda: taken.append(shop.relations.take_turn(shop.clock.now, HOUR)))
    shop.relater.rebuild()
    assert len(taken) >= 12
    assert set(taken) == {None}
    assert shop.relations.take_turn(shop.clock.now, HOUR) is not None


def test_one_who_lost_the_turn_writes_no_more_and_what_serves_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.visit("u1", "a", "b")
    shop.later()
    shop.relater.rebuild()
    served = shop.relations.current()
    shop.visit("u1", "c", "d")
    shop.later()
    others: list[str | None] = []

    def stall() -> None:
        if not others:
            shop.clock.advance(HOUR)
            others.append(shop.relations.take_turn(shop.clock.now, HOUR))

    slowly(shop, monkeypatch, stall)
    with pytest.raises(StoreUnavailable, match="another process may be at it"):
        shop.relater.rebuild()
    assert others != [None]
    assert shop.relations.current() == served
    assert shop.relations.take_turn(shop.clock.now, HOUR) is None, "the other's turn is not ended"


class Told(Relater):
    """A relater that only says what it would do."""

    def _rebuilt(self, *_: Any) -> Any:
        raise RuntimeError("rebuild")

    def _refreshed(self, *_: Any) -> Any:
        raise RuntimeError("refresh")


def due(shop: Shop, serving: Generation | None, **settings: Any) -> str:
    if serving is not None:
        shop.relations.fill(shop.relations.begin(NOW), {})
        shop.relations.switch(serving)
    asked = RelationSettings(**settings)
    told = Told(
        clock=shop.clock,
        log=shop.rig.log,
        items=shop.rig.wide,
        relations=shop.relations,
        counting=lambda: covisits(asked, WEIGHTS),
        settings=asked,
    )
    try:
        told.step()
    except RuntimeError as told_error:
        return str(told_error)
    return "nothing"


def made(**changes: Any) -> Generation:
    return Generation(**({"number": 1, "computed_at": NOW, "covers": 0, "merged_upto": NOW} | changes))


def test_nothing_is_due_before_anybody_did_anything(shop: Shop) -> None:
    assert due(shop, None) == "nothing"
    shop.visit("u1", "a")
    assert due(shop, None) == "rebuild"


@pytest.mark.parametrize(
    ("serving", "settings", "expected"),
    [
        (made(), {}, "nothing"),
        (made(merged_upto=NOW - HOUR), {}, "refresh"),
        (made(merged_upto=NOW - HOUR), {"refresh_every_s": 0}, "nothing"),
        (made(computed_at=NOW - DAY, merged_upto=NOW - HOUR), {}, "refresh"),
        (made(computed_at=NOW - DAY), {"rebuild_every_s": 0}, "nothing"),
        (made(computed_at=NOW - DAY, source="files"), {}, "nothing"),
        (made(computed_at=NOW - DAY, source="files"), {"event_files": "*.jsonl"}, "rebuild"),
        (made(computed_at=NOW + DAY), {}, "rebuild"),
    ],
)
def test_a_day_and_an_hour_make_due(shop: Shop, serving: Generation, settings: dict[str, Any], expected: str) -> None:
    assert due(shop, serving, **settings) == expected


def test_what_failed_is_tried_again_and_not_at_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path, RelationSettings(event_files=str(tmp_path / "*.parquet")))
    with pytest.raises(Refused, match="no such file"):
        shop.relater.step()
    shop.later(RETRY_MS - 1)
    assert not shop.relater.step()
    shop.later(1)
    with pytest.raises(Refused, match="no such file"):
        shop.relater.step()


def test_a_day_that_cannot_be_computed_keeps_no_hour_from_being_added(tmp_path: Path) -> None:
    shop = Shop(tmp_path, RelationSettings(event_files=str(tmp_path / "*.parquet")))
    (tmp_path / "day.jsonl").write_text(f'{{"user": "u1", "item": "a", "event": "view", "at": {NOW - HOUR}}}')
    shop.relater.rebuild([str(tmp_path / "day.jsonl")])
    shop.later(DAY)
    shop.visit("u2", "a", "b", "c")
    for _ in range(14):
        shop.later(RETRY_MS)
        with pytest.raises(Refused, match="no such file"):
            shop.relater.step()
    assert shop.related("a") == ["b", "c"]


def test_a_log_without_acts_on_items_is_nothing_to_do_and_is_looked_at_again_later(shop: Shop) -> None:
    shop.act(user_event("search", None, user_id="u1", query="壶", at=NOW))
    shop.later()
    shop.relater.step()
    assert shop.relations.current() is None
    shop.visit("u1", "a", "b")
    shop.later(RETRY_MS)
    shop.relater.step()
    assert shop.related("a") == ["b"]


def test_a_clock_that_is_set_back_keeps_nothing_from_being_looked_at(shop: Shop) -> None:
    shop.relater.step()
    shop.clock.advance(-DAY)
    shop.visit("u1", "a", "b", at=shop.clock.now - MINUTE)
    shop.relater.step()
    assert shop.related("a") == ["b"]
