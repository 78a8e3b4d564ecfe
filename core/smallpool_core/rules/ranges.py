"""Closed ranges: the bounds of range leaves, the order of floats as integers, and the algebra of disjoint intervals.

In: leaves and values. Out: `(low, high)` with both ends included; sets of integers as sorted, disjoint, non-adjacent ranges.
"""

import math
import struct
from collections.abc import Iterable

from smallpool_core.fields import FieldKind
from smallpool_core.rules.expression import INT64_MAX, INT64_MIN, Leaf, numbers_of

Spans = tuple[tuple[int, int], ...]
_DOUBLE = struct.Struct("<d")
_BITS = struct.Struct("<q")


def number_of(value: object) -> float | None:
    """An attribute's value as a 64-bit float, or None where it is no finite number (true and false are none)."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def ordered(value: float) -> int:
    """The float as an int64 that sorts and compares as it does; -0.0 and 0.0 are both 0."""
    bits: int = _BITS.unpack(_DOUBLE.pack(value))[0]
    return bits if bits >= 0 else -(bits & INT64_MAX)


def bounds(leaf: Leaf) -> tuple[float, float]:
    """The closed range that a leaf of `lt, lte, gt, gte, between` asks for; (1, 0) or another low > high where it is empty.

    Ends of integer fields are integers within int64, those of numbers floats (infinite where open).
    """
    numbers = numbers_of(leaf)
    if leaf.op == "between":
        return numbers[0], numbers[1]
    value = numbers[0]
    if leaf.kind is FieldKind.NUMBER:
        below, above = math.nextafter(value, -math.inf), math.nextafter(value, math.inf)
        least, most = -math.inf, math.inf
    else:
        below, above = value - 1, value + 1
        least, most = INT64_MIN, INT64_MAX
    low, high = {"lt": (least, below), "lte": (least, value), "gt": (above, most), "gte": (value, most)}[leaf.op]
    return (low, high) if low <= high else (1, 0)


def merged(ranges: Iterable[tuple[int, int]]) -> Spans:
    """The union of closed ranges; empty ones (low > high) are left out, touching ones joined."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(pair for pair in ranges if pair[0] <= pair[1]):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def intersection(left: Spans, right: Spans) -> Spans:
    """What lies in both sets."""
    out: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            out.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(out)


def complement(spans: Spans, domain: tuple[int, int]) -> Spans:
    """What of the domain lies outside the set; the set lies within the domain."""
    out: list[tuple[int, int]] = []
    start = domain[0]
    for low, high in spans:
        if start < low:
            out.append((start, low - 1))
        start = high + 1
    if start <= domain[1]:
        out.append((start, domain[1]))
    return tuple(out)
