"""Partitions change hands, processes die, and what is known of the items is right again before anything is written."""

import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

import kafka_process
from builders import NOW, wide_item
from kafka_process import take_in
from kafka_rig import Process, eventually, everything, kafka_settings, polled
from smallpool_core.errors import DirectoryLocked
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import WideItem
from smallpool_core.places import has_reached
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.settings import KafkaSettings


@pytest.fixture
def settings() -> Iterator[KafkaSettings]:
    with kafka_settings() as made:
        yield made


def recorded(settings: KafkaSettings, *items: WideItem) -> None:
    """Written by a process that has ended since."""
    with Process(settings) as process:
        process.own()
        for item in items:
            assert process.wide.append([item]) == [True]


def known_after_a_start(settings: KafkaSettings) -> dict[str, WideItem]:
    with Process(settings) as process:
        process.own()
        return {item.item_id: item for item in process.wide.listed("", 1_000)}


def state_of(settings: KafkaSettings) -> Path:
    return Path(settings.state_directory)


def test_a_restart_knows_what_was_recorded_and_goes_on_after_what_was_committed(settings: KafkaSettings) -> None:
    with Process(settings) as process:
        process.own()
        process.plain.append_now("item-events", [("a", b"1"), ("b", b"2")], NOW)
        [first, *_] = polled(process.log, "item-events", INDEXER_GROUP)
        with process.owner.atomic():
            process.wide.append([wide_item("a")])
            process.log.commit("item-events", INDEXER_GROUP, {0: first.offset})
        end = process.wide.end()
    with Process(settings) as process:
        process.own()
        assert process.wide.end() == end
        assert process.wide.get(["a"]) == {"a": wide_item("a")}
        assert [record.key for record in polled(process.log, "item-events", INDEXER_GROUP)] == ["b"]


def test_a_process_that_died_after_the_brokers_had_its_transaction_and_before_its_state_had_it_catches_up(settings: KafkaSettings) -> None:
    kept = state_of(settings).with_name(f"{state_of(settings).name}-kept")
    recorded(settings, wide_item("a"))
    shutil.copytree(state_of(settings), kept)
    recorded(settings, wide_item("a", enrich=1), wide_item("b"))
    shutil.rmtree(state_of(settings))
    shutil.move(kept, state_of(settings))
    assert known_after_a_start(settings) == {"a": wide_item("a", enrich=1), "b": wide_item("b")} == everything(settings)


def test_a_state_that_was_deleted_is_read_again_from_the_log(settings: KafkaSettings) -> None:
    recorded(settings, wide_item("a"), wide_item("b"), wide_item("a", enrich=1))
    shutil.rmtree(state_of(settings))
    assert known_after_a_start(settings) == {"a": wide_item("a", enrich=1), "b": wide_item("b")}


def test_a_state_that_cannot_be_read_is_made_again_from_the_log(settings: KafkaSettings) -> None:
    recorded(settings, wide_item("a"))
    for file in state_of(settings).glob("item-wide-0.db*"):
        file.unlink()
    (state_of(settings) / "item-wide-0.db").write_bytes(b"no database at all" * 1_000)
    assert known_after_a_start(settings) == {"a": wide_item("a")}


def test_a_state_of_another_topic_is_not_taken_for_this_ones(settings: KafkaSettings) -> None:
    with kafka_settings() as other:
        recorded(other, wide_item("stranger"))
        shutil.rmtree(state_of(settings))
        shutil.copytree(state_of(other), state_of(settings))
        recorded(settings, wide_item("a"))
        assert known_after_a_start(settings) == {"a": wide_item("a")}


def test_removals_keep_the_time_of_their_record_when_they_are_read_again(settings: KafkaSettings) -> None:
    recorded(settings, wide_item("a", state="sold"))
    shutil.rmtree(state_of(settings))
    with Process(settings) as process:
        process.own()
        assert process.wide.strippable(NOW, 10) == []
        assert process.wide.strippable(NOW + 1, 10) == ["a"]


def test_a_state_directory_has_one_process(settings: KafkaSettings) -> None:
    with Process(settings) as process:
        process.own()
        second = Process(settings)
        with pytest.raises(DirectoryLocked):
            second.owner.advance()
        second.stop()


def test_a_record_that_a_stranger_wrote_to_item_wide_is_left_out(settings: KafkaSettings) -> None:
    recorded(settings, wide_item("a"))
    plain = KafkaEventLog(settings)
    plain.append_now("item-wide", [("x", b"\xc1 no item")], NOW)  # type: ignore[arg-type]
    plain.close()
    recorded(settings, wide_item("b"))
    shutil.rmtree(state_of(settings))
    assert known_after_a_start(settings) == everything(settings) == {"a": wide_item("a"), "b": wide_item("b")}


class Worker(threading.Thread):
    """A small write path in a thread."""

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        super().__init__()
        self.process = Process(settings, state=name)
        self.leave = threading.Event()
        self.owned: set[int] = set()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self.leave.is_set():
                self.turn()
            self.process.stop()
        except Exception as exc:
            self.failure = exc
            raise

    def turn(self) -> None:
        take_in(self.process, 7)
        self.owned = set(self.process.owner.ready())
        self.leave.wait(0.002)


def test_case_09_processes_that_come_and_go_lose_no_item_and_roll_none_back() -> None:
    with kafka_settings(4) as settings:
        plain = KafkaEventLog(settings)
        expected: dict[str, WideItem] = {}

        def publish(version: int) -> None:
            items = [wide_item(f"i{number}", version=version) for number in range(100)]
            expected.update({item.item_id: item for item in items})
            plain.append_now("item-events", [(item.item_id, msgspec.msgpack.encode(item)) for item in items], NOW)

        def is_taken_in() -> bool:
            plain.lags.refresh()
            return plain.lag("item-events", INDEXER_GROUP) == 0

        first, second = Worker(settings, "first"), Worker(settings, "second")
        first.start()
        publish(1)
        assert eventually(lambda: first.owned == {0, 1, 2, 3})
        publish(2)
        second.start()
        for version in range(3, 8):
            publish(version)
        assert eventually(lambda: len(first.owned) == len(second.owned) == 2 and not first.owned & second.owned)
        publish(8)
        first.leave.set()
        publish(9)
        assert eventually(lambda: second.owned == {0, 1, 2, 3})
        publish(10)
        assert eventually(is_taken_in)
        second.leave.set()
        for worker in (first, second):
            worker.join()
            assert worker.failure is None
        plain.close()
        assert everything(settings) == expected


def test_case_08_processes_that_are_killed_at_any_point_leave_what_was_acknowledged() -> None:
    with kafka_settings(2) as settings:
        plain = KafkaEventLog(settings)
        rng = random.Random(8)
        expected: dict[str, WideItem] = {}
        for version in range(3):
            items = [wide_item(f"i{number}", version=version) for number in range(60)]
            expected.update({item.item_id: item for item in items})
            plain.append_now("item-events", [(item.item_id, msgspec.msgpack.encode(item)) for item in items], NOW)
            with killed_process(settings):
                time.sleep(rng.uniform(0, 0.4))  # the point at which it is killed is what the test is about
        with Process(settings) as last:
            last.own()
            end = plain.end("item-events")

            def is_taken_in() -> bool:
                take_in(last, 50)
                return has_reached(last.log.committed("item-events", INDEXER_GROUP), end)

            assert eventually(is_taken_in)
            assert {item.item_id: item for item in last.wide.listed("", 1_000)} == expected
        plain.close()
        assert everything(settings) == expected


@contextmanager
def killed_process(settings: KafkaSettings) -> Iterator[None]:
    """Runs beside the block once it owns its partitions, and is killed at the block's end."""
    command = [sys.executable, kafka_process.__file__, msgspec.json.encode(settings).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()
