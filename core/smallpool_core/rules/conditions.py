"""The distinct conditions of many rules, each evaluated once for a whole batch of items.

In: parts of normal forms, as rules come and go; a batch. Out: for each condition, at its place, the items of the batch for which it
holds, as the bits of one integer: bit i is item i. A condition that many rules share has one place.
"""

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from smallpool_core.items import WideItem
from smallpool_core.rules.asked import Asked, Bits
from smallpool_core.rules.expression import AllOf, AnyOf, Expression, Leaf, Not


class _Known:
    """A condition that rules and groups ask for `uses` times. `depth` is how deep groups nest in it; that of a literal is 0."""

    __slots__ = ("condition", "depth", "parts", "uses")

    def __init__(self, condition: Expression, parts: tuple[int, ...], depth: int) -> None:
        self.condition = condition
        self.parts = parts
        self.depth = depth
        self.uses = 0


class _Groups(NamedTuple):
    """Groups of one depth: the places of their parts, by their own."""

    every: dict[int, tuple[int, ...]]
    some: dict[int, tuple[int, ...]]


class Conditions:
    """Conditions by place. A place that is no longer used is given to the next condition that comes."""

    def __init__(self) -> None:
        self._places: dict[Expression, int] = {}
        self._known: dict[int, _Known] = {}
        self._vacant: list[int] = []
        self._fields: dict[str, Asked] = {}
        self._negated: dict[int, int] = {}
        self._groups: list[_Groups] = []

    def __len__(self) -> int:
        return len(self._known)

    def take(self, condition: Expression) -> int:
        """The place of a part of a normal form, in which `has_all` is spelled out; it is used once more."""
        place = self._places.get(condition)
        if place is None:
            place = self._enter(condition)
        self._known[place].uses += 1
        return place

    def release(self, place: int) -> None:
        """Undoes one `take`."""
        known = self._known[place]
        known.uses -= 1
        if not known.uses:
            self._forget(place, known)

    def holding(self, items: Sequence[WideItem]) -> list[Bits]:
        """By place, the items for which the condition holds."""
        holding = [0] * (len(self._known) + len(self._vacant))
        bits = [1 << number for number in range(len(items))]
        for asked in self._fields.values():
            asked.answer(items, bits, holding)
        whole = (1 << len(items)) - 1
        for place, part in self._negated.items():
            holding[place] = whole ^ holding[part]
        for every, some in self._groups:
            for place, parts in every.items():
                holding[place] = reduce(and_, [holding[part] for part in parts])
            for place, parts in some.items():
                holding[place] = reduce(or_, [holding[part] for part in parts])
        return holding

    def _enter(self, condition: Expression) -> int:
        if isinstance(condition, Leaf):
            parts: tuple[int, ...] = ()
        else:
            parts = tuple(map(self.take, condition.parts if isinstance(condition, AllOf | AnyOf) else (condition.part,)))
        depth = 1 + max(self._known[part].depth for part in parts) if isinstance(condition, AllOf | AnyOf) else 0
        place = self._vacant.pop() if self._vacant else len(self._known)
        self._places[condition] = place
        self._known[place] = _Known(condition, parts, depth)
        match condition:
            case Leaf():
                if condition.field not in self._fields:
                    self._fields[condition.field] = Asked(condition.field, condition.kind)
                self._fields[condition.field].add(condition, place)
            case Not():
                self._negated[place] = parts[0]
            case _:
                self._grouped(condition, depth)[place] = parts
        return place

    def _forget(self, place: int, known: _Known) -> None:
        match known.condition:
            case Leaf() as leaf:
                self._fields[leaf.field].remove(leaf, place)
                if self._fields[leaf.field].is_idle:
                    del self._fields[leaf.field]
            case Not():
                del self._negated[place]
            case group:
                del self._grouped(group, known.depth)[place]
        del self._known[place], self._places[known.condition]
        self._vacant.append(place)
        for part in known.parts:
            self.release(part)

    def _grouped(self, group: AllOf | AnyOf, depth: int) -> dict[int, tuple[int, ...]]:
        while len(self._groups) < depth:
            self._groups.append(_Groups({}, {}))
        every, some = self._groups[depth - 1]
        return every if isinstance(group, AllOf) else some
