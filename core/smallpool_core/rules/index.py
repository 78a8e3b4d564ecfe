"""An index over rules: of tens of thousands of pools, which hold an item.

In: rules by pool, one at a time; items. Out: for each item the pools whose rule, time aside, holds for it. A few items are looked up
one by one among rules filed under keys (`filing.py`); many are held at once against all conditions of all rules (`batch.py`).
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from threading import Lock

from smallpool_core.items import WideItem
from smallpool_core.rules.batch import BatchRules
from smallpool_core.rules.expression import Rule
from smallpool_core.rules.filing import FiledRules
from smallpool_core.rules.normal import negation_normal, spelled_out, without_time

FEW = 100
"""Up to so many items are looked up one by one: measured, see benchmarks/README.md."""
AT_ONCE = 1_024
"""At most so many are held against the rules at once, so that the columns of bits stay small and the lock comes free in between."""


class RuleIndex:
    """Rules of pools. Safe to use from several threads: a change is seen whole or not at all, and never waits for a batch.

    A change made while a batch is under way is taken in before the next one; whoever asks after `put` has returned sees it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._changes: deque[tuple[str, Rule | None]] = deque()
        self._pools: set[str] = set()
        self._filed = FiledRules()
        self._batch = BatchRules()

    def __len__(self) -> int:
        with self._lock:
            self._catch_up()
            return len(self._pools)

    def put(self, pool_id: str, rule: Rule) -> None:
        """File the pool's rule, in place of the one it had."""
        self._change(pool_id, rule)

    def remove(self, pool_id: str) -> None:
        """Forget the pool's rule; nothing happens where it has none."""
        self._change(pool_id, None)

    def match(self, item: WideItem) -> list[str]:
        """The pools whose rule, each leaf that depends on now set true, holds for the item; sorted by UTF-8 bytes."""
        with self._lock:
            self._catch_up()
            return self._filed.match(item)

    def match_many(self, items: Iterable[WideItem]) -> list[list[str]]:
        """`match` of each item, in their order; those taken at once (up to AT_ONCE) see the same rules."""
        found: list[list[str]] = []
        coming = iter(items)
        while taken := list(islice(coming, AT_ONCE)):
            with self._lock:
                self._catch_up()
                found += [self._filed.match(item) for item in taken] if len(taken) <= FEW else self._batch.match(taken)
        return found

    def _change(self, pool_id: str, rule: Rule | None) -> None:
        self._changes.append((pool_id, rule))
        if self._lock.acquire(blocking=False):
            try:
                self._catch_up()
            finally:
                self._lock.release()

    def _catch_up(self) -> None:
        """Takes in what changed, in the order it came; the caller holds the lock."""
        while self._changes:
            pool_id, rule = self._changes.popleft()
            if pool_id in self._pools:
                self._pools.remove(pool_id)
                self._filed.remove(pool_id)
                self._batch.remove(pool_id)
            if rule is not None:
                normal = spelled_out(without_time(negation_normal(rule.expression)))
                self._pools.add(pool_id)
                self._filed.put(pool_id, normal)
                self._batch.put(pool_id, normal)
