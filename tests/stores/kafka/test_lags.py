"""How far readers are behind on the real log: unknown before brokers were asked, and while they do not answer."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import NOW, FakeClock
from kafka_rig import Process, kafka_settings, own_broker, polled
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.lags import SILENT_S, TRUSTED_MS, Lags
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.settings import KafkaSettings


class Monotonic:
    """A clock that never jumps but where a test lets it."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def settings() -> Iterator[KafkaSettings]:
    with kafka_settings(2) as made:
        yield made


def lags_of(log: KafkaEventLog) -> dict[str, int | None]:
    return {"item": log.lag("item-events", INDEXER_GROUP), "user": log.lag("user-events", BEHAVIOUR_GROUP)}


def test_a_lag_is_unknown_until_brokers_were_asked(settings: KafkaSettings) -> None:
    with closing(KafkaEventLog(settings)) as log:
        log.append_now("item-events", [("a", b"1")], NOW)
        assert lags_of(log) == {"item": None, "user": None}
        assert log.lags.waiting_ms(NOW) is None
        failure = log.lags.failure()
        assert failure is not None
        assert "not been asked" in failure
        log.lags.refresh()
        assert lags_of(log) == {"item": 1, "user": 0}
        assert log.lags.failure() is None


def test_the_lag_of_another_reader_is_known_from_the_next_time_on(settings: KafkaSettings) -> None:
    with closing(KafkaEventLog(settings)) as log:
        log.append_now("served", [("a", b"1")], NOW)
        log.lags.refresh()
        assert log.lag("served", "report") is None
        log.lags.refresh()
        assert log.lag("served", "report") == 1


def test_the_oldest_event_that_waits_is_told_by_its_own_time_in_whichever_partition_it_lies(settings: KafkaSettings) -> None:
    with Process(settings, FakeClock()) as process:
        log = process.plain
        log.lags.refresh()
        assert log.lags.waiting_ms(NOW) == 0
        for number in range(20):
            log.append_now("item-events", [(f"k{number}", b"x")], NOW + 1_000 * number)
        log.lags.refresh()
        assert (log.lag("item-events", INDEXER_GROUP), log.lags.waiting_ms(NOW + 60_000)) == (20, 60_000)
        process.own()
        taken: dict[int, list[int]] = {0: [], 1: []}
        while not all(taken.values()):
            for record in polled(process.log, "item-events", INDEXER_GROUP, 2):
                taken[record.partition].append(record.at)
                process.log.commit("item-events", INDEXER_GROUP, {record.partition: record.offset})
        left = {NOW + 1_000 * number for number in range(20)} - {at for times in taken.values() for at in times}
        log.lags.refresh()
        waiting_ms = log.lags.waiting_ms(NOW + 60_000)
        assert waiting_ms is not None
        assert abs(waiting_ms - (NOW + 60_000 - min(left))) <= TRUSTED_MS
        assert log.lag("item-events", INDEXER_GROUP) in {len(left), len(left) + 1, len(left) + 2}, "a marker counts as a place"
        while left - {at for times in taken.values() for at in times}:
            for record in polled(process.log, "item-events", INDEXER_GROUP, 20):
                taken[record.partition].append(record.at)
                process.log.commit("item-events", INDEXER_GROUP, {record.partition: record.offset})
        log.lags.refresh()
        assert log.lags.waiting_ms(NOW + 60_000) == 0


def test_what_was_said_long_ago_counts_for_nothing_and_the_age_goes_on(settings: KafkaSettings) -> None:
    clock = Monotonic()
    with closing(KafkaEventLog(settings)) as log, closing(Offsets(settings)) as offsets, closing(Lags(settings, offsets, clock)) as lags:
        lags.refresh()
        clock.s += SILENT_S
        assert (lags.of("item-events", INDEXER_GROUP), lags.failure()) == (0, None)
        assert lags.waiting_ms(NOW) == SILENT_S * 1000
        clock.s += 1
        assert lags.of("item-events", INDEXER_GROUP) is None
        assert "has not answered for 11 s" in str(lags.failure())
        log.append_now("item-events", [("a", b"1")], NOW)
        lags.refresh()
        clock.s += TRUSTED_MS / 1000
        assert lags.waiting_ms(NOW + 7_000 + TRUSTED_MS) == 7_000
        clock.s += 0.1
        assert lags.waiting_ms(NOW + 7_000 + TRUSTED_MS) == 7_000 + TRUSTED_MS


def test_while_brokers_do_not_answer_no_lag_is_known_and_they_are_named(tmp_path: Path) -> None:
    with own_broker(tmp_path) as broker, kafka_settings(bootstrap=broker.bootstrap) as made:
        settings = replace(made, request_timeout_ms=1_000)
        with closing(KafkaEventLog(settings)) as log:
            log.lags.refresh()
            with broker.stopped(), pytest.raises(StoreUnavailable):
                log.lags.refresh()
            assert lags_of(log) == {"item": None, "user": None}
            assert "Kafka" in str(log.lags.failure())
            log.append_now("item-events", [("a", b"1")], NOW)
            log.lags.refresh()
            assert (lags_of(log), log.lags.failure()) == ({"item": 1, "user": 0}, None)
