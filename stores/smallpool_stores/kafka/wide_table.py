"""The wide table of the owner: `item-wide` on Kafka, known through the copies of the partitions that are owned.

In: wide items as the write path made them. Out: records of `item-wide`; items by id, by rule and by age.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import TypeVar

from smallpool_core.items import WideItem
from smallpool_core.places import Places
from smallpool_core.rules import Rule
from smallpool_stores.kafka.owner import KafkaOwner
from smallpool_stores.sqlite.wide_table import SqliteWideTable

T = TypeVar("T")


class KafkaWideTable:
    """The port `WideTable`, for the thread that drives the owner. Of partitions that are not owned, or not yet read, it knows nothing."""

    def __init__(self, owner: KafkaOwner) -> None:
        self._owner = owner

    def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        ready, found = self._owner.ready(), dict[str, WideItem]()
        for partition, asked in self._by_partition(item_ids).items():
            if partition in ready:
                found |= ready[partition].state.table.get(asked)
        return found

    def append(self, items: Sequence[WideItem]) -> list[bool]:
        by_id = {item.item_id: item for item in items}
        newer: dict[str, bool] = {}
        with self._owner.block() as block:
            for partition, ids in self._by_partition(by_id).items():
                newer |= zip(ids, block.of(partition).append([by_id[item_id] for item_id in ids]), strict=True)
        return [newer[item.item_id] for item in items]

    def end(self) -> Places:
        return {partition: owned.state.place for partition, owned in self._owner.ready().items()}

    def misplaced(self, pool_id: str, rule: Rule, now: int, after: str, limit: int) -> list[str]:
        return list(islice(merge(*self._each(lambda table: table.misplaced(pool_id, rule, now, after, limit))), limit))

    def listed(self, after: str, limit: int) -> list[WideItem]:
        pages = self._each(lambda table: table.listed(after, limit))
        return list(islice(merge(*pages, key=lambda item: item.item_id), limit))

    def understood_otherwise(self, versions: Mapping[str, str], after: str, limit: int) -> list[str]:
        return list(islice(merge(*self._each(lambda table: table.understood_otherwise(versions, after, limit))), limit))

    def of_seller(self, seller_id: str, after: str, limit: int) -> list[WideItem]:
        pages = self._each(lambda table: table.of_seller(seller_id, after, limit))
        return list(islice(merge(*pages, key=lambda item: item.item_id.encode()), limit))

    def overdue(self, now: int, limit: int) -> list[str]:
        return [item_id for some in self._each(lambda table: table.overdue(now, limit)) for item_id in some][:limit]

    def strippable(self, before: int, limit: int) -> list[str]:
        return [item_id for some in self._each(lambda table: table.strippable(before, limit)) for item_id in some][:limit]

    def _by_partition(self, item_ids: Collection[str]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for item_id in item_ids:
            found.setdefault(self._owner.partition_of(item_id), []).append(item_id)
        return found

    def _each(self, ask: Callable[[SqliteWideTable], list[T]]) -> list[list[T]]:
        return [ask(owned.state.table) for owned in self._owner.ready().values()]
