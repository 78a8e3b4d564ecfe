"""Relating items over real embedded stores: all anew, by the hour, and what the two agree on."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from builders import DAY, HOUR, NOW
from shop_rig import Shop
from smallpool_core.errors import Refused, StoreUnavailable
from smallpool_core.relations import Generation, Key, RelationSettings
from smallpool_indexer.relate import LOOK_EVERY_MS


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
