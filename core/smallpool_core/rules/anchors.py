"""Anchors of a rule: a few keys such that an item which has none of them cannot match.

In: a rule's normal form; an item. Out: the keys a rule is filed under, and what is left to check; the keys an item has. A key is a
value of one slot: a field's exact value, a category prefix, or the bin that a number falls in, which turns a range into a few
equalities.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple, cast

from smallpool_core.fields import FieldKind, Operator
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

    `share` is a rough guess at the share of items that have one.
    """

    share: float
    keys: tuple[Key, ...]
    exact: bool


class Span(NamedTuple):
    """All that a rule's ranges on one number leave of it: low … high, both included, or no number where `or_missing`."""

    field: str
    kind: FieldKind
    low: float
    high: float
    or_missing: bool


class Plan(NamedTuple):
    """How to look for a rule: an item needs a key of each of `anchors` (best first), a number in each of `spans`, and `rest`."""

    anchors: tuple[Anchors, ...]
    spans: tuple[Span, ...]
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
_COMPLEMENT: dict[Operator, Operator] = {"lt": "gte", "lte": "gt", "gt": "lte", "gte": "lt"}
_RANGES = frozenset({*_COMPLEMENT, "between"})
_MOST_KEYS = 100
"""More keys than that are filed only where a rule has no better anchors: they narrow little and cost a change much."""


def plan(normal: Expression, most: int) -> Plan:
    """How to look for an untimed normal form in which `has_all` is spelled out, by at most so many anchors."""
    parts = normal.parts if isinstance(normal, AllOf) else (normal,)
    spans: dict[str, Span] = {}
    others: list[Expression] = []
    for part in parts:
        span = _span(part)
        if span is None:
            others.append(part)
        else:
            spans[span.field] = _narrowed(spans[span.field], span) if span.field in spans else span
    found = [(one, part) for part in others if (one := _anchors(part)) is not None]
    candidates = [one for one, _ in found] + [_span_anchors(span) for span in spans.values() if span.kind is not FieldKind.TIME]
    candidates.sort(key=lambda one: one.share)
    chosen = tuple(one for place, one in enumerate(candidates) if not place or len(one.keys) <= _MOST_KEYS)[:most]
    settled = [part for one, part in found if one.exact and any(one is other for other in chosen)]
    rest = all_of(part for part in others if all(part is not other for other in settled))
    return Plan(chosen, tuple(spans.values()), rest)


def _span(literal: Expression) -> Span | None:
    """What a range, or the complement of one that is open at one end, leaves of its number."""
    match literal:
        case Leaf() if literal.op in _RANGES:
            return Span(literal.field, literal.kind, *bounds(literal), or_missing=False)
        case Not(part=Leaf() as leaf) if leaf.op in _COMPLEMENT:
            other = Leaf(leaf.field, leaf.kind, _COMPLEMENT[leaf.op], leaf.value)
            return Span(leaf.field, leaf.kind, *bounds(other), or_missing=True)
        case _:
            return None


def _narrowed(one: Span, other: Span) -> Span:
    return Span(one.field, one.kind, max(one.low, other.low), min(one.high, other.high), one.or_missing and other.or_missing)


def _anchors(normal: Expression) -> Anchors | None:
    span = _span(normal)
    if span is not None:
        # Times of one marketplace lie so close together that bins of them would tell nothing apart.
        return None if span.kind is FieldKind.TIME else _span_anchors(span)
    match normal:
        case Leaf():
            return _leaf_anchors(normal)
        case Not(part=Leaf(op="between") as leaf):
            return _outside_anchors(leaf)
        case AllOf():
            found = [one for one in map(_anchors, normal.parts) if one is not None]
            best = min(found, default=None, key=lambda one: one.share)
            return None if best is None else best._replace(exact=False)
        case AnyOf():
            return _union([_anchors(part) for part in normal.parts])
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
    return Anchors(sum(one.share for one in whole), tuple(keys), all(one.exact for one in whole))


def _leaf_anchors(leaf: Leaf) -> Anchors:
    if leaf.op == "prefix":
        # Each further element of a path leaves about a tenth.
        key = texts_of(leaf)[0]
        return Anchors(0.1 ** (1 + key.count(PATH_SEPARATOR)), ((Slot(leaf.field, leaf.kind, "prefix"), key),), exact=True)
    slot, values = Slot(leaf.field, leaf.kind, "value"), values_of(leaf)
    return Anchors(_SHARE.get(leaf.field, _SHARE_OF_ATTRIBUTE) * len(values), tuple((slot, value) for value in values), exact=True)


def _span_anchors(span: Span) -> Anchors:
    """Fine bins of a narrow range, else coarse ones; none of an empty one."""
    bins: Sequence[int] = ()
    by: Literal["bin", "fine bin"] = "bin"
    if span.low <= span.high:
        bins = range(_fine_bin(span.kind, span.low), _fine_bin(span.kind, span.high) + 1)
        by = "fine bin"
        if len(bins) > _MOST_FINE_BINS:
            bins = range(_bin(span.kind, span.low), _bin(span.kind, span.high) + 1)
            by = "bin"
    return _binned(span, by, [*bins, _MISSING] if span.or_missing else bins)


def _outside_anchors(leaf: Leaf) -> Anchors | None:
    """Of the complement of a range: the bins below and above it, and the one of items without the field."""
    low, high = bounds(leaf)
    if low > high or leaf.kind is FieldKind.TIME:
        return None
    top = _bin(leaf.kind, math.inf)
    below, above = range(_LOWEST, _bin(leaf.kind, low) + 1), range(_bin(leaf.kind, high), top + 1)
    return _binned(leaf, "bin", dict.fromkeys([_MISSING, *below, *above]))


def _binned(of: Leaf | Span, by: Literal["bin", "fine bin"], bins: Iterable[int]) -> Anchors:
    slot = Slot(of.field, of.kind, by)
    keys = tuple((slot, number) for number in bins)
    return Anchors(_SHARE_OF_BIN[by] * len(keys), keys, exact=False)


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
