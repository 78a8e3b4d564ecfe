"""Multiplies scores by what an operator boosts and buries, before the final order, and tells which quotas count an item.

In: scored candidates, the pool's adjustments. Out: the same, each with its factor and kinds. Conditions are checked on the items as they
are stored, by the ordinary matcher; what it said of an item is kept until the item changes, so that a page seldom has to ask.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from smallpool_core.adjustments import Adjustments
from smallpool_core.items import WideItem
from smallpool_service.candidates import Scored
from smallpool_service.run import ReadPorts, Run

KEPT: Final = 100_000
"""Items, counted once for each pool's adjustments, of which what was found is kept; then all of it is forgotten."""

_Key = tuple[str, int, int]


class _Found(NamedTuple):
    """What does not depend on now: the factor, and the kinds where none of them does; and the item where something does."""

    factor: float
    kinds: tuple[int, ...]
    item: WideItem | None


class Adjuster:
    """Keeps what was found, for all requests of one event loop."""

    def __init__(self, kept: int = KEPT) -> None:
        self._most = kept
        self._kept = 0
        self._found: dict[Adjustments, dict[_Key, _Found]] = {}

    async def adjusted(self, scored: Sequence[Scored], run: Run, ports: ReadPorts) -> Sequence[Scored]:
        """The candidates with their factors and kinds; an item that cannot be read keeps its score and counts for no quota, and `degraded`
        says so.
        """
        adjustments = run.known.adjustments
        if not adjustments or not scored:
            return scored
        found = self._found.get(adjustments, {})
        keys = [_key(one) for one in scored]
        unknown = [key for key in keys if key not in found]
        if unknown:
            items = await run.attempt("items", ports.reader.get([item_id for item_id, _, _ in unknown]), {})
            looked = {key: _looked_at(adjustments, items[key[0]]) for key in unknown if key[0] in items}
            # What is asked may lag behind what recalled: another version of the item serves this page, and is not kept as that one.
            self._keep(adjustments, {key: one for key, one in looked.items() if _order(items[key[0]]) == key[1:]})
            found = found | looked
        now = run.started
        return [_with(one, adjustments, found.get(key), now) for one, key in zip(scored, keys, strict=True)]

    def _keep(self, adjustments: Adjustments, new: dict[_Key, _Found]) -> None:
        if self._kept + len(new) > self._most:
            known = self._found.get(adjustments, {})
            self._found, self._kept = {adjustments: known}, len(known)
        self._found.setdefault(adjustments, {}).update(new)
        self._kept += len(new)


def _key(scored: Scored) -> _Key:
    hit = scored.candidate.hit
    return hit.item_id, hit.version, hit.enrich


def _order(item: WideItem) -> tuple[int, int]:
    return item.version, item.enrich


def _looked_at(adjustments: Adjustments, item: WideItem) -> _Found:
    return _Found(adjustments.steady_factor(item), adjustments.kinds_of(item, 0), item if adjustments.is_timed else None)


def _with(scored: Scored, adjustments: Adjustments, found: _Found | None, now: int) -> Scored:
    if found is None:
        return scored
    factor, kinds, item = found
    if item is not None:
        factor *= adjustments.timed_factor(item, now)
        kinds = adjustments.kinds_of(item, now)
    return scored if factor == 1 and not kinds else replace(scored, score=scored.score * factor, factor=factor, kinds=kinds)
