"""Pairs of items counted by DuckDB, against what the formula says."""

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb
import pytest

from builders import DAY, HOUR, MINUTE, NOW, user_event
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.errors import Refused
from smallpool_core.relations import Key, RelationList, RelationSettings
from smallpool_core.users import UserEvent, UserEventType
from smallpool_stores.duckdb.covisits import covisits

WEIGHTS = BehaviourSettings().behaviour_weights
PLAIN = RelationSettings(popularity_damping=0.0, backward_share=0.0)
Known = tuple[str, bool, Sequence[str], Sequence[str]]


def visits(*item_ids: str, user: str = "u1", since: int = NOW, every: int = 0, kind: UserEventType = "click") -> list[UserEvent]:
    """What a person did with these items, one after another."""
    step = every or 1
    return [user_event(kind, item_id, user_id=user, at=since + place * step) for place, item_id in enumerate(item_ids)]


def lists_of(
    *sequences: list[UserEvent], settings: RelationSettings = PLAIN, known: Sequence[Known] = (), at: int = NOW
) -> dict[Key, RelationList]:
    with covisits(settings, WEIGHTS) as counting:
        for events in sequences:
            counting.take(events)
        counting.know(known)
        return dict(counting.lists(at))


def weights(lists: dict[Key, RelationList], key: str, kind: Any = "view", pool_id: str = "") -> dict[str, float]:
    return {entry.item_id: entry.weight for entry in lists[Key(kind, key, pool_id)].entries}


def test_a_pair_counts_one_over_its_distance_within_the_window() -> None:
    settings = RelationSettings(popularity_damping=0.0, backward_share=0.0, window=2)
    found = lists_of(visits("a", "b", "c", "d"), settings=settings)
    assert weights(found, "a") == pytest.approx({"b": 1.0, "c": 0.5})
    assert weights(found, "d") == {}


def test_the_other_direction_counts_its_share() -> None:
    settings = RelationSettings(popularity_damping=0.0, backward_share=0.25)
    assert weights(lists_of(visits("a", "b"), settings=settings), "b") == pytest.approx({"a": 0.25})


def test_acts_too_far_apart_have_nothing_to_do_with_each_other() -> None:
    found = lists_of(visits("a", "b", every=PLAIN.view_gap_s * 1000 + 1, since=NOW - DAY))
    assert weights(found, "a") == {}
    assert weights(lists_of(visits("a", "b", every=PLAIN.view_gap_s * 1000, since=NOW - DAY)), "a").keys() == {"b"}


def test_purchases_are_related_among_themselves_and_over_a_longer_time() -> None:
    found = lists_of(visits("a", "b", every=10 * DAY, since=NOW - 10 * DAY, kind="purchase"), visits("a", "c", user="u2"))
    assert weights(found, "a", "purchase").keys() == {"b"}
    assert weights(found, "a").keys() == {"c"}


def test_a_pair_fades_with_the_age_of_its_later_act_and_the_worth_of_two_stays() -> None:
    half = PLAIN.half_life_s * 1000
    old, young = visits("a", "b", since=NOW - half - 1), visits("a", "c", user="u2", since=NOW - 1)
    entries = {entry.item_id: entry.pairs for entry in lists_of(old, young)[Key("view", "a")].entries}
    assert entries == pytest.approx({"b": 0.5, "c": 1.0}, rel=1e-6)
    assert weights(lists_of(old), "a") == pytest.approx(weights(lists_of(old, at=NOW + half), "a"))


def test_what_everybody_looks_at_is_damped() -> None:
    crowd = [visits("x", "popular", user=f"u{place}") for place in range(20)]
    mine = visits("a", "popular", "rare", user="me")
    plain, damped = (lists_of(mine, *crowd, settings=RelationSettings(popularity_damping=b, backward_share=0.0)) for b in (0.0, 0.5))
    assert list(weights(plain, "a")) == ["popular", "rare"]
    assert list(weights(damped, "a")) == ["rare", "popular"]


def test_the_same_event_twice_counts_once_and_an_item_several_times_in_a_row_stands_once() -> None:
    assert lists_of(visits("a", "b"), visits("a", "b")) == lists_of(visits("a", "b"))
    assert weights(lists_of(visits("a", "a", "a", "b")), "a") == pytest.approx({"b": 1.0})


def test_nobody_relates_everything_with_everything() -> None:
    settings = RelationSettings(most_per_person=3)
    found = lists_of(visits(*(f"i{place}" for place in range(100_000))), settings=settings)
    assert {key.key for key in found} == {"i99997", "i99998", "i99999"}


def test_a_person_of_one_act_relates_nothing_and_is_counted() -> None:
    assert lists_of(visits("a"))[Key("view", "a")] == RelationList(NOW, 1.0)


def test_an_event_ahead_of_the_clock_counts_as_if_it_were_now() -> None:
    assert lists_of(visits("a", since=NOW + DAY))[Key("view", "a")].count == 1.0


def test_what_left_is_related_to_and_never_shown() -> None:
    found = lists_of(visits("sold", "b", "sold"), known=[("sold", True, ["brand:x"], []), ("b", False, ["brand:x"], [])])
    assert weights(found, "sold").keys() == {"b"}
    assert weights(found, "b") == {}
    assert weights(found, "brand:x", "term").keys() == {"b"}


def test_a_pool_has_lists_of_its_own_items_however_many_others_are_heavier() -> None:
    settings = RelationSettings(popularity_damping=0.0, backward_share=0.0, list_size=1)
    found = lists_of(visits("a", "b", "c"), settings=settings, known=[("c", False, ["tag:t"], ["p"])])
    assert weights(found, "a").keys() == {"b"}
    assert weights(found, "a", pool_id="p") == pytest.approx({"c": 0.5})
    assert weights(found, "tag:t", "term", "p").keys() == {"c"}


def test_a_term_lists_its_items_by_what_people_did_with_them() -> None:
    known: list[Known] = [(item_id, False, ["category:数码"], []) for item_id in "abc"]
    found = lists_of(visits("a", kind="view"), visits("b", kind="bid"), visits("c"), known=known)
    assert list(weights(found, "category:数码", "term").items()) == [("b", WEIGHTS["bid"]), ("c", WEIGHTS["click"]), ("a", WEIGHTS["view"])]


def test_events_that_relate_no_items_are_not_taken() -> None:
    with covisits(PLAIN, WEIGHTS) as counting:
        assert (
            counting.take([user_event("search", query="手机"), user_event("follow", seller_id="s"), user_event("expose"), user_event()])
            == 1
        )
        assert list(counting.items()) == [["i1"]]
        assert counting.last_at() == NOW


def test_only_pairs_with_a_fresh_event_are_added() -> None:
    with covisits(PLAIN, WEIGHTS) as counting:
        counting.take(visits("a", "b", since=NOW - MINUTE), fresh=False)
        counting.take(visits("c", since=NOW))
        additions = counting.additions(NOW)
    assert additions.counts["view"] == pytest.approx({"c": 1.0})
    assert {key: list(pairs) for key, pairs in additions.pairs.items()} == {Key("view", "a"): ["c"], Key("view", "b"): ["c"]}


def test_an_event_that_was_counted_before_is_not_fresh() -> None:
    with covisits(PLAIN, WEIGHTS) as counting:
        counting.take(visits("a", "b"), fresh=False)
        counting.take(visits("a", "b"))
        assert not counting.additions(NOW).pairs


def write(file: Path, *lines: object) -> str:
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return str(file)


def row(item: str, at: int, event: str = "click", user: str = "u1") -> dict[str, object]:
    return {"user": user, "item": item, "event": event, "at": at}


def test_files_give_the_same_lists_and_rows_that_are_no_events_are_counted(tmp_path: Path) -> None:
    lines = [row("a", NOW), "no json", row("b", NOW + 1), {"user": "u1"}, row("c", NOW + 2, "expose")]
    file = write(tmp_path / "it's.jsonl", *lines)
    with covisits(PLAIN, WEIGHTS) as counting:
        assert counting.read([file]) == (2, 2)
        assert dict(counting.lists(NOW)) == lists_of(visits("a", "b"))


@pytest.mark.parametrize("at", [-1, 4_102_444_800_001, NOW * 1_000, None])
def test_a_row_of_a_time_that_cannot_be_is_no_event(tmp_path: Path, at: int | None) -> None:
    file = write(tmp_path / "events.jsonl", row("a", NOW), row("b", NOW + 1), row("c", 0) | {"at": at})
    with covisits(PLAIN, WEIGHTS) as counting:
        assert counting.read([file]) == (2, 1)
        assert counting.last_at() == NOW + 1


def test_acts_of_which_nothing_is_left_relate_nothing_and_every_weight_is_a_number() -> None:
    sequences = visits("a", "b", since=1), visits("c", "d", "c", user="u2"), visits("a", "d", user="u3", since=NOW - DAY)
    settings = RelationSettings(half_life_s=3_600)
    found = lists_of(*sequences, settings=settings, known=[(item, False, [f"brand:{item}"], []) for item in "abcd"])
    entries = [entry for one in found.values() for entry in one.entries]
    assert all(isfinite(entry.weight) and entry.weight > 0 for entry in entries)
    assert (weights(found, "b"), weights(found, "a").keys()) == ({}, {"d"})
    assert {key.key for key in found if key.kind == "term"} == {"brand:a", "brand:c", "brand:d"}


def test_parquet_is_read_with_timestamps_and_with_milliseconds(tmp_path: Path) -> None:
    lines = write(tmp_path / "rows.jsonl", row("a", NOW), row("b", NOW + 1))
    for name, at in (("ms", '"at"'), ("time", 'epoch_ms("at"::BIGINT) AS "at"')):
        file = tmp_path / f"{name}.parquet"
        duckdb.sql(f"""COPY (SELECT "user", item, event, {at} FROM read_json('{lines}')) TO '{file}'""")
        with covisits(PLAIN, WEIGHTS) as counting:
            assert counting.read([str(file)]) == (2, 0)
            assert counting.last_at() == NOW + 1


@pytest.mark.parametrize(("name", "content"), [("missing.jsonl", None), ("no.parquet", "not parquet")])
def test_a_file_that_holds_no_events_is_refused_by_name(tmp_path: Path, name: str, content: str | None) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    with covisits(PLAIN, WEIGHTS) as counting, pytest.raises(Refused, match=name):
        counting.read([str(file)])


def test_what_does_not_fit_in_memory_is_counted_in_parts_and_gives_the_same_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "many.parquet"
    columns = f"""'u' || (i % 5000) AS "user", 'i' || hash(i) % 10000 AS item, 'click' AS event, {NOW} - i AS "at\""""
    duckdb.sql(f"COPY (SELECT {columns} FROM range(60000) t(i)) TO '{file}'")
    monkeypatch.setattr("smallpool_stores.duckdb.covisits.PAIRS_A_MB", 1_000)
    found = []
    for memory_mb in (1_024, 64):  # in one shard, and in many
        with covisits(RelationSettings(memory_mb=memory_mb), WEIGHTS) as counting:
            assert counting.read([str(file)]) == (60_000, 0)
            found.append({key: [entry.item_id for entry in one.entries] for key, one in counting.lists(NOW)})
    assert found[0] == found[1]
    assert len(found[0]) > 9_000


def test_nothing_is_left_of_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with covisits(PLAIN, WEIGHTS) as counting:
        counting.take(visits("a", "b", every=HOUR))
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
