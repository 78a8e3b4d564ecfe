"""What became of the candidates of each source, from the question to the page: effective recall, page by page.

In: rounds of recall as they go through the stages, the page. Out: counts by source, for the trace, the figures of pools and metrics.
"""

from collections.abc import Sequence
from typing import Final

from smallpool_core.pool_hours import Counted, SourceStep, of_source
from smallpool_service.candidates import Lists, Recalled
from smallpool_service.page import PageItem, SourceTrace

OUTSIDE: Final = frozenset({"not_in_pool", "cut", "banned"})
"""Reasons that say an item was no item of the pool after all."""
KEPT: Final[tuple[SourceStep, ...]] = ("asked", "returned", "in_pool", "filtered", "page")


class SourceCounts:
    """Adds up over the rounds of one request; sources stand in the order in which they were first asked."""

    def __init__(self) -> None:
        self._by_source: dict[str, list[int]] = {}

    def note(self, asked: int, recalled: Recalled, thinned: Lists, kept: Lists) -> None:
        """One round: what the sources answered when asked for so many each, what the spread left, what the filters left."""
        outside = {drop.item_id for drop in kept.dropped if drop.reason in OUTSIDE}
        for source, answer in recalled.answers.items():
            given = len(answer.hits)
            of_pool = given - sum(hit.item_id in outside for hit in answer.hits) if outside else given
            steps = (
                recalled.asked.get(source, asked) if answer.asked is None else answer.asked,
                given if answer.found is None else answer.found,
                of_pool,
                len(thinned.by_source.get(source, ())),
                len(kept.by_source.get(source, ())),
            )
            before = self._by_source.get(source)
            self._by_source[source] = list(steps) if before is None else [sum(pair) for pair in zip(before, steps, strict=True)]
        for failure in recalled.failures:
            self._by_source.setdefault(failure.source, [0] * 5)[0] += recalled.asked.get(failure.source, asked)

    def traced(self, items: Sequence[PageItem]) -> list[SourceTrace]:
        """By source, with what of it is on the page; an item that several sources brought counts for each of them."""
        on_page = [source for item in items for source in item.sources]
        return [
            SourceTrace(source, asked, returned, in_pool, spread, filtered, on_page.count(source))
            for source, (asked, returned, in_pool, spread, filtered) in self._by_source.items()
        ]


def counted(traced: Sequence[SourceTrace]) -> dict[Counted, int]:
    """The same as `PoolCounter` takes it, without noughts."""
    amounts = {of_source(step, one.source): getattr(one, step) for one in traced for step in KEPT}
    return {kind: amount for kind, amount in amounts.items() if amount}
