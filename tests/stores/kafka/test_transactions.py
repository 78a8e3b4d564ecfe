"""One batch of the write path is one transaction: records, dead letters, events of its own and the place in the log."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NoReturn

import pytest

from builders import NOW, item_event, wide_item
from kafka_rig import Process, eventually, everything, kafka_settings, polled
from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import DeadLetter
from smallpool_indexer.parse import parse
from smallpool_stores.kafka.partition_producer import PartitionProducer
from smallpool_stores.kafka.settings import KafkaSettings

LETTER = DeadLetter("item-events", 0, 0, "a", b"\xff", 1, "digest", "title", "no text", 1, NOW)


class Stop(Exception):
    """Ends a block."""


@pytest.fixture
def settings() -> Iterator[KafkaSettings]:
    with kafka_settings() as made:
        yield made


@pytest.fixture
def process(settings: KafkaSettings) -> Iterator[Process]:
    with Process(settings) as made:
        made.own()
        yield made


def publish(process: Process, *item_ids: str) -> None:
    process.plain.append_now("item-events", [(item_id, b"published") for item_id in item_ids], NOW)


def taken(process: Process, count: int = 1) -> list[str]:
    """The keys of what comes next, once so many records have come; until some are passed the same come again."""
    assert eventually(lambda: len(process.log.poll("item-events", INDEXER_GROUP, 100)) >= count)
    return [record.key for record in process.log.poll("item-events", INDEXER_GROUP, 100)]


def letters(process: Process, count: int) -> list[DeadLetter]:
    """All dead letters, once so many can be read: brokers say that a transaction stands before its partitions show it."""
    eventually(lambda: len(process.log.dead_letters(-1, 10)) >= count)
    return [letter for _, letter in process.log.dead_letters(-1, 10)]


def write_batch(process: Process, item_id: str, offset: int) -> None:
    process.wide.append([wide_item(item_id)])
    process.log.dead_letter([LETTER])
    process.log.append_now("item-events", [(item_id, b"enrich")], NOW)
    process.log.commit("item-events", INDEXER_GROUP, {0: offset})


def fail(process: Process) -> NoReturn:
    with process.owner.atomic():
        write_batch(process, "a", 0)
        raise Stop


def write_as_zombie(process: Process, settings: KafkaSettings) -> None:
    with process.owner.atomic():
        process.wide.append([wide_item("a")])
        process.log.append_now("served", [("x", b"y")], NOW)  # waits until the transaction has begun at the brokers
        PartitionProducer(settings, f"{settings.prefix}{INDEXER_GROUP}-0").close()
        process.log.commit("item-events", INDEXER_GROUP, {0: 0})


def test_all_of_a_block_becomes_visible(process: Process, settings: KafkaSettings) -> None:
    publish(process, "a", "b")
    assert taken(process, 2) == ["a", "b"]
    with process.owner.atomic():
        write_batch(process, "a", 0)
    assert taken(process)[0] == "b"
    assert process.log.committed("item-events", INDEXER_GROUP) == {0: 0}
    assert process.wide.get(["a"]) == everything(settings) == {"a": wide_item("a")}
    assert letters(process, 1) == [LETTER]
    assert eventually(lambda: [record.value for record in polled(process.log, "item-events", INDEXER_GROUP)] == [b"published", b"enrich"])


def test_nothing_of_a_block_that_fails_becomes_visible(process: Process, settings: KafkaSettings) -> None:
    publish(process, "a", "b")
    assert taken(process, 2) == ["a", "b"]
    end = process.wide.end()
    with pytest.raises(Stop):
        fail(process)
    assert (process.wide.get(["a"]), process.wide.end()) == ({}, end)
    assert process.log.committed("item-events", INDEXER_GROUP) == {}
    assert process.plain.committed("item-events", INDEXER_GROUP) == {}
    assert everything(settings) == {}
    assert process.log.dead_letters(-1, 10) == []
    assert taken(process, 2) == ["a", "b"]


def test_after_a_block_that_failed_the_next_one_goes_on(process: Process, settings: KafkaSettings) -> None:
    publish(process, "a")
    taken(process)
    with pytest.raises(Stop):
        fail(process)
    with process.owner.atomic():
        write_batch(process, "a", 0)
    assert everything(settings) == {"a": wide_item("a")}


def test_an_inner_block_joins_the_outer_one(process: Process, settings: KafkaSettings) -> None:
    def inner() -> None:
        with process.owner.atomic():
            process.wide.append([wide_item("a")])

    def outer() -> NoReturn:
        with process.owner.atomic():
            inner()
            raise Stop

    with pytest.raises(Stop):
        outer()
    assert process.wide.get(["a"]) == everything(settings) == {}


def test_the_plain_log_reads_no_events_for_the_owner(process: Process) -> None:
    with pytest.raises(StoreError, match="the owner of items alone does"):
        process.plain.poll("item-events", INDEXER_GROUP, 1)


def test_an_event_that_another_producer_put_elsewhere_goes_home() -> None:
    with kafka_settings(2) as settings, Process(settings) as process:
        process.own()
        home = process.owner.partition_of("a")
        stranger = PartitionProducer(settings, f"{settings.prefix}stranger")
        stranger.begin()
        stranger.send(f"{settings.prefix}item-events", 1 - home, "a", b"published", NOW)
        stranger.commit({}, None)
        stranger.close()
        [record] = polled(process.log, "item-events", INDEXER_GROUP)
        assert (record.partition, record.key, record.value, record.at) == (home, "a", b"published", NOW)
        with process.owner.atomic():
            process.wide.append([wide_item("a")])
            process.log.commit("item-events", INDEXER_GROUP, {home: record.offset})
        assert process.log.poll("item-events", INDEXER_GROUP, 10) == []


def test_a_zombie_is_shut_out_and_what_it_was_about_to_write_is_not_lost(process: Process, settings: KafkaSettings) -> None:
    publish(process, "a")
    assert taken(process) == ["a"]
    usurper = PartitionProducer(settings, f"{settings.prefix}{INDEXER_GROUP}-0")
    with pytest.raises(StoreUnavailable), process.owner.atomic():
        write_batch(process, "a", 0)
    usurper.close()
    assert everything(settings) == {}
    assert process.wide.get(["a"]) == {}
    process.own()
    assert taken(process) == ["a"]
    with process.owner.atomic():
        write_batch(process, "a", 0)
    assert everything(settings) == process.wide.get(["a"]) == {"a": wide_item("a")}


def test_a_zombie_in_the_middle_of_a_transaction_writes_nothing(process: Process, settings: KafkaSettings) -> None:
    publish(process, "a")
    taken(process)
    with pytest.raises(StoreUnavailable):
        write_as_zombie(process, settings)
    assert everything(settings) == {}
    assert process.plain.end("served") in ({}, {0: 1})  # the marker of what was undone takes a place of its own
    process.own()
    assert taken(process) == ["a"]


def test_case_10_poison_becomes_dead_letters_and_the_partition_moves_on(process: Process) -> None:
    large = b'{"title": "' + b"x" * (5 << 20)
    poison = [b"{", b"\xff\xfe", b"[]", large]
    process.plain.append_now("item-events", [("a", value) for value in poison], NOW)
    process.plain.append_now("item-events", [("a", encode_item_event(item_event("a")))], NOW)
    good, bad = 0, 0
    while not good:
        records = polled(process.log, "item-events", INDEXER_GROUP)
        parsed = parse(records, NOW)
        with process.owner.atomic():
            process.wide.append([wide_item(taken.event.item_id) for taken in parsed.out])
            process.log.dead_letter(parsed.letters)
            process.log.commit("item-events", INDEXER_GROUP, {0: records[-1].offset})
        good, bad = good + len(parsed.out), bad + len(parsed.letters)
    assert (good, bad) == (1, 4)
    kept = letters(process, 4)
    assert [(letter.offset, letter.size) for letter in kept] == [(offset, len(value)) for offset, value in enumerate(poison)]
    assert kept[3].value == large[: 64 << 10]
    assert kept[3].digest == sha256(large).hexdigest()
    assert process.wide.get(["a"])
