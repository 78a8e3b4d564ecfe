"""Holds a generation of the wide index against what was replayed into it.

In: the newest order of each item by the replay, the orders that the generation has. Out: items and digest of both sides, and where
they differ. Others write to the generation meanwhile, so an order newer than the replay's is not wrong yet: it is reported, to be
looked for in what the replay reads next.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from smallpool_core.generations import digest_of
from smallpool_core.versions import packed, unpacked

NAMED = 5
"""So many ids of wrong items are kept, to be named."""


class Comparison(Struct):
    """`newer` has the orders, as `packed`, that are newer than the replay's; `expected_digest` takes them as they are."""

    items: int = 0
    digest: str = ""
    expected_items: int = 0
    expected_digest: str = ""
    newer: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def compare(newest: Mapping[str, int], found: Iterable[tuple[str, int, int]]) -> Comparison:
    """`found` is by item_id as UTF-8; it is read once and not kept."""
    result = Comparison()
    result.digest = digest_of(_noted(newest, found, result))
    # Text sorts by code points, which is how its UTF-8 sorts.
    ids = sorted({*newest, *result.newer})
    result.expected_items = len(ids)
    result.expected_digest = digest_of((item_id, *unpacked(result.newer.get(item_id, newest.get(item_id, 0)))) for item_id in ids)
    return result


def _noted(newest: Mapping[str, int], found: Iterable[tuple[str, int, int]], result: Comparison) -> Iterator[tuple[str, int, int]]:
    """The same, each noted in the result as it passes."""
    for item_id, version, enrich in found:
        result.items += 1
        order, replayed = packed(version, enrich), newest.get(item_id, -1)
        if order > replayed:
            result.newer[item_id] = order
        elif order < replayed and len(result.wrong) < NAMED:
            result.wrong.append(item_id)
        yield item_id, version, enrich
