"""Anchors of a rule: a few keys such that an item which has none of them cannot match.

In: a rule's normal form; an item. Out: the keys a rule is filed under, and what is left to check; the keys an item has. A key is a
value of one slot: a field's exact value, a category prefix, or the coarse bin that a number falls in, which turns a range into
a few equalities.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple, cast

from smallpool_core.fields import FieldKind
from smallpool_core.items import THOUSAND, WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.rules.expression import AllOf, AnyOf, Expression, Leaf, Not, Scalar, texts_of, values_of
from smallpool_core.rules.matcher import prefixes, reader
from smallpool_core.rules.normal import all_of
from smallpool_core.rules.ranges import bounds


class Slot(NamedTuple):
    """What of an item a key is about."""

    field: str
    kind: FieldKind
    by: Literal["value", "prefix", "bin", "fine bin"]


Key = tuple[Slot, Scalar]


class Anchors(NamedTuple):
    """Keys of which every matching item has one; `exact` where, the other way round, an item that has one matches.

    `share` is a rough guess at the share of items that have one, `filed` the number of rules already under these keys.
    """

    share: float
    filed: int
    keys: tuple[Key, ...]
    exact: bool


class Plan(NamedTuple):
    """How to look for a rule: `first` finds it, `second` confirms it, `rest` is what having a key of both leaves open."""

    first: Anchors | None
    second: Anchors | None
    rest: Expression


_SHARE: dict[str, float] = {
    "item_id": 1e-6, "seller_id": 1e-4, "price_cents": 1e-3, "title_words": 2e-3, "points": 5e-3, "brand": 5e-3,
    "category": 5e-3, "tags": 1e-2, "city": 2e-2, "price_band": 0.1, "image_count": 0.1, "condition": 0.2, "sale": 0.3,
}  # fmt: skip
"""Rough share of items that have one given value of a field. Only their order matters, and only to speed."""
_SHARE_OF_ATTRIBUTE = 5e-2
_SHARE_OF_BIN = {"bin": 0.2, "fine bin": 0.05}
_BIN_OF_THOUSANDTHS = 64
_FINE_BITS = 2
"""A bin holds four fine ones: the range of a narrow rule is filed under those, a broad one would have too many."""
_MOST_FINE_BINS = 24
_MOST_BITS = 64
_LOWEST = -1
_MISSING = -2
"""The bin of items that have no value there."""
_RANGES = frozenset({"lt", "lte", "gt", "gte", "between"})


def plan(normal: Expression, filed: Callable[[Key], int]) -> Plan:
    """How to look for an untimed normal form: by the keys that the fewest items have.

    `filed` counts the rules already filed under a key: of keys of one kind the less crowded are taken.
    """
    parts = normal.parts if isinstance(normal, AllOf) else (normal,)
    found = [(one, part) for part in parts if (one := _anchors(part, filed)) is not None]
    found.sort(key=lambda pair: (pair[0].share, pair[0].filed))
    chosen = sorted(_intersected([one for one, _ in found], filed), key=lambda one: (one.share, one.filed))[:2]
    settled = [part for one, part in found if one.exact and any(one is other for other in chosen)]
    # What few items pass is checked first.
    ranked = [part for _, part in found] + [part for part in parts if all(part is not other for _, other in found)]
    rest = all_of(part for part in ranked if all(part is not other for other in settled))
    first, second, *_ = [*chosen, None, None]
    return Plan(first, second, rest)


def _intersected(found: Sequence[Anchors], filed: Callable[[Key], int]) -> list[Anchors]:
    """The same anchors, those in the bins of one field made one: an item has one bin, so it lies in what they share."""
    others: list[Anchors] = []
    binned: dict[Slot, tuple[Key, ...]] = {}
    for one in found:
        slots = {slot for slot, _ in one.keys}
        slot = next(iter(slots)) if len(slots) == 1 else None
        if slot is None or slot.by not in _SHARE_OF_BIN:
            others.append(one)
        else:
            binned[slot] = tuple(key for key in one.keys if key in binned[slot]) if slot in binned else one.keys
    return others + [
        Anchors(_SHARE_OF_BIN[slot.by] * len(keys), sum(filed(key) for key in keys), keys, exact=False) for slot, keys in binned.items()
    ]


def _anchors(normal: Expression, filed: Callable[[Key], int]) -> Anchors | None:
    match normal:
        case Leaf():
            return _leaf_anchors(normal, filed)
        case Not(part=Leaf() as leaf) if leaf.op in _RANGES and leaf.kind is not FieldKind.TIME:
            return _outside_anchors(leaf, filed)
        case AllOf():
            found = [one for one in (_anchors(part, filed) for part in normal.parts) if one is not None]
            best = min(found, default=None, key=lambda one: one[:2])
            return None if best is None else best._replace(exact=False)
        case AnyOf():
            return _union([_anchors(part, filed) for part in normal.parts])
        case _:
            return None


def keys_of(slot: Slot) -> Callable[[WideItem], Iterable[Scalar]]:
    """Reads from an item the values of a slot: everything it could be filed under there."""
    if slot.by == "prefix":
        return lambda item: prefixes(item.category)
    if slot.kind in (FieldKind.WORDS, FieldKind.KEYWORDS):
        return cast("Callable[[WideItem], Iterable[Scalar]]", attrgetter(slot.field))
    read = cast("Callable[[WideItem], Scalar | None]", reader(slot.field, slot.kind))
    if slot.by in _SHARE_OF_BIN:
        bin_of = _fine_bin if slot.by == "fine bin" else _bin
        return lambda item: (_MISSING if (value := read(item)) is None else bin_of(slot.kind, cast("float", value)),)
    return lambda item: () if (value := read(item)) is None else (value,)


def _union(found: Sequence[Anchors | None]) -> Anchors | None:
    whole = [one for one in found if one is not None]
    if len(whole) < len(found):
        return None
    keys = dict.fromkeys(key for one in whole for key in one.keys)
    return Anchors(sum(one.share for one in whole), sum(one.filed for one in whole), tuple(keys), all(one.exact for one in whole))


def _leaf_anchors(leaf: Leaf, filed: Callable[[Key], int]) -> Anchors | None:
    share = _SHARE.get(leaf.field, _SHARE_OF_ATTRIBUTE)
    match leaf.op:
        case "prefix":
            # Each further element of a path leaves about a tenth.
            key = texts_of(leaf)[0]
            return _anchors_of(Slot(leaf.field, leaf.kind, "prefix"), [key], 0.1 ** (1 + key.count(PATH_SEPARATOR)), filed)
        case "has_all":
            slot = Slot(leaf.field, leaf.kind, "value")
            rarest = min(values_of(leaf), key=lambda value: filed((slot, value)))
            return _anchors_of(slot, [rarest], share, filed)._replace(exact=len(values_of(leaf)) == 1)
        case "eq" | "in" | "has" | "has_any" | "contains_any":
            return _anchors_of(Slot(leaf.field, leaf.kind, "value"), values_of(leaf), share, filed)
        case _:
            return _range_anchors(leaf, filed)


def _range_anchors(leaf: Leaf, filed: Callable[[Key], int]) -> Anchors | None:
    # Times of one marketplace lie so close together that bins of them would tell nothing apart.
    if leaf.kind is FieldKind.TIME:
        return None
    low, high = bounds(leaf)
    if low > high:
        return Anchors(0.0, 0, (), exact=True)
    fine = range(_fine_bin(leaf.kind, low), _fine_bin(leaf.kind, high) + 1)
    if len(fine) <= _MOST_FINE_BINS:
        return _binned(leaf, "fine bin", fine, filed)
    return _binned(leaf, "bin", range(_bin(leaf.kind, low), _bin(leaf.kind, high) + 1), filed)


def _outside_anchors(leaf: Leaf, filed: Callable[[Key], int]) -> Anchors | None:
    """Of the complement of a range: the bins below and above it, and the one of items without the field."""
    low, high = bounds(leaf)
    if low > high:
        return None
    top = _bin(leaf.kind, math.inf)
    below, above = range(_LOWEST, _bin(leaf.kind, low) + 1), range(_bin(leaf.kind, high), top + 1)
    return _binned(leaf, "bin", dict.fromkeys([_MISSING, *below, *above]), filed)


def _binned(leaf: Leaf, by: Literal["bin", "fine bin"], bins: Iterable[int], filed: Callable[[Key], int]) -> Anchors:
    return _anchors_of(Slot(leaf.field, leaf.kind, by), bins, _SHARE_OF_BIN[by], filed)._replace(exact=False)


def _bin(kind: FieldKind, value: float) -> int:
    """The coarse bin of a number, rising with it: runs of 64 thousandths, else powers of two with one bin below zero."""
    if kind is FieldKind.THOUSANDTHS:
        return int(min(max(value, 0), THOUSAND)) // _BIN_OF_THOUSANDTHS
    if value < 0:
        return _LOWEST
    return _MOST_BITS if value >= 2.0**_MOST_BITS else int(value).bit_length()


def _fine_bin(kind: FieldKind, value: float) -> int:
    """A quarter of a bin: runs of 16 thousandths, else the highest bit with the two that follow it."""
    if kind is FieldKind.THOUSANDTHS:
        return int(min(max(value, 0), THOUSAND)) // (_BIN_OF_THOUSANDTHS >> _FINE_BITS)
    if value < 0:
        return _LOWEST
    if value >= 2.0**_MOST_BITS:
        return _MOST_BITS << _FINE_BITS
    whole = int(value)
    shift = max(0, whole.bit_length() - 1 - _FINE_BITS)
    return (shift << _FINE_BITS) + (whole >> shift)


def _anchors_of(slot: Slot, values: Iterable[Scalar], share: float, filed: Callable[[Key], int]) -> Anchors:
    keys = tuple((slot, value) for value in values)
    return Anchors(share * len(keys), sum(filed(key) for key in keys), keys, exact=True)
