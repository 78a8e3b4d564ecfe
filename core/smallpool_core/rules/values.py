"""The values of rule leaves: what each operator takes on each kind of field, checked and brought into stored form.

In: a JSON value, the field, the operator. Out: the stored value, or problems that say where, what was found and what is allowed.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence

from smallpool_core.errors import Problem
from smallpool_core.fields import Attributes, Field, FieldKind, Operator
from smallpool_core.items import THOUSAND
from smallpool_core.messages import problem
from smallpool_core.normalise import PATH_SEPARATOR, has_surrogate, normalise
from smallpool_core.rules.expression import INT64_MAX, INT64_MIN, MAX_VALUES, Scalar, Value

SplitWords = Callable[[str], Sequence[str]]

LISTING: frozenset[Operator] = frozenset({"in", "contains_any", "has_any", "has_all"})
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OFFSET = re.compile(r"([+-])([0-9]{1,9})([smhd])")
MAX_OFFSET_MS = 366 * _UNIT_MS["d"]
_SHOWN = 60
_MANY_BITS = 64


def offset_ms(text: str) -> int:
    """The signed offset of a `within` value in ms, `"-24h"` -> -86,400,000; ValueError where it is not one."""
    found = _OFFSET.fullmatch(text)
    if found is None:
        message = f"{text!r} is not an offset such as -24h or +1h"
        raise ValueError(message)
    sign, count, unit = found.groups()
    return int(f"{sign}{count}") * _UNIT_MS[unit]


def shown(value: object) -> str:
    """A short name of any JSON value for a message; never descends into it, so depth and size do no harm."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}… ({len(value)} characters)"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    if isinstance(value, int) and value.bit_length() > _MANY_BITS:
        return f"an integer of {value.bit_length()} bits"
    return repr(value) if isinstance(value, (int, float)) else f"a {type(value).__name__}"


class ValueCheck:
    """Checks the values of one rule and gathers every problem found on the way."""

    def __init__(self, attributes: Attributes, split_words: SplitWords | None) -> None:
        self.problems: list[Problem] = []
        self._attributes = attributes
        self._split_words = split_words
        self._scalars: dict[FieldKind, Callable[[Field, object, str], Scalar | None]] = {
            FieldKind.KEYWORD: self._keyword,
            FieldKind.ID: lambda _, value, path: self._text(value, path),
            FieldKind.WORDS: self._word,
            FieldKind.KEYWORDS: self._keyword,
            FieldKind.PATH: self._path,
            FieldKind.INTEGER: self._integer,
            FieldKind.THOUSANDTHS: self._thousandths,
            FieldKind.TIME: self._integer,
            FieldKind.NUMBER: self._number,
        }

    def refuse(self, path: str, found: str, code: str, **values: str | int) -> None:
        """Note one problem, by its code in `messages`; `found` is what stands at `path`."""
        self.problems.append(problem(path, found, code, **values))

    def value(self, field: Field, op: Operator, value: object, path: str) -> Value | None:
        """The stored form of a leaf's value, or None where it was refused."""
        if op == "within":
            return self._offset(value, path)
        if op == "between":
            return self._between(field, value, path)
        if op in LISTING:
            return self._several(field, value, path)
        return self._scalars[field.kind](field, value, path)

    def _several(self, field: Field, value: object, path: str) -> Value | None:
        if not isinstance(value, (list, tuple)) or not value:
            self.refuse(path, shown(value), "value.list")
            return None
        if len(value) > MAX_VALUES:
            self.refuse(path, shown(value), "value.many", most=MAX_VALUES)
            return None
        check = self._scalars[field.kind]
        checked = [check(field, one, f"{path}[{position}]") for position, one in enumerate(value)]
        kept = tuple(dict.fromkeys(one for one in checked if one is not None))
        return kept if None not in checked else None

    def _between(self, field: Field, value: object, path: str) -> Value | None:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            self.refuse(path, shown(value), "value.between")
            return None
        check = self._scalars[field.kind]
        low, high = (check(field, one, f"{path}[{position}]") for position, one in enumerate(value))
        return None if low is None or high is None else (low, high)

    def _offset(self, value: object, path: str) -> str | None:
        found = _OFFSET.fullmatch(value) if isinstance(value, str) else None
        if found is None or abs(offset_ms(found.group())) > MAX_OFFSET_MS:
            self.refuse(path, shown(value), "value.offset")
            return None
        sign, count, unit = found.groups()
        return f"{sign}{int(count)}{unit}"

    def _text(self, value: object, path: str) -> str | None:
        if not isinstance(value, str) or not value:
            self.refuse(path, shown(value), "value.text")
            return None
        if has_surrogate(value):
            self.refuse(path, shown(value), "value.surrogate")
            return None
        if any(unicodedata.category(character) == "Cc" for character in value):
            self.refuse(path, shown(value), "value.control")
            return None
        return value

    def _keyword(self, field: Field, value: object, path: str) -> str | None:
        text = self._text(value, path)
        if text is None:
            return None
        keyword = self._attributes.key(field.name, normalise(text))
        if field.choices and keyword not in field.choices:
            self.refuse(path, shown(value), "value.choice", field=field.name, names=", ".join(field.choices))
            return None
        return keyword

    def _word(self, field: Field, value: object, path: str) -> str | None:
        word = self._keyword(field, value, path)
        if word is None or self._split_words is None:
            return word
        words = list(self._split_words(word))
        if words == [word]:
            return word
        named = ", ".join(repr(one) for one in words) or "none"
        self.refuse(path, shown(value), "value.word", field=field.name, names=named)
        return None

    def _path(self, field: Field, value: object, path: str) -> str | None:
        if not isinstance(value, (list, tuple)) or not value:
            self.refuse(path, shown(value), "value.path", field=field.name)
            return None
        elements = [self._element(field, one, f"{path}[{position}]") for position, one in enumerate(value)]
        kept = [one for one in elements if one is not None]
        return PATH_SEPARATOR.join(kept) if len(kept) == len(elements) else None

    def _element(self, field: Field, value: object, path: str) -> str | None:
        element = self._keyword(field, value, path)
        if element is not None and PATH_SEPARATOR in element:
            self.refuse(path, shown(value), "value.element", separator=repr(PATH_SEPARATOR))
            return None
        return element

    def _integer(self, field: Field, value: object, path: str) -> int | None:
        # type(), not isinstance: True is an int to Python, and a price of `true` is a mistake.
        if type(value) is not int:
            self.refuse(path, shown(value), "value.time" if field.kind is FieldKind.TIME else "value.integer", field=field.name)
            return None
        if not INT64_MIN <= value <= INT64_MAX:
            self.refuse(path, shown(value), "value.int64")
            return None
        return value

    def _thousandths(self, field: Field, value: object, path: str) -> int | None:
        if type(value) in (int, float) and 0 <= value <= 1:  # type: ignore[operator]
            thousandths = round(value * THOUSAND)  # type: ignore[operator]
            if value == thousandths / THOUSAND:
                return thousandths
        self.refuse(path, shown(value), "value.thousandths", field=field.name)
        return None

    def _number(self, field: Field, value: object, path: str) -> float | None:
        if type(value) is int and INT64_MIN <= value <= INT64_MAX and float(value) == value:
            return float(value)
        if type(value) is float and math.isfinite(value):
            return value
        self.refuse(path, shown(value), "value.number", field=field.name)
        return None
