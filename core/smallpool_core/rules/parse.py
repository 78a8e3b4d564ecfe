"""Reads a rule from JSON values, or refuses it with every mistake and where each one is.

In: any JSON value, the declared attributes, a splitter of words. Out: a `Rule`, or `RuleRefused`. Nothing else is ever raised,
however deep, large or odd the input is: nothing descends past `MAX_DEPTH`, nothing is read past `MAX_LEAVES`.
"""

import difflib
from collections.abc import Mapping

from smallpool_core.errors import RuleRefused
from smallpool_core.fields import ATTRIBUTE_PREFIX, FIELDS, Attributes, Field, Operator, field_named
from smallpool_core.rules.expression import MAX_DEPTH, MAX_LEAVES, AllOf, AnyOf, Expression, Leaf, Not, Rule
from smallpool_core.rules.values import SplitWords, ValueCheck, shown

_GROUPS = ("all", "any")
_LEAF_KEYS = ("field", "op", "value")
_LONGEST_NAME = 80


def parse_rule(value: object, attributes: Attributes, *, split_words: SplitWords | None = None) -> Rule:
    """The rule that a JSON value means.

    `split_words` gives the words of a normalised text; with it, a value of `title_words` that is not exactly one word is
    refused. Empty lists of values are refused (an empty `any` says "nothing" plainly); repeated values are kept once.
    Raises RuleRefused with every problem found.
    """
    reading = _Reading(attributes, split_words)
    expression = reading.expression(value, "$", 1)
    if expression is None or reading.check.problems:
        raise RuleRefused(reading.check.problems)
    return Rule.of(expression)


class _Reading:
    """One reading of one rule: the leaves counted so far and the problems found."""

    def __init__(self, attributes: Attributes, split_words: SplitWords | None) -> None:
        self.check = ValueCheck(attributes, split_words)
        self._attributes = attributes
        self._leaves = 0

    def expression(self, value: object, path: str, depth: int) -> Expression | None:
        """The expression at `path`, or None where it or something in it was refused."""
        if depth > MAX_DEPTH:
            self._count_leaf(path)
            self.check.refuse(path, shown(value), "rule.too_deep", most=MAX_DEPTH)
            return None
        if isinstance(value, dict):
            if len(value) == 1 and next(iter(value)) in _GROUPS:
                return self._group(*next(iter(value.items())), path, depth)
            if len(value) == 1 and "not" in value:
                part = self.expression(value["not"], f"{path}.not", depth + 1)
                return None if part is None else Not(part)
            if "field" in value or "op" in value:
                return self._leaf(value, path) if self._count_leaf(path) else None
        self._count_leaf(path)
        keys = f" with the keys {', '.join(shown(key) for key in list(value)[:8])}" if isinstance(value, dict) and value else ""
        self.check.refuse(path, "an object" + keys if keys else shown(value), "rule.shape")
        return None

    def _group(self, name: str, value: object, path: str, depth: int) -> Expression | None:
        path = f"{path}.{name}"
        if not isinstance(value, (list, tuple)):
            self._count_leaf(path)
            self.check.refuse(path, shown(value), "rule.group", group=name)
            return None
        if not value:
            self._count_leaf(path)
        parts: list[Expression] = []
        for position, one in enumerate(value):
            part = self.expression(one, f"{path}[{position}]", depth + 1)
            if part is not None:
                parts.append(part)
            if self._leaves > MAX_LEAVES:
                return None
        if len(parts) < len(value):
            return None
        return AllOf(tuple(parts)) if name == "all" else AnyOf(tuple(parts))

    def _count_leaf(self, path: str) -> bool:
        """Count one end of the tree, whatever stands there, so that no input makes the reading long."""
        self._leaves += 1
        if self._leaves == MAX_LEAVES + 1:
            self.check.refuse(path, f"leaf number {self._leaves}", "rule.leaves", most=MAX_LEAVES)
        return self._leaves <= MAX_LEAVES

    def _leaf(self, value: Mapping[object, object], path: str) -> Leaf | None:
        for key in value:
            if key not in _LEAF_KEYS:
                self.check.refuse(path, f"the key {shown(key)}", "rule.keys")
        missing = [key for key in _LEAF_KEYS if key not in value]
        for key in missing:
            self.check.refuse(f"{path}.{key}", "nothing", "rule.missing", key=key)
        field = self._field(value["field"], f"{path}.field") if "field" in value else None
        op = self._operator(field, value["op"], f"{path}.op") if field is not None and "op" in value else None
        if field is None or op is None or "value" in missing:
            return None
        checked = self.check.value(field, op, value["value"], f"{path}.value")
        return None if checked is None else Leaf(field.name, field.kind, op, checked)

    def _field(self, name: object, path: str) -> Field | None:
        field = field_named(name, self._attributes) if isinstance(name, str) else None
        if field is not None:
            return field
        self._refuse_field(name, path)
        return None

    def _refuse_field(self, name: object, path: str) -> None:
        if not isinstance(name, str):
            self.check.refuse(path, shown(name), "rule.field", names=", ".join(FIELDS), prefix=ATTRIBUTE_PREFIX)
            return
        # With and without `attributes.` alike: leaving it out, or putting it before a plain field, is the likeliest slip.
        full_names = {declared: ATTRIBUTE_PREFIX + declared for declared in self._attributes.types} | {known: known for known in FIELDS}
        near = difflib.get_close_matches(name.removeprefix(ATTRIBUTE_PREFIX)[:_LONGEST_NAME], full_names)
        if near:
            self.check.refuse(path, shown(name), "rule.field_near", names=" or ".join(full_names[one] for one in near))
        elif name.startswith(ATTRIBUTE_PREFIX):
            self.check.refuse(path, shown(name), "rule.field_attribute", names=", ".join(sorted(self._attributes.types)) or "none")
        else:
            self.check.refuse(path, shown(name), "rule.field", names=", ".join(FIELDS), prefix=ATTRIBUTE_PREFIX)

    def _operator(self, field: Field, op: object, path: str) -> Operator | None:
        if isinstance(op, str) and op in field.operators:
            return op
        self.check.refuse(path, shown(op), "rule.operator", field=field.name, names=", ".join(field.operators))
        return None
