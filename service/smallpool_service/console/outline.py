"""A pool as lines that people read, and what differs between two of them.

In: pools. Out: lines of text, and for two pools the lines that went, came and stayed.
"""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal

from msgspec import Struct, structs

from smallpool_core.adjustments import KINDS
from smallpool_core.pools import DIMENSIONS, Ordering, Pool
from smallpool_core.selection import MAX_LISTED, Selection
from smallpool_service.console.editors import PRICE
from smallpool_service.console.look import when, written, yuan
from smallpool_service.console.words import Words
from smallpool_service.history import moved

INDENT = "    "


class Line(Struct, frozen=True):
    """One line of a comparison."""

    mark: Literal["same", "gone", "new"]
    text: str


def rule_lines(t: Words, rule: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """The rule, a line a condition, indented as it nests."""
    pad = INDENT * depth
    match rule:
        case {"all": list() as parts}:
            yield pad + t("rule.all")
        case {"any": list() as parts}:
            yield pad + t("rule.any")
        case {"not": {"any": list() as parts}}:
            yield pad + t("rule.none")
        case {"not": dict() as part}:
            yield pad + t("rule.none")
            parts = [part]
        case _:
            yield pad + condition_text(t, rule)
            return
    for part in parts:
        yield from rule_lines(t, part, depth + 1)


def condition_text(t: Words, leaf: Mapping[str, Any]) -> str:
    """One condition as a sentence."""
    name, op, value = str(leaf.get("field")), str(leaf.get("op")), leaf.get("value")
    values = value if isinstance(value, list) else [value]
    if name == "category" and op in {"eq", "prefix"}:
        shown = " › ".join(map(str, values))
    elif name == "category":
        shown = "、".join(" › ".join(one) if isinstance(one, list) else str(one) for one in values)
    elif op == "within":
        return t("rule.within", field=field_label(t, name), value=offset_text(t, str(value)))
    else:
        shown = (" – " if op == "between" else "、").join(_shown(t, name, one) for one in values)
    return f"{field_label(t, name)} {t.either(f'op.{op}', op)} {shown}"


def field_label(t: Words, name: str) -> str:
    """How operators call a field."""
    return t.either(f"field.{name}", name)


def offset_text(t: Words, value: str) -> str:
    """`-24h` as people say it."""
    return t("rule.past" if value.startswith("-") else "rule.next", count=value[1:-1], unit=t(f"unit.{value[-1]}"))


def pool_lines(t: Words, pool: Pool) -> list[str]:
    """The whole pool but for its lists: name, state, priority, windows, rule, settings, weights, what it boosts and counts, pins."""
    plain = {name: value for name, value in structs.asdict(pool.settings).items() if name != "sources"}
    settings = [f"{t('settings.' + name)}: {_setting(t, name, value)}" for name, value in plain.items()]
    shares = [f"{t('settings.sources')} {t('source.' + name)}: {share:g}" for name, share in sorted(pool.settings.sources.items())]
    weights = [
        f"{t('weight')} {t.either(f'dimension.{name}', name)}: {pool.ordering.weights[name]:g}"
        for name in DIMENSIONS
        if name in pool.ordering.weights
    ]
    head = [f"{t('pool.name')}: {pool.name}", f"{t('pool.state')}: {t('state.' + pool.state)}", f"{t('lists.priority')}: {pool.priority}"]
    windows = [f"{t('lists.window')}: {one.opens} – {one.closes} ({pool.schedule.timezone})" for one in pool.schedule.windows]
    pins = [f"{t('lists.pins')}: {item_id}" for item_id in pool.ordering.pins]
    return [*head, *windows, *rule_lines(t, pool.rule), *settings, *shares, *weights, *_adjusted(t, pool.ordering), *pins]


def difference(t: Words, before: Pool | None, after: Pool) -> list[Line]:
    """What of the pool went, came and stayed; all of it came where there was none before. Of its lists, which may be long and have no
    order, only what went and came.
    """
    old, new = ([] if before is None else pool_lines(t, before)), pool_lines(t, after)
    lines: list[Line] = []
    for tag, low, high, new_low, new_high in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [Line("same", text) for text in old[low:high]]
        else:
            lines += [Line("gone", text) for text in old[low:high]]
            lines += [Line("new", text) for text in new[new_low:new_high]]
    return lines + _of_lists(t, Selection() if before is None else before.selection, after.selection)


def _adjusted(t: Words, ordering: Ordering) -> Iterator[str]:
    for kind in KINDS:
        for one in getattr(ordering, kind):
            yield f"{t('adjust.' + kind)} ×{one.factor:g}"
            yield from rule_lines(t, one.condition, 1)
    for quota in ordering.quotas:
        bounds = [f"{t('quota.' + name)} {value}" for name in ("at_most", "at_least") if (value := getattr(quota, name)) is not None]
        yield f"{t('quota.one')}: {', '.join(bounds)}"
        yield from rule_lines(t, quota.condition, 1)
    if ordering.diversity > 0:
        yield f"{t('settings.diversity')}: {ordering.diversity:g}"


def _of_lists(t: Words, before: Selection, after: Selection) -> list[Line]:
    lines: list[Line] = []
    for name in MAX_LISTED:
        gone, new = moved(getattr(before, name), getattr(after, name))
        lines += [Line("gone", f"{t('lists.' + name)}: {entry}") for entry in gone]
        lines += [Line("new", f"{t('lists.' + name)}: {entry}") for entry in new]
    return lines


def is_changed(lines: list[Line]) -> bool:
    """Whether anything differs."""
    return any(line.mark != "same" for line in lines)


def _setting(t: Words, name: str, value: object) -> str:
    return t(f"settings.{name}_none") if value is None else t.either(f"setting.{name}.{value}", written(value))


def _shown(t: Words, name: str, value: object) -> str:
    if name == PRICE and type(value) is int:
        return yuan(value)
    return when(value) if name.endswith("_at") and type(value) is int else t.either(f"{name}.{value}", written(value))
