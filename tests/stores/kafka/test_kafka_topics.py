"""The topics are made once, and held against what brokers have."""

import pytest
from kafka.admin import ConfigResource
from msgspec.structs import replace

import kafka_rig
from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_stores.kafka import clients, topics
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.settings import KafkaSettings

UNMADE = "test-nothing-here."


def test_topics_that_were_made_are_as_they_must_be_and_are_not_made_again() -> None:
    with kafka_rig.kafka_settings(3, keeps_for_ever=False) as settings:
        assert topics.differences(settings) == []
        assert topics.ensure(settings) == []
        offsets = Offsets(settings)
        counts = {
            topic: offsets.partitions(topic)
            for topic in ("item-events", "item-wide", "user-events", "seller-events", "served", "dead-letters")
        }
        offsets.close()
        assert counts == {"item-events": 3, "item-wide": 3, "user-events": 3, "seller-events": 3, "served": 3, "dead-letters": 1}


def test_another_number_of_partitions_is_an_error_that_says_what_to_do() -> None:
    with kafka_rig.kafka_settings(2) as settings:
        other = replace(settings, partitions=4)
        with pytest.raises(StoreError, match=r"item-events has 2 partitions, not 4.*set kafka.partitions to 2"):
            topics.ensure(other)
        assert len([line for line in topics.differences(other) if "partitions" in line]) == 5


def test_a_topic_that_is_missing_or_set_otherwise_is_named() -> None:
    with kafka_rig.kafka_settings(keeps_for_ever=False) as settings:
        name = topics.topic_name(settings, "item-wide")
        admin = clients.admin(settings)
        admin.alter_configs([ConfigResource("TOPIC", name, {"cleanup.policy": "delete"})])
        admin.delete_topics([topics.topic_name(settings, "served")])
        admin.close()
        missing, differing = topics.differences(settings)
        assert missing == f"topic {settings.prefix}served is missing: run `smallpool stack init`"
        assert differing.startswith(f"topic {name} has cleanup.policy = delete, not compact")
        assert topics.ensure(settings) == [f"{settings.prefix}served"]


def test_questions_about_a_topic_that_is_not_there_say_how_to_make_it() -> None:
    with kafka_rig.kafka_settings() as settings:
        offsets = Offsets(replace(settings, prefix=UNMADE))
        with pytest.raises(StoreUnavailable, match="smallpool stack init"):
            offsets.ends("item-events")
        offsets.close()


def test_without_a_broker_the_topics_cannot_be_looked_at() -> None:
    with pytest.raises(StoreUnavailable, match=r"could not look at topics at 127\.0\.0\.1:1"):
        topics.differences(KafkaSettings(bootstrap="127.0.0.1:1", request_timeout_ms=1_000))
