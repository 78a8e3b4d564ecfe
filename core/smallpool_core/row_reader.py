"""Reads one JSON object field by field against documented limits.

In: the decoded object of one event. Out: checked values; the first field that breaks a limit raises `Wrong`, which
carries the `Rejection`. `null` counts as missing. Names that nobody asked for are counted as unknown.
"""

import math
from collections.abc import Collection, MutableMapping
from typing import Any

from msgspec import Struct

from smallpool_core.items import AttributeValue
from smallpool_core.normalise import PATH_SEPARATOR, has_surrogate, normalise
from smallpool_core.plain_text import text_problem

MAX_ID = 128
MAX_KEYWORD = 128
MAX_URL = 2048
MAX_PATH = 8
MAX_IMAGES = 100
MAX_ATTRIBUTES = 64
MAX_TIME = 253_402_300_799_999
"""The last millisecond of the year 9999."""
MAX_INTEGER = 2**63 - 1
_SHOWN = 60

Counts = MutableMapping[str, int]


class Rejection(Struct, frozen=True):
    """Why a row was not taken in: which field, what was found there, and what is allowed."""

    field: str
    found: str
    reason: str

    @property
    def message(self) -> str:
        """The whole sentence, for replies and dead letters."""
        return f"{self.field}: found {self.found}; {self.reason}"


class Wrong(Exception):
    """A field breaks its limit; never leaves the parser that catches it."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.message)
        self.rejection = rejection


def wrong(field: str, value: object, reason: str) -> Wrong:
    """The error for a value found in a field."""
    return Wrong(Rejection(field, shown(value), reason))


def shown(value: object) -> str:
    """A found value, short and on one line; containers by their size alone."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {len(value)} fields"
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return f"an integer of {value.bit_length()} bits"
    text = ascii(value) if isinstance(value, str) and has_surrogate(value) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _checked_text(path: str, value: object, limit: int) -> str:
    """A non-empty string of at most `limit` characters without control characters or lone surrogates."""
    if not isinstance(value, str):
        raise wrong(path, value, f"a non-empty string of at most {limit} characters is allowed")
    problem = text_problem(value, limit)
    if problem is not None:
        raise wrong(path, value, problem)
    return value


def _checked_attribute(path: str, value: object) -> AttributeValue:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong(path, value, "a string or a number is allowed")
    if isinstance(value, str):
        return _checked_text(path, value, MAX_KEYWORD)
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong(path, value, "a finite number is allowed")
    if abs(value) > MAX_INTEGER:
        raise wrong(path, value, "a number between -2^63 and 2^63 is allowed")
    return value


class RowReader:
    """One JSON object, its place in the event (`prefix`, such as `"item."`), and the counts that its reading adds to."""

    def __init__(self, values: dict[str, Any], counts: Counts, prefix: str = "") -> None:
        self._values = values
        self._counts = counts
        self._prefix = prefix
        self._asked: set[str] = set()

    def take(self, name: str) -> Any:
        """The raw value, None where it is missing or null."""
        self._asked.add(name)
        return self._values.get(name)

    def path(self, name: str) -> str:
        """Where in the event a field of this object is."""
        return self._prefix + name

    def identifier(self, name: str) -> str | None:
        """An id, compared exactly: 1 … 128 characters, no control characters."""
        value = self.take(name)
        return None if value is None else _checked_text(self.path(name), value, MAX_ID)

    def required_identifier(self, name: str) -> str:
        """An id that must be there."""
        found = self.identifier(name)
        if found is None:
            raise wrong(self.path(name), None, f"a non-empty string of at most {MAX_ID} characters is required")
        return found

    def keyword(self, name: str) -> str | None:
        """A short display text, 1 … 128 characters, no control characters; blank counts as missing."""
        value = self.take(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        return _checked_text(self.path(name), value, MAX_KEYWORD)

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """One of a closed list of words."""
        value = self.take(name)
        if value is not None and (not isinstance(value, str) or value not in choices):
            raise wrong(self.path(name), value, f"one of {', '.join(choices)} is allowed")
        return value

    def integer(self, name: str, high: int, unit: str) -> int | None:
        """A whole number from 0 to `high`; neither true, nor 1.0, nor "1"."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            raise wrong(self.path(name), value, f"a whole number ({unit}) from 0 to {high} is allowed")
        return value

    def time(self, name: str) -> int | None:
        """Epoch milliseconds up to the year 9999."""
        return self.integer(name, MAX_TIME, "epoch milliseconds")

    def text(self, name: str, limit: int) -> str:
        """Free text, cut to `limit` characters and counted as `<name>_cut`; missing is empty."""
        value = self.take(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise wrong(self.path(name), value, "a string is allowed")
        if has_surrogate(value):
            raise wrong(self.path(name), value, "half of a surrogate pair cannot be stored as UTF-8")
        if len(value) <= limit:
            return value
        self._count(f"{name}_cut", 1)
        return value[:limit]

    def required_text(self, name: str, limit: int) -> str:
        """Free text with at least one printable character."""
        found = self.text(name, limit)
        if not any(character.isprintable() and not character.isspace() for character in found):
            raise wrong(self.path(name), self._values.get(name), "text with at least one visible character is required")
        return found

    def urls(self, name: str) -> tuple[str, ...]:
        """At most 100 addresses of at most 2,048 characters."""
        return tuple(
            _checked_text(f"{self.path(name)}[{place}]", value, MAX_URL) for place, value in enumerate(self._array(name, MAX_IMAGES))
        )

    def category(self, name: str) -> tuple[str, ...]:
        """A category path of at most 8 elements in display form; empty where it is missing."""
        elements = []
        for place, value in enumerate(self._array(name, MAX_PATH)):
            path = f"{self.path(name)}[{place}]"
            element = _checked_text(path, value, MAX_KEYWORD)
            if PATH_SEPARATOR in normalise(element):
                raise wrong(path, value, f"{PATH_SEPARATOR!r} joins the elements of a path and is not allowed inside one")
            elements.append(element)
        return tuple(elements)

    def attributes(self, name: str) -> dict[str, AttributeValue]:
        """At most 64 named strings and finite numbers; a null value counts as missing."""
        values = self._object(name)
        if len(values) > MAX_ATTRIBUTES:
            raise wrong(self.path(name), values, f"at most {MAX_ATTRIBUTES} attributes are allowed")
        checked = {}
        for key, value in values.items():
            path = f"{self.path(name)}.{_checked_text(self.path(name), key, MAX_KEYWORD)}"
            if value is not None:
                checked[key] = _checked_attribute(path, value)
        return checked

    def inner(self, name: str) -> "RowReader":
        """The object inside a field that must be there."""
        if self.take(name) is None:
            raise wrong(self.path(name), None, "an object is required")
        return RowReader(self._object(name), self._counts, f"{self.path(name)}.")

    def count_unknown(self) -> None:
        """Counts the fields that nobody asked for; they are ignored."""
        self._count("unknown_field", len(self._values.keys() - self._asked))

    def _count(self, name: str, amount: int) -> None:
        if amount:
            self._counts[name] = self._counts.get(name, 0) + amount

    def _array(self, name: str, limit: int) -> list[Any]:
        value = self.take(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > limit:
            raise wrong(self.path(name), value, f"an array of at most {limit} strings is allowed")
        return value

    def _object(self, name: str) -> dict[str, Any]:
        value = self.take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise wrong(self.path(name), value, "an object is allowed")
        return value
