"""Threads that read: they come round whether brokers answer or not, and one that has died is told from one that waits."""

import time
from contextlib import closing
from math import inf
from pathlib import Path

import pytest

from kafka_rig import Process, eventually, kafka_settings, own_broker
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import BEHAVIOUR_GROUP
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.place_feed import PlaceFeed
from smallpool_stores.kafka.settings import KafkaSettings


class Dying(PlaceFeed):
    """A reader whose thread ends by itself."""

    def _read(self) -> None:
        raise SystemExit


def polls(log: KafkaEventLog) -> None:
    try:
        log.poll("user-events", BEHAVIOUR_GROUP, 1)
    except StoreUnavailable:
        return


def test_a_reader_comes_round_again_and_again_also_while_the_broker_is_silent(tmp_path: Path) -> None:
    with own_broker(tmp_path) as broker, kafka_settings(bootstrap=broker.bootstrap) as settings, closing(KafkaEventLog(settings)) as log:
        polls(log)
        with broker.stopped():
            for _ in range(2):
                before = time.monotonic()
                assert eventually(lambda before=before: log.silent_s()[f"reading {settings.prefix}user-events"] < time.monotonic() - before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_has_not_begun_or_was_closed_is_not_missed_and_one_that_died_is() -> None:
    feed = Dying(KafkaSettings(), "nothing")
    assert feed.silent_s() == 0
    feed.start()
    assert eventually(lambda: feed.silent_s() == inf)
    feed.stop()
    assert feed.silent_s() == 0


def test_an_owner_names_every_thread_that_reads_for_it() -> None:
    with kafka_settings() as settings, Process(settings) as process:
        process.own()
        names = {f"reading {settings.prefix}{topic}" for topic in ("item-events", "item-wide")}
        assert set(process.owner.silent_s()) == names
        assert max(process.owner.silent_s().values()) < inf
