"""Anchors of a rule: a few keys such that an item which has none of them cannot match.

In: a rule's normal form; an item. Out: the keys a rule is filed under, and what is left to check; the keys an item has. A key is a
value of one slot: a field's exact value, a category prefix, or the coarse bin that a number falls in, which turns a range into
a few equalities.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple, cast

from smallpool_core.fields import FieldKind
from smallpool_core.items import THOUSAND, WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.rules.expression import AllOf, AnyOf, Expression, Leaf, Scalar, texts_of, values_of
from smallpool_core.rules.matcher import reader
from smallpool_core.rules.normal import all_of
from smallpool_core.rules.ranges import bounds


class Slot(NamedTuple):
    """What of an item a key is about."""

    field: str
    kind: FieldKind
    by: Literal["value", "prefix", "bin"]


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
_SHARE_OF_BIN = 0.2
_BIN_OF_THOUSANDTHS = 64
_MOST_BITS = 64


def plan(normal: Expression, filed: Callable[[Key], int]) -> Plan:
    """How to look for an untimed normal form: by the keys that the fewest items have.

    `filed` counts the rules already filed under a key: of keys of one kind the less crowded are taken.
    """
    parts = normal.parts if isinstance(normal, AllOf) else (normal,)
    found = [(one, part) for part in parts if (one := _anchors(part, filed)) is not None]
    found.sort(key=lambda pair: (pair[0].share, pair[0].filed))
    settled = [part for one, part in found[:2] if one.exact]
    # What few items pass is checked first.
    ranked = [part for _, part in found] + [part for part in parts if all(part is not other for _, other in found)]
    rest = all_of(part for part in ranked if all(part is not other for other in settled))
    first, second, *_ = [*(one for one, _ in found), None, None]
    return Plan(first, second, rest)


def _anchors(normal: Expression, filed: Callable[[Key], int]) -> Anchors | None:
    match normal:
        case Leaf():
            return _leaf_anchors(normal, filed)
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
        return lambda item: _prefixes(item.category)
    if slot.kind in (FieldKind.WORDS, FieldKind.KEYWORDS):
        return cast("Callable[[WideItem], Iterable[Scalar]]", attrgetter(slot.field))
    read = cast("Callable[[WideItem], Scalar | None]", reader(slot.field, slot.kind))
    if slot.by == "bin":
        return lambda item: () if (value := read(item)) is None else (_bin(slot.kind, cast("float", value)),)
    return lambda item: () if (value := read(item)) is None else (value,)


def _prefixes(path: str) -> list[str]:
    ends = [place for place, character in enumerate(path) if character == PATH_SEPARATOR]
    return [path[:end] for end in ends] + [path]


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
    bins = range(_bin(leaf.kind, low), _bin(leaf.kind, high) + 1)
    return _anchors_of(Slot(leaf.field, leaf.kind, "bin"), bins, _SHARE_OF_BIN, filed)._replace(exact=False)


def _bin(kind: FieldKind, value: float) -> int:
    """The coarse bin of a number, rising with it: runs of 64 thousandths, else powers of two with one bin below zero."""
    if kind is FieldKind.THOUSANDTHS:
        return int(min(max(value, 0), THOUSAND)) // _BIN_OF_THOUSANDTHS
    if value < 0:
        return -1
    return _MOST_BITS if value >= 2.0**_MOST_BITS else int(value).bit_length()


def _anchors_of(slot: Slot, values: Iterable[Scalar], share: float, filed: Callable[[Key], int]) -> Anchors:
    keys = tuple((slot, value) for value in values)
    return Anchors(share * len(keys), sum(filed(key) for key in keys), keys, exact=True)
