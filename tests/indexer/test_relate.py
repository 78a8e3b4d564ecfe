"""Relating items over real embedded stores: all anew, by the hour, and what the two agree on."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from builders import DAY, HOUR, MINUTE, NOW, FakeClock, item_event, user_event
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.errors import Refused, StoreUnavailable
from smallpool_core.events import encode_item_event, encode_user_event
from smallpool_core.relations import Generation, Key, RelationKind, RelationSettings
from smallpool_core.users import UserEvent
from smallpool_indexer.relate import LOOK_EVERY_MS, RETRY_MS, Relater
from smallpool_stores.duckdb.covisits import covisits
from smallpool_stores.sqlite.relations import SqliteRelations
from write_rig import Rig

WEIGHTS = BehaviourSettings().behaviour_weights


class Shop:
    """A marketplace with a log, and a relater over it."""

    def __init__(self, folder: Path, settings: RelationSettings | None = None, pools: tuple[str, ...] = ()) -> None:
        self.clock = FakeClock(NOW)
        folder.mkdir(exist_ok=True)
        self.rig = Rig(folder, clock=self.clock)
        self.relations = SqliteRelations(self.rig.database)
        self.relater = self.new_relater(settings or RelationSettings(), pools)

    def new_relater(self, settings: RelationSettings, pools: tuple[str, ...] = ()) -> Relater:
        return Relater(
            clock=self.clock,
            log=self.rig.log,
            items=self.rig.wide,
            relations=self.relations,
            counting=lambda: covisits(settings, WEIGHTS),
            settings=settings,
            pools=lambda: pools,
        )

    def publish(self, *item_ids: str, kind: Any = "published", version: int = 1) -> None:
        records = [(item_id, encode_item_event(item_event(item_id, kind, version=version))) for item_id in item_ids]
        self.rig.log.append_now("item-events", records, self.clock.now)
        while self.rig.indexer.run_once():
            pass

    def act(self, *events: UserEvent) -> None:
        """Appended when they happen."""
        for event in events:
            self.rig.log.append_now("user-events", [(event.identity.key, encode_user_event(event))], event.at)

    def visit(self, user: str, *item_ids: str, at: int | None = None, kind: Any = "click") -> None:
        since = self.clock.now if at is None else at
        self.act(*(user_event(kind, item_id, user_id=user, at=since + place) for place, item_id in enumerate(item_ids)))

    def related(self, key: str, kind: RelationKind = "view", pool_id: str = "") -> list[str]:
        found = asyncio.run(self.relations.related(kind, [key], 50, pool_id))
        return [one.item_id for one in found.get(key, [])]

    def later(self, ms: int = MINUTE) -> None:
        self.clock.advance(ms)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.rig.database.close()


def test_what_people_look_at_one_after_another_is_related(shop: Shop) -> None:
    shop.publish("a", "b")
    shop.visit("u1", "a", "b")
    shop.visit("u2", "a", "b")
    shop.visit("u3", "a", "c", kind="purchase")
    shop.later()
    generation, skipped = shop.relater.rebuild()
    assert (shop.related("a"), shop.related("a", "purchase"), skipped) == (["b"], ["c"], 0)
    assert (generation.source, generation.events) == ("log", 6)
    assert generation == shop.relations.current()


def test_an_item_that_sold_is_shown_beside_nothing_and_others_beside_it(shop: Shop) -> None:
    shop.publish("a", "b")
    shop.visit("u1", "a", "b", "a")
    shop.publish("a", kind="sold", version=2)
    shop.later()
    shop.relater.rebuild()
    assert (shop.related("a"), shop.related("b")) == (["b"], [])


def test_terms_list_what_people_act_on(shop: Shop) -> None:
    shop.publish("a", "b")
    shop.visit("u1", "a", "b", "b", kind="bid")
    shop.later()
    shop.relater.rebuild()
    [seller] = [term for term in shop.rig.wide.get(["a"])["a"].terms if term.startswith("seller:")]
    assert set(shop.related(seller, "term")) == {"a", "b"}


def test_a_pool_that_has_them_gets_lists_of_its_own_items(tmp_path: Path) -> None:
    shop = Shop(tmp_path, pools=("p",))
    shop.rig.put_pool("p", {"field": "item_id", "op": "eq", "value": "c"})
    shop.publish("a", "b", "c")
    shop.visit("u1", "a", "b", "c")
    shop.later()
    shop.relater.rebuild()
    assert (shop.related("a"), shop.related("a", pool_id="p")) == (["b", "c"], ["c"])
    shop.visit("u2", "d", "b", "c")
    shop.later()
    shop.relater.refresh()
    assert (shop.related("d"), shop.related("d", pool_id="p")) == (["b", "c"], ["c"])


def test_the_hour_adds_what_is_new_and_twice_changes_nothing(shop: Shop) -> None:
    shop.visit("u1", "a", "b")
    shop.later()
    shop.relater.rebuild()
    shop.visit("u2", "a", "c")
    shop.later()
    refreshed = shop.relater.refresh()
    assert set(shop.related("a")) == {"b", "c"}
    lists = shop.relations.load([Key("view", name) for name in "abc"])
    assert refreshed is not None
    assert refreshed.merged_upto == shop.clock.now - 5_000
    shop.relater.refresh()
    assert shop.relations.load(list(lists)) == lists


def test_a_session_that_goes_on_over_the_hour_is_one_session(shop: Shop) -> None:
    shop.visit("u1", "a")
    shop.later()
    shop.relater.rebuild()
    shop.visit("u1", "b")
    shop.later()
    shop.relater.refresh()
    assert (shop.related("a"), shop.related("b")) == (["b"], ["a"])


def counts_of(shop: Shop, names: list[str]) -> dict[tuple[str, str], tuple[float, float, float]]:
    lists = shop.relations.load([Key("view", name) for name in names])
    return {(key.key, entry.item_id): (entry.pairs, entry.weight, one.count) for key, one in lists.items() for entry in one.entries}


def test_hours_add_up_to_what_a_whole_computation_says(tmp_path: Path) -> None:
    random, names = Random(7), [f"i{place}" for place in range(12)]
    hourly, whole = Shop(tmp_path / "hourly"), Shop(tmp_path / "whole")
    hourly.visit("first", *names)
    whole.visit("first", *names)
    hourly.later()
    whole.later()
    hourly.relater.rebuild()
    for _ in range(6):
        for user in range(5):
            sequence = random.sample(names, 4)
            for shop in (hourly, whole):
                shop.visit(f"u{user}", *sequence, at=shop.clock.now + user * 100)
        for shop in (hourly, whole):
            shop.later(HOUR)
        hourly.relater.refresh()
    # Every item is touched once more, so that each list is as of the last hour: those that nobody touched keep older counts of others.
    for shop in (hourly, whole):
        shop.visit("last", *names)
        shop.later()
    hourly.relater.refresh()
    whole.relater.rebuild()
    expected, found = counts_of(whole, names), counts_of(hourly, names)
    assert found.keys() == expected.keys()
    for pair, (pairs, weight, count) in expected.items():
        assert found[pair][0] == pytest.approx(pairs, rel=1e-9)
        assert found[pair][1] == pytest.approx(weight, rel=1e-9)
        assert found[pair][2] == pytest.approx(count, rel=1e-9)


def test_an_addition_that_was_broken_off_is_done_again_and_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepared(folder: Path) -> Shop:
        made = Shop(folder)
        made.visit("u1", *"abcdef")
        made.later()
        made.relater.rebuild()
        made.visit("u2", *"fedcba")
        made.later()
        return made

    straight, broken = prepared(tmp_path / "straight"), prepared(tmp_path / "broken")
    straight.relater.refresh()
    monkeypatch.setattr("smallpool_indexer.relate.WRITTEN", 2)
    merge, done = broken.relations.merge, []

    def merge_twice(*args: Any) -> None:
        if len(done) == 2:
            raise StoreUnavailable("could not write: the test pulls the plug")
        done.append(args)
        merge(*args)

    monkeypatch.setattr(broken.relations, "merge", merge_twice)
    with pytest.raises(StoreUnavailable, match="plug"):
        broken.relater.refresh()
    monkeypatch.setattr(broken.relations, "merge", merge)
    broken.later(HOUR)
    broken.relater.refresh()
    keys = [Key("view", name) for name in "abcdef"]
    assert broken.relations.load(keys) == straight.relations.load(keys)


def test_what_was_broken_off_begins_again_where_it_began_however_late_that_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = RelationSettings(log_s=DAY // 1000, rebuild_every_s=0)
    straight, broken = Shop(tmp_path / "straight", settings), Shop(tmp_path / "broken", settings)
    for shop in (straight, broken):
        shop.visit("u1", *"abcd")
        shop.later()
        shop.relater.rebuild()
        shop.visit("u2", *"dcba")
        shop.later()
    straight.relater.refresh()
    merge = broken.relations.merge

    def merge_of_lists_alone(lists: Any, progress: Generation) -> None:
        if not lists and not progress.merging_upto:
            raise StoreUnavailable("could not write: the test pulls the plug")
        merge(lists, progress)

    monkeypatch.setattr(broken.relations, "merge", merge_of_lists_alone)
    with pytest.raises(StoreUnavailable, match="plug"):
        broken.relater.refresh()
    monkeypatch.setattr(broken.relations, "merge", merge)
    begun = broken.relations.current()
    broken.later(3 * DAY)
    broken.relater.step()
    keys = [Key("view", name) for name in "abcd"]
    assert broken.relations.load(keys) == straight.relations.load(keys)
    merged = broken.relations.current()
    assert begun is not None
    assert merged is not None
    assert merged.merged_upto == begun.merging_upto


def test_a_merge_takes_two_hours_of_the_log_and_the_next_look_goes_on(shop: Shop) -> None:
    shop.visit("u1", "a", "b")
    shop.later()
    shop.relater.rebuild()
    for item_id in "cdef":
        shop.visit("u2", "a", item_id)
        shop.later(HOUR + HOUR // 2)
    seen = []
    while not seen or len(seen[-1]) < 5:
        shop.relater.step()
        seen.append(shop.related("a"))
        shop.later(LOOK_EVERY_MS)
    assert [len(items) for items in seen] == [3, 4, 5]


def test_a_refresh_by_hand_goes_on_until_now(shop: Shop) -> None:
    shop.visit("u1", "a", "b")
    shop.later()
    shop.relater.rebuild()
    for item_id in "cdef":
        shop.visit("u2", "a", item_id)
        shop.later(3 * HOUR)
    refreshed = shop.relater.refresh()
    assert set(shop.related("a")) == set("bcdef")
    assert refreshed is not None
    assert refreshed.merged_upto == shop.clock.now - 5_000


def test_what_lies_before_the_log_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "old.jsonl").write_text(f'{{"user": "u1", "item": "a", "event": "view", "at": {NOW - 400 * DAY}}}')
    shop.relater.rebuild([str(tmp_path / "old.jsonl")])
    between, asked = shop.rig.log.between, []

    async def noted(topic: Any, since: int, *others: Any) -> Any:
        asked.append(since)
        return await between(topic, since, *others)

    monkeypatch.setattr(shop.rig.log, "between", noted)
    shop.relater.step()
    assert min(asked) >= NOW - 7 * DAY - 7 * HOUR


def test_without_events_what_serves_goes_on_serving(shop: Shop) -> None:
    shop.visit("u1", "a", "b")
    shop.later()
    shop.relater.rebuild()
    shop.later(8 * DAY)
    with pytest.raises(Refused, match="views, clicks, purchases"):
        shop.relater.rebuild()
    assert shop.related("a") == ["b"]


def test_files_are_related_and_the_log_adds_what_came_after_them(shop: Shop, tmp_path: Path) -> None:
    lines = [f'{{"user": "u1", "item": "{item}", "event": "view", "at": {NOW - HOUR + place}}}' for place, item in enumerate("ab")]
    (tmp_path / "day-1.jsonl").write_text("\n".join([*lines, "no event"]))
    shop.visit("u1", "a", "b", at=NOW - HOUR)  # the same acts, as they came in
    shop.visit("u2", "a", "c")
    shop.later()
    generation, skipped = shop.relater.rebuild([str(tmp_path / "day-*.jsonl")])
    assert (generation.source, generation.covers, skipped) == ("files", NOW - HOUR + 1, 1)
    before = counts_of(shop, ["a"])["a", "b"]
    shop.relater.refresh()
    assert set(shop.related("a")) == {"b", "c"}
    assert counts_of(shop, ["a"])["a", "b"][0] == pytest.approx(before[0], rel=1e-2), "the same act twice counts once"


def test_files_that_are_not_there_are_refused(shop: Shop) -> None:
    with pytest.raises(Refused, match="no such file"):
        shop.relater.rebuild(["/nowhere/*.jsonl"])


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
