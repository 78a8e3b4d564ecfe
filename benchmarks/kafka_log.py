"""How fast item events go through Kafka and into `item-wide`, without understanding: poll, one transaction a batch, and the tails.

In: a cluster, how many events, and how many a batch. Out: figures of each part, timed in one run on topics of its own.

    python benchmarks/kafka_log.py --bootstrap 127.0.0.1:9092 --events 20000 --batch 500 --json
"""

import argparse
import json
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec

from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import Given, WideItem
from smallpool_core.places import has_reached
from smallpool_core.ports import LogRecord
from smallpool_stores.kafka import topics
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.item_log import KafkaItemLog
from smallpool_stores.kafka.owner import KafkaOwner
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.wide_table import KafkaWideTable
from smallpool_stores.kafka.wide_tail import KafkaWideTail

IDLE_S = 0.002


class WallClock:
    """The time."""

    def now_ms(self) -> int:
        """Now."""
        return time.time_ns() // 1_000_000


def listing(number: int) -> WideItem:
    """12 title words, a description of 60 characters, 10 pools, 13 terms: some 1.2 KB as it is written."""
    words = tuple(f"词{(number * 7 + place) % 20_000}" for place in range(12))
    return WideItem(
        item_id=f"item{number:09}",
        version=1,
        enrich=0,
        state="on_sale",
        seller_id=f"s{number % 5_000}",
        title_words=words,
        category=f"c{number % 20}›k{number % 30}",
        spread_key=f"c{number % 20}›k{number % 30}",
        price_cents=number % 500_000,
        quality=500,
        published_at=1_750_000_000_000 + number,
        given=Given(title="".join(words)[:40], description="闲" * 60, price_cents=number % 500_000, seller_id=f"s{number % 5_000}"),
        pools=tuple(f"pool-{(number * place) % 10_000}" for place in range(1, 11)),
        terms=(*(f"point:{word}" for word in words), f"category:c{number % 20}"),
    )


class Process:
    """One owner of all partitions."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.clock = WallClock()
        self.plain = KafkaEventLog(settings)
        self.owner = KafkaOwner(self.plain, self.clock)
        self.log = KafkaItemLog(self.owner)
        self.wide = KafkaWideTable(self.owner)

    def own(self, partitions: int) -> int:
        """Waits until everything is known; returns how many items that is."""
        while len(self.owner.ready()) < partitions:
            self.owner.advance()
            time.sleep(IDLE_S / 10)
        return len(self.wide.listed("", 10_000_000))

    def close(self) -> None:
        """Leaves."""
        self.owner.close()
        self.plain.close()


def poll(log: KafkaItemLog, batch: int) -> list[LogRecord]:
    """The next batch."""
    while not (records := log.poll("item-events", INDEXER_GROUP, batch)):
        time.sleep(IDLE_S / 4)
    return records


def timed(work: Callable[[], int]) -> float:
    """How many a second."""
    began = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - began)


def append_all(log: KafkaEventLog, values: list[tuple[str, bytes]], batch: int) -> int:
    """All values onto `item-events`."""
    for first in range(0, len(values), batch):
        log.append_now("item-events", values[first : first + batch], time.time_ns() // 1_000_000)
    return len(values)


def take_all(process: Process, count: int, batch: int, commits_ms: list[float]) -> int:
    """Every event becomes a record of `item-wide`, a batch a transaction."""
    taken = 0
    while taken < count:
        records = poll(process.log, batch)
        items = [msgspec.msgpack.decode(record.value, type=WideItem) for record in records]
        began = time.perf_counter()
        with process.owner.atomic():
            process.wide.append(items)
            process.log.commit("item-events", INDEXER_GROUP, {records[-1].partition: records[-1].offset})
        commits_ms.append((time.perf_counter() - began) * 1_000)
        taken += len(records)
    return taken


def read_all(tail: KafkaWideTail, process: Process) -> int:
    """The whole of `item-wide`, from its beginning."""
    count, end = 0, process.wide.end()
    while not has_reached(tail.place(), end):
        records = tail.poll(1_000)
        tail.passed(records)
        count += len(records)
        if not records:
            time.sleep(IDLE_S)
    return count


@contextmanager
def topics_of_its_own(bootstrap: str, partitions: int) -> Iterator[KafkaSettings]:
    """Made before and deleted after."""
    with tempfile.TemporaryDirectory() as folder:
        settings = KafkaSettings(bootstrap=bootstrap, prefix=f"bench-{uuid4().hex[:8]}.", partitions=partitions, state_directory=folder)
        topics.ensure(settings)
        try:
            yield settings
        finally:
            topics.remove(settings)


def figures(settings: KafkaSettings, events: int, batch: int) -> dict[str, float]:
    """Events or records a second of each part, and the time of one transaction."""
    items = [listing(number) for number in range(events)]
    values = [(item.item_id, msgspec.msgpack.encode(item)) for item in items]
    commits_ms: list[float] = []
    with closing(Process(settings)) as process:
        found = {
            "bytes_an_event": statistics.mean(len(value) for _, value in values),
            "appended_a_second": timed(lambda: append_all(process.plain, values, batch)),
        }
        process.own(settings.partitions)
        found["taken_in_a_second"] = timed(lambda: take_all(process, events, batch, commits_ms))
        with closing(KafkaWideTail(settings, process.plain.offsets, process.clock)) as tail:
            found["tailed_a_second"] = timed(lambda: read_all(tail, process))
    commits_ms.sort()
    found["transaction_ms_p50"] = statistics.median(commits_ms)
    found["transaction_ms_p99"] = commits_ms[int(len(commits_ms) * 0.99)]
    shutil.rmtree(Path(settings.state_directory))
    with closing(Process(settings)) as process:
        found["copied_a_second_by_a_new_owner"] = timed(lambda: process.own(settings.partitions))
    return found


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", default="127.0.0.1:9092")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with topics_of_its_own(asked.bootstrap, asked.partitions) as settings:
        found = {name: round(value, 1) for name, value in figures(settings, asked.events, asked.batch).items()}
    about = {"events": asked.events, "batch": asked.batch, "partitions": asked.partitions, "python": platform.python_version(), **found}
    print(json.dumps(about) if asked.json else "\n".join(f"{name:32} {value}" for name, value in about.items()))


if __name__ == "__main__":
    main()
