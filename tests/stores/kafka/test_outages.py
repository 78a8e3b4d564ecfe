"""Brokers that are not there, or stop answering for a while: what is refused says so soon, and everything goes on by itself after."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import NOW, wide_item
from kafka_rig import OwnBroker, Process, drained, eventually, everything, kafka_settings, own_broker, polled
from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.places import has_reached
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.wide_tail import KafkaWideTail

NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """A broker of this module's own, to be stopped and started."""
    with own_broker(tmp_path_factory.mktemp("broker")) as made:
        yield made


@pytest.fixture
def settings(broker: OwnBroker) -> Iterator[KafkaSettings]:
    with kafka_settings(2, broker.bootstrap) as made:
        yield replace(made, request_timeout_ms=1_000, delivery_timeout_ms=2_000, transaction_timeout_ms=2_000)


def test_the_first_question_about_a_group_waits_until_a_fresh_cluster_has_its_coordinator(tmp_path: Path) -> None:
    with own_broker(tmp_path) as fresh, kafka_settings(2, fresh.bootstrap) as settings, closing(Offsets(settings)) as offsets:
        assert offsets.committed("user-events", BEHAVIOUR_GROUP) == {}
        assert not offsets.has_members("user-events", BEHAVIOUR_GROUP)


def test_case_12_without_a_broker_at_the_start_every_question_is_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = KafkaSettings(bootstrap=NOBODY, request_timeout_ms=1_000, state_directory=str(tmp_path))
    with Process(settings) as process, closing(KafkaWideTail(settings, process.plain.offsets, process.clock)) as tail:
        for ask in (
            lambda: process.plain.append_now("user-events", [("k", b"v")], NOW),
            lambda: asyncio.run(process.plain.append("user-events", [("k", b"v")], NOW)),
            lambda: process.plain.committed("user-events", BEHAVIOUR_GROUP),
            process.plain.lags.refresh,
            lambda: tail.poll(1),
        ):
            with pytest.raises(StoreUnavailable, match=r"could not .*; try again"):
                ask()
        for poll in (
            lambda: process.plain.poll("user-events", BEHAVIOUR_GROUP, 1),
            lambda: process.log.poll("item-events", INDEXER_GROUP, 1),
        ):
            assert eventually(lambda poll=poll: _refuses(poll))


def _refuses(ask: object) -> bool:
    try:
        ask()  # type: ignore[operator]
    except StoreUnavailable:
        return True
    return False


def test_the_event_loop_goes_on_while_brokers_do_not_answer(broker: OwnBroker, settings: KafkaSettings) -> None:
    async def turns_of_the_loop(log: KafkaEventLog) -> int:
        turns = 0
        asked = [asyncio.create_task(log.append("user-events", [("k", b"v")], NOW)) for _ in range(20)]
        asked += [asyncio.create_task(log.has_passed("user-events", BEHAVIOUR_GROUP, {0: 10_000})) for _ in range(20)]
        while not all(task.done() for task in asked):
            await asyncio.sleep(0.01)
            turns += 1
        assert all(isinstance(task.exception(), StoreUnavailable) for task in asked)
        return turns

    with closing(KafkaEventLog(settings)) as log:
        log.append_now("user-events", [("k", b"v")], NOW)
        with broker.stopped():
            assert asyncio.run(turns_of_the_loop(log)) > 20
        assert eventually(lambda: _is_appended(log))


def _is_appended(log: KafkaEventLog) -> bool:
    try:
        return bool(log.append_now("user-events", [("k", b"again")], NOW))
    except StoreUnavailable:
        return False


def test_case_12_after_an_outage_the_owner_goes_on_and_nothing_acknowledged_is_lost(broker: OwnBroker, settings: KafkaSettings) -> None:
    with Process(settings) as process, closing(KafkaWideTail(settings, process.plain.offsets, process.clock)) as tail:
        process.own()
        keys = [f"i{number}" for number in range(30)]
        end = process.plain.append_now("item-events", [(key, b"1") for key in keys], NOW)
        assert polled(process.log, "item-events", INDEXER_GROUP, 5)
        with broker.stopped():
            began = time.monotonic()
            while time.monotonic() - began < 3:
                assert not _turn(process)
        assert eventually(lambda: _turn(process) and has_reached(process.log.committed("item-events", INDEXER_GROUP), end))
        assert set(everything(settings)) == set(keys)
        assert {record.item.item_id for record in drained(tail, process.wide.end())} == set(keys)


def _turn(process: Process) -> bool:
    """One turn of a small write path, which takes a batch in or fails as stores do; whether it did not fail."""
    try:
        records = process.log.poll("item-events", INDEXER_GROUP, 5)
        if records:
            with process.owner.atomic():
                process.wide.append([wide_item(key) for key in dict.fromkeys(record.key for record in records)])
                process.log.commit("item-events", INDEXER_GROUP, {records[-1].partition: records[-1].offset})
    except StoreError:
        return False
    return True


def test_a_killed_broker_that_comes_back_is_found_again(broker: OwnBroker, settings: KafkaSettings) -> None:
    with Process(settings) as process:
        process.own()
        assert process.wide.append([wide_item("a")]) == [True]
        broker.send(signal.SIGKILL)
        with pytest.raises(StoreUnavailable):
            process.wide.append([wide_item("b")])
        broker.start()

        def is_recorded() -> bool:
            try:
                process.owner.advance()
                return process.wide.append([wide_item("b")]) == [True] or "b" in process.wide.get(["b"])
            except StoreUnavailable:
                return False

        assert eventually(is_recorded)
        assert set(everything(settings)) == {"a", "b"}


def test_closing_takes_less_than_ten_seconds_while_brokers_do_not_answer(broker: OwnBroker, settings: KafkaSettings) -> None:
    process = Process(settings)
    process.own()
    process.wide.append([wide_item("a")])
    stop = threading.Thread(target=process.stop)
    with broker.stopped():
        stop.start()
        stop.join(10)
        assert not stop.is_alive()
