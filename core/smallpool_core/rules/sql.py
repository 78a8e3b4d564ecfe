r"""Compiles a rule into a boolean SQLite expression over the columns of a table aliased `f`, and says how rows are written.

In: a rule and now; an item. Out: SQL text with positional parameters; the columns; the row that the compiler reads.

Scalars are plain columns, NULL where missing. Sets are TEXT, each member between unit separators (`\x1fa\x1fb\x1f`), `''` where
empty. Declared attributes are one JSON object; its numbers stand as the int64 that sorts as the float does, so that no
conversion of decimal text, which SQLite does not promise to round correctly, can part this compiler from the matcher.
"""

import re
from operator import attrgetter
from typing import cast

import msgspec

from smallpool_core.fields import ATTRIBUTE_PREFIX, FIELDS, FieldKind
from smallpool_core.items import WideItem
from smallpool_core.rules.expression import EVERYTHING, NOTHING, AllOf, Expression, Leaf, Not, Rule, numbers_of, texts_of
from smallpool_core.rules.normal import negation_normal
from smallpool_core.rules.ranges import bounds, number_of, ordered
from smallpool_core.rules.sqltree import Piece, joined
from smallpool_core.rules.values import offset_ms

SqlValue = str | int | None

_SETS = frozenset({FieldKind.WORDS, FieldKind.KEYWORDS})
_TEXTS = frozenset({FieldKind.KEYWORD, FieldKind.ID, FieldKind.PATH}) | _SETS
_fields_of = attrgetter(*FIELDS)
_SET_PLACES = tuple(place for place, field in enumerate(FIELDS.values()) if field.kind in _SETS)
_MARK = "\x1f"
_NEXT = chr(0x203A + 1)
"""The character after the path separator: keys below a path lie between path + separator and path + this one."""
_AWKWARD = re.compile(r'["\\%\x00-\x1f]')
_INLINE = 8
"""A set test of up to this many values is written out; a longer one reads them from one JSON parameter."""


def columns() -> tuple[tuple[str, str], ...]:
    """Name and SQL type of each column that a compiled rule may read, in the order of `row_values`."""
    fields = ((name, "TEXT" if field.kind in _TEXTS else "INTEGER") for name, field in FIELDS.items())
    return (*fields, ("attributes", "TEXT"))


def row_values(item: WideItem) -> tuple[SqlValue, ...]:
    """The item's values in the order of `columns`."""
    values = list(_fields_of(item))
    for place in _SET_PLACES:
        values[place] = _set_text(values[place])
    return (*values, _attributes_json(item))


def to_sql(rule: Rule, now: int) -> tuple[str, list[SqlValue]]:
    """The rule at `now` (epoch ms) as an expression that is 0 or 1 on every row, never NULL, and its parameters in order.

    Fits SQLite's default limits (expression depth 1,000, parser stack 100, 32,766 variables) for every rule that parses.
    """
    piece = _piece(negation_normal(rule.expression), now)
    return piece.text, cast("list[SqlValue]", list(piece.parameters))


def _set_text(members: tuple[str, ...]) -> str:
    if not members:
        return ""
    text = f"{_MARK}{_MARK.join(members)}{_MARK}"
    # No rule can name a member that holds the mark, so leaving it out changes no answer.
    return text if text.count(_MARK) == len(members) + 1 else _set_text(tuple([member for member in members if _MARK not in member]))


def _attributes_json(item: WideItem) -> str:
    if not item.attributes:
        return "{}"
    stored: dict[str, str | int] = {}
    for name, value in item.attributes.items():
        if isinstance(value, str):
            # SQLite cuts JSON text at NUL, and no rule can name a value that holds one.
            if "\0" not in value:
                stored[_json_key(name)] = value
        elif (number := number_of(value)) is not None:
            stored[_json_key(name)] = ordered(number)
    return msgspec.json.encode(stored).decode()


def _json_key(name: str) -> str:
    """The attribute's name without the characters that a JSON path cannot quote."""
    return _AWKWARD.sub(lambda found: f"%{ord(found[0]):02x}", name)


def _piece(normal: Expression, now: int) -> Piece:
    if normal in (EVERYTHING, NOTHING):
        return Piece("1" if normal == EVERYTHING else "0")
    match normal:
        case Leaf():
            return _leaf(normal, now)
        case Not():
            inner = _piece(normal.part, now)
            return Piece(f"NOT ({inner.text})", inner.parameters)
        case _:
            return joined("AND" if isinstance(normal, AllOf) else "OR", [_piece(part, now) for part in normal.parts])


def _leaf(leaf: Leaf, now: int) -> Piece:
    if leaf.field.startswith(ATTRIBUTE_PREFIX):
        return _attribute(leaf)
    column = f"f.{leaf.field}"
    match leaf.op:
        case "eq":
            return Piece(f"{column} IS ?", (_stored(leaf)[0],))
        case "prefix":
            key = texts_of(leaf)[0]
            low, high = f"{key}›", f"{key}{_NEXT}"
            return Piece(f"({column} IS ? OR {column} IS NOT NULL AND {column} >= ? AND {column} < ?)", (key, low, high))
        case "contains_any" | "has" | "has_any" | "has_all":
            return _set(leaf, column)
        case "within":
            offset = offset_ms(texts_of(leaf)[0])
            return _present(column, "BETWEEN ? AND ?", (now + min(offset, 0), now + max(offset, 0)))
        case _:
            return _present(column, *_test(leaf))


def _present(column: str, test: str, parameters: tuple[SqlValue, ...]) -> Piece:
    return Piece(f"({column} IS NOT NULL AND {column} {test})", parameters)


def _test(leaf: Leaf) -> tuple[str, tuple[SqlValue, ...]]:
    """What is asked of a scalar that is there: SQL to the right of it."""
    if leaf.op == "eq":
        return "= ?", (_stored(leaf)[0],)
    if leaf.op == "in":
        return "IN (SELECT value FROM json_each(?))", (_json_list(_stored(leaf)),)
    low, high = bounds(leaf)
    if leaf.kind is FieldKind.NUMBER:
        low, high = ordered(low), ordered(high)
    return "BETWEEN ? AND ?", (cast("int", low), cast("int", high))


def _stored(leaf: Leaf) -> tuple[str | int, ...]:
    if leaf.kind is FieldKind.NUMBER:
        return tuple(ordered(number) for number in numbers_of(leaf))
    return cast("tuple[str | int, ...]", texts_of(leaf))


def _json_list(values: tuple[str | int, ...]) -> str:
    return msgspec.json.encode(values).decode()


def _set(leaf: Leaf, column: str) -> Piece:
    members = tuple(f"{_MARK}{member}{_MARK}" for member in texts_of(leaf))
    every = leaf.op == "has_all"
    if len(members) <= _INLINE:
        tests = (" AND " if every else " OR ").join([f"instr({column}, ?)"] * len(members))
        return Piece(f"({column} IS NOT NULL AND ({tests}))", members)
    # A column's name comes from the table of fields alone; whatever a rule says is a parameter.
    listed = f"EXISTS (SELECT 1 FROM json_each(?) WHERE instr({column}, value) {'=' if every else '>'} 0)"  # noqa: S608
    return Piece(f"({column} IS NOT NULL AND {'NOT ' if every else ''}{listed})", (_json_list(members),))


def _attribute(leaf: Leaf) -> Piece:
    path = f'$."{_json_key(leaf.field.removeprefix(ATTRIBUTE_PREFIX))}"'
    stored_as = "integer" if leaf.kind is FieldKind.NUMBER else "text"
    test, parameters = _test(leaf)
    text = f"(json_type(f.attributes, ?) IS '{stored_as}' AND json_extract(f.attributes, ?) {test})"
    return Piece(text, (path, path, *parameters))
