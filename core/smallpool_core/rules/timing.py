"""Rules and time: what of a rule does not depend on now, and when the whole of it holds for one item.

In: a rule, an item. Out: the rule that an item is tagged by; the intervals of now, checked before an item is served.
"""

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter

from smallpool_core.items import WideItem
from smallpool_core.rules.expression import AllOf, AnyOf, Expression, Leaf, Not, Rule, is_timed, texts_of
from smallpool_core.rules.matcher import predicate
from smallpool_core.rules.normal import negation_normal, without_time
from smallpool_core.rules.ranges import Spans, complement, intersection, merged
from smallpool_core.rules.values import offset_ms

MIN_MS = -(2**53) + 1
"""The earliest now of an interval: it has held "since ever". With MAX_MS, what JSON numbers carry exactly everywhere."""
MAX_MS = 2**53 - 1
"""The latest now of an interval: it will hold "for ever"."""

_ALWAYS: Spans = ((MIN_MS, MAX_MS),)
_NEVER: Spans = ()
_SpansOf = Callable[[WideItem], Spans]
_KEPT = 4096


def untimed(rule: Rule) -> Rule:
    """The rule that an item is tagged by: in negation normal form, with each leaf that depends on now set true.

    It holds for an item whenever the rule does, at any now. A rule without such leaves is its own tag.
    """
    return Rule.of(without_time(negation_normal(rule.expression))) if rule.is_timed else rule


def intervals(rule: Rule, item: WideItem) -> Spans:
    """The closed intervals of now (epoch ms, both ends included) in which the whole rule holds for this item.

    Sorted, disjoint, none touching another; within MIN_MS … MAX_MS, which stand for "ever"; empty where it never holds.
    """
    return _compiled(rule)(item)


@lru_cache(maxsize=_KEPT)
def _compiled(rule: Rule) -> _SpansOf:
    return _spans_of(negation_normal(rule.expression))


def _spans_of(normal: Expression) -> _SpansOf:
    if not is_timed(normal):
        holds = predicate(normal)
        return lambda item: _ALWAYS if holds(item, 0) else _NEVER
    match normal:
        case Leaf():
            return _within(normal)
        case Not():
            inner = _spans_of(normal.part)
            return lambda item: complement(inner(item), _ALWAYS[0])
        case AllOf():
            return _all(normal.parts)
        case AnyOf():
            parts = [_spans_of(part) for part in normal.parts]
            return lambda item: merged(span for part in parts for span in part(item))


def _all(parts: tuple[Expression, ...]) -> _SpansOf:
    # What does not depend on time goes first, as one predicate: it most often settles the matter.
    steady = predicate(AllOf(tuple(part for part in parts if not is_timed(part))))
    timed = [_spans_of(part) for part in parts if is_timed(part)]

    def every(item: WideItem) -> Spans:
        if not steady(item, 0):
            return _NEVER
        spans = _ALWAYS
        for part in timed:
            spans = intersection(spans, part(item))
        return spans

    return every


def _within(leaf: Leaf) -> _SpansOf:
    read: Callable[[WideItem], int | None] = attrgetter(leaf.field)
    offset = offset_ms(texts_of(leaf)[0])
    before, after = max(offset, 0), max(-offset, 0)

    def near(item: WideItem) -> Spans:
        at = read(item)
        # now - 24h <= at <= now  is  at <= now <= at + 24h;  now <= at <= now + 1h  is  at - 1h <= now <= at
        return _NEVER if at is None else merged([(max(at - before, MIN_MS), min(at + after, MAX_MS))])

    return near
