"""Where a tail of `item-wide` stands: comparable with the owner's end whatever markers lie between, kept for the next owner, and dated."""

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from builders import NOW, FakeClock, wide_item
from kafka_rig import Process, drained, eventually, kafka_settings
from smallpool_core.places import has_reached
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.wide_tail import INDEX_GROUP, TRUSTED_MS, KafkaWideTail
from smallpool_stores.memory.listing import ListingRow


class Stop(Exception):
    """Ends a block."""


@pytest.fixture
def settings() -> Iterator[KafkaSettings]:
    with kafka_settings(2) as made:
        yield made


@pytest.fixture
def process(settings: KafkaSettings) -> Iterator[Process]:
    with Process(settings) as made:
        made.own()
        yield made


def owners_tail(process: Process) -> "closing[KafkaWideTail]":
    return closing(KafkaWideTail(process.settings, process.plain.offsets, process.clock, owner=process.owner))


def live_tail(process: Process) -> "closing[KafkaWideTail]":
    return closing(KafkaWideTail(process.settings, process.plain.offsets, process.clock))


def undo(process: Process, item_id: str) -> None:
    """A transaction of the item's partition that is written and then aborted."""
    with suppress(Stop), process.owner.atomic():
        process.wide.append([wide_item(item_id)])
        process.log.append_now("served", [("x", b"y")], NOW)
        raise Stop


def test_both_tails_reach_the_owners_end_across_markers_and_aborted_transactions(process: Process) -> None:
    with owners_tail(process) as index, live_tail(process) as live:
        for number in range(4):
            process.wide.append([wide_item(f"i{number}"), wide_item(f"j{number}")])
            undo(process, f"i{number}")
            undo(process, f"j{number}")
            end = process.wide.end()
            for tail in (index, live):
                drained(tail, end)
                assert has_reached(tail.place(), end)
                assert not tail.is_behind()
                assert tail.poll(10) == []


def test_aborted_records_do_not_come(process: Process) -> None:
    undo(process, "a")
    process.wide.append([wide_item("b")])
    with live_tail(process) as tail:
        assert [record.item.item_id for record in drained(tail, process.wide.end())] == ["b"]


def test_a_tail_at_the_end_of_a_log_that_ends_in_markers_alone_stands_behind_them(process: Process) -> None:
    with live_tail(process) as tail:
        process.wide.append([wide_item("a")])
        undo(process, "a")
        drained(tail, process.wide.end())
        assert eventually(lambda: has_reached(tail.place(), process.plain.offsets.ends("item-wide")))


def test_the_owners_tail_knows_that_it_is_behind_as_soon_as_something_is_recorded(process: Process) -> None:
    with owners_tail(process) as tail:
        drained(tail)
        for number in range(5):
            process.wide.append([wide_item(f"i{number}")])
            assert tail.is_behind()
            drained(tail)
            assert has_reached(tail.place(), process.wide.end())


def test_the_owners_tail_follows_the_partitions_that_are_owned(settings: KafkaSettings) -> None:
    with Process(settings, state="first") as first, owners_tail(first) as tail:
        assert tail.poll(10) == []
        assert tail.place() == {}
        first.own()
        tail.poll(10)
        assert set(tail.place()) == {0, 1}
        with Process(settings, state="second") as second:

            def is_shared() -> bool:
                first.owner.advance()
                second.owner.advance()
                tail.poll(10)
                return len(first.owner.ready()) == len(second.owner.ready()) == 1

            assert eventually(is_shared)
            assert set(tail.place()) == set(first.owner.ready())


def test_the_next_owner_goes_on_where_the_last_one_left_the_index(settings: KafkaSettings) -> None:
    with Process(settings) as process:
        process.own()
        process.wide.append([wide_item(item_id) for item_id in "abcdef"])
        assert min(process.wide.end().values()) >= 0
        with owners_tail(process) as tail:
            drained(tail)
    with Process(settings) as process:
        process.own()
        assert set(process.plain.offsets.committed("item-wide", INDEX_GROUP)) == {0, 1}
        process.wide.append([wide_item("new")])
        with owners_tail(process) as tail:
            assert [record.item.item_id for record in drained(tail)] == ["new"]


def test_a_tail_without_a_kept_place_begins_at_the_beginning(settings: KafkaSettings) -> None:
    with Process(settings) as process:
        process.own()
        process.wide.append([wide_item("a")])
    with Process(settings) as process:
        process.own()
        with owners_tail(process) as tail:
            assert [record.item.item_id for record in drained(tail)] == ["a"]


def test_a_share_of_the_partitions_is_read_and_no_other(process: Process) -> None:
    process.wide.append([wide_item(f"i{number}") for number in range(20)])
    with closing(KafkaWideTail(process.settings, process.plain.offsets, process.clock, only={1})) as tail:
        records = drained(tail)
        assert {record.partition for record in records} == set(tail.place()) == {1}
        assert {record.item.item_id for record in records} == {f"i{n}" for n in range(20) if process.owner.partition_of(f"i{n}") == 1}


def test_loading_shows_how_far_it_is_and_decodes_only_what_is_asked_for(process: Process) -> None:
    process.wide.append([wide_item(f"i{number}") for number in range(20)])
    with live_tail(process) as tail:
        rows: list[ListingRow] = []

        def is_loaded() -> bool:
            rows.extend(tail.skim(7, ListingRow))
            return len(rows) == 20 and not tail.is_behind()

        assert eventually(is_loaded)
        assert {row.item_id for row in rows} == {f"i{number}" for number in range(20)}
        passed, end = tail.progress()
        assert passed == end >= 20


def test_the_age_is_none_at_the_end_and_counts_from_when_the_tail_last_stood_there() -> None:
    clock = FakeClock()
    with kafka_settings() as settings:
        offsets = Offsets(settings)
        with closing(KafkaWideTail(settings, offsets, clock)) as tail:
            assert tail.age_ms(clock.now) == clock.now
            drained(tail)
            assert tail.age_ms(clock.now) == 0
            assert tail.age_ms(clock.now + TRUSTED_MS) == 0
            assert tail.age_ms(clock.now + TRUSTED_MS + 1) == TRUSTED_MS + 1
            with Process(settings, clock) as process:
                process.own()
                process.wide.append([wide_item("a")])
                clock.advance(60_000)
                assert eventually(lambda: tail.poll(1))
                assert eventually(lambda: tail.age_ms(clock.now) == 60_000)
                drained(tail, process.wide.end())
                assert eventually(lambda: tail.age_ms(clock.now) == 0)
        offsets.close()
