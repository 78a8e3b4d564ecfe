"""Says how two rules differ, condition by condition.

In: two rules as JSON values, as they were saved: one that this version could no longer parse can still be compared. Out: conditions
that were added, removed or changed, each with its path; none where the rules say the same in another order.

Conditions of an `all` or an `any` have no order, so those that both rules have are paired wherever they stand, then those that are
alike: the same field and operator, the same field, the same kind of group. What has no partner was added or removed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

RuleJson = dict[str, Any]
Placed = tuple[str, RuleJson]
"""A part of a rule with its path."""
_GROUPS = frozenset({"all", "any"})
_encode = msgspec.json.Encoder(order="deterministic").encode


class RuleDifference(Struct, frozen=True):
    """One condition that differs. `path` is where it stands in the newer rule, or stood in the older one if it was removed.

    `before` is null for one that was added, `after` for one that was removed. A group is given whole where its kind changed.
    """

    change: Literal["added", "removed", "changed"]
    path: str
    before: RuleJson | None
    after: RuleJson | None


def rule_differences(before: RuleJson | None, after: RuleJson | None) -> list[RuleDifference]:
    """How `after` differs from `before`, in reading order; where one of them is None all of the other was added or removed."""
    if before is None or after is None:
        return [*_removed(("$", before)), *_added(("$", after))]
    return list(_differences(("$", before), ("$", after)))


def _differences(before: Placed, after: Placed) -> Iterator[RuleDifference]:
    old, new = _bare(before), _bare(after)
    kinds = {kind for kind in (_kind(old[1]), _kind(new[1])) if kind in _GROUPS}
    if _meaning(old[1]) == _meaning(new[1]):
        return
    if "not" in old[1] and "not" in new[1]:
        yield from _differences(_inside(old), _inside(new))
    elif len(kinds) == 1:
        yield from _of_parts(_parts(old), _parts(new))
    else:
        yield RuleDifference("changed", new[0], old[1], new[1])


def _of_parts(olds: list[Placed], news: list[Placed]) -> Iterator[RuleDifference]:
    partner: dict[int, int] = {}
    for likeness in (_meaning, _field_and_operator, _field, _group_kind):
        _pair(olds, news, partner, likeness)
    taken = set(partner.values())
    for place, old in enumerate(olds):
        if place not in taken:
            yield from _removed(old)
    for place, new in enumerate(news):
        if place in partner:
            yield from _differences(olds[partner[place]], new)
        else:
            yield from _added(new)


def _pair(olds: list[Placed], news: list[Placed], partner: dict[int, int], likeness: Callable[[RuleJson], object]) -> None:
    """Pairs parts of the same likeness that have no partner yet, in reading order; a likeness of None is none."""
    taken = set(partner.values())
    free: dict[object, list[int]] = defaultdict(list)
    for place in reversed(range(len(olds))):
        if place not in taken:
            free[likeness(olds[place][1])].append(place)
    for place, (_, new) in enumerate(news):
        like = likeness(new)
        if place not in partner and like is not None and free[like]:
            partner[place] = free[like].pop()


def _field_and_operator(part: RuleJson) -> object:
    return (part["field"], part["op"]) if "field" in part else None


def _field(part: RuleJson) -> object:
    return part.get("field")


def _group_kind(part: RuleJson) -> object:
    return _kind(part)


def _kind(part: RuleJson) -> str | None:
    """`all`, `any`, `not`, or None for a single condition."""
    return next((name for name in ("all", "any", "not") if name in part), None)


def _meaning(part: RuleJson) -> bytes:
    """The same for parts that differ in nothing but the order of their conditions and groups round single ones."""
    (_, bare), kind = _bare(("", part)), _kind(part)
    if bare is not part:
        return _meaning(bare)
    if kind is None:
        return _encode(part)
    inner = [_meaning(part["not"])] if kind == "not" else sorted(map(_meaning, part[kind]))
    return kind.encode() + b"(" + b",".join(inner) + b")"


def _bare(placed: Placed) -> Placed:
    """The part without the groups round it in which nothing else is: such a group says the same as what is in it."""
    path, part = placed
    kind = _kind(part)
    while kind in _GROUPS and len(part[kind]) == 1:
        path, part = f"{path}.{kind}[0]", part[kind][0]
        kind = _kind(part)
    return path, part


def _inside(part: Placed) -> Placed:
    return f"{part[0]}.not", part[1]["not"]


def _parts(whole: Placed) -> list[Placed]:
    """What is in a group; a condition by itself is a group of one, of either kind."""
    path, part = whole
    kind = _kind(part)
    if kind is None or kind == "not":
        return [whole]
    return [_bare((f"{path}.{kind}[{place}]", one)) for place, one in enumerate(part[kind])]


def _added(part: tuple[str, RuleJson | None]) -> Iterator[RuleDifference]:
    for path, leaf in _leaves(part):
        yield RuleDifference("added", path, None, leaf)


def _removed(part: tuple[str, RuleJson | None]) -> Iterator[RuleDifference]:
    for path, leaf in _leaves(part):
        yield RuleDifference("removed", path, leaf, None)


def _leaves(part: tuple[str, RuleJson | None]) -> Iterator[Placed]:
    """The single conditions of a part, in reading order; an empty group counts as one."""
    path, value = part
    if value is None:
        return
    kind = _kind(value)
    if kind == "not":
        yield from _leaves((f"{path}.not", value["not"]))
    elif kind is None or not value[kind]:
        yield path, value
    else:
        for place, one in enumerate(value[kind]):
            yield from _leaves((f"{path}.{kind}[{place}]", one))
