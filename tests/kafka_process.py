"""A process of its own that takes item events in until it is killed: `python kafka_process.py SETTINGS_AS_JSON`.

The value of an event is the item that it makes. It writes a line when it owns its partitions.
"""

import sys
import time

import msgspec

from kafka_rig import Process
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import WideItem
from smallpool_stores.kafka.settings import KafkaSettings


def take_in(process: Process, limit: int) -> None:
    """One turn, a batch a transaction; what a store refuses is tried again in the next one."""
    try:
        records = process.log.poll("item-events", INDEXER_GROUP, limit)
        if not records:
            return
        newest: dict[str, WideItem] = {}
        for item in (msgspec.msgpack.decode(record.value, type=WideItem) for record in records):
            newest[item.item_id] = max(item, newest.get(item.item_id, item), key=lambda item: item.order)
        with process.owner.atomic():
            process.wide.append(list(newest.values()))
            process.log.commit("item-events", INDEXER_GROUP, {records[-1].partition: records[-1].offset})
    except StoreUnavailable:
        time.sleep(0.05)


if __name__ == "__main__":
    worker = Process(msgspec.json.decode(sys.argv[1], type=KafkaSettings))
    worker.own()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        take_in(worker, 5)
        time.sleep(0.001)
