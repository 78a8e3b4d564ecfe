"""The same marketplace behind both wirings, each let come to rest before it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from msgspec.structs import replace

from builders import FakeClock
from encoder_rig import Models
from kafka_rig import keep_for_ever
from servers import address
from smallpool_config.settings import Settings, apart
from smallpool_config.settle import settle
from smallpool_config.stack import Addresses
from smallpool_config.wiring import open_system
from smallpool_core.market_ports import Understander
from smallpool_core.reposts import RepostSettings
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.redis.settings import RedisSettings
from system_rig import UNHURRIED, Marketplace


def on_servers(folder: Path, *, partitions: int = 2, at: Addresses | None = None) -> Settings:
    """Settings of a marketplace of its own on the real servers; its owner's state lies in the folder."""
    elasticsearch, kafka, redis = (
        (address("elasticsearch"), address("kafka"), address("redis"))
        if at is None
        else (at.elasticsearch_url, at.kafka_bootstrap, at.redis_url)
    )
    servers = replace(
        Settings(),
        wiring="distributed",
        elasticsearch=ElasticsearchSettings(url=elasticsearch, replicas=0),
        kafka=KafkaSettings(bootstrap=kafka, partitions=partitions),
        redis=RedisSettings(url=redis, answer_timeout_ms=2_000, connect_timeout_ms=2_000),
        read=UNHURRIED,
    )
    return apart(servers, f"test-{uuid4().hex[:12]}", str(folder))


class Rested(Marketplace):
    """A marketplace of either wiring."""

    def settle(self) -> None:
        """Lets everything that waits take effect, wherever it has to pass."""
        settle(self.system)


@contextmanager
def distributed(
    folder: Path,
    clock: FakeClock,
    understander: Understander | None = None,
    settings: Settings | None = None,
    models: Models | None = None,
) -> Iterator[Marketplace]:
    """A marketplace on the real servers, and nothing of it afterwards."""
    settings = settings or on_servers(folder)
    maker = open_system(settings, clock)
    maker.init()
    keep_for_ever(settings.kafka)
    try:
        with Rested(settings, clock=clock, understander=understander, models=models) as market:
            yield market
    finally:
        maker.discard()


@contextmanager
def embedded(
    folder: Path,
    clock: FakeClock,
    understander: Understander | None = None,
    models: Models | None = None,
    reposts: RepostSettings | None = None,
) -> Iterator[Marketplace]:
    """The same in one process."""
    store = replace(Settings().store, directory=str(folder), synchronous="off")
    settings = replace(Settings(), read=UNHURRIED, store=store, reposts=reposts or RepostSettings())
    with Rested(settings, clock=clock, understander=understander, models=models) as market:
        yield market
