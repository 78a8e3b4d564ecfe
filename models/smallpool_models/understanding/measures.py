"""Numbers with a unit, such as `128g`, `58圈口` or `电池健康87%`, as the attributes and specs that they are.

In: text, its category, and the characters that are spoken for. Out: `Measured`s in order. The units are data
(`measures.tsv`); what they mean depends on the category: 128g is storage of a telephone and the weight of tea.
"""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.knowledge import Measure
from smallpool_models.understanding.series import is_cut

_NUMBER = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,3})?")
_BETWEEN = " :：约为是在度"
"""What may stand between a word and its number, as in `电池健康度:约87%`."""
_LONGEST_UNIT = 4


class Measured(NamedTuple):
    """Characters [start, end) hold a measure: its attribute, its value in the attribute's unit, and the spec as a key."""

    start: int
    end: int
    attribute: str
    value: int | float
    key: str


class Measures:
    """The rows of `measures.tsv`, found by unit or by the word before the number."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._by_unit: dict[str, list[Measure]] = {}
        self._by_word: list[tuple[str, Measure]] = []
        for measure in measures:
            if measure.match != "before":
                for unit in measure.units:
                    self._by_unit.setdefault(unit, []).append(measure)
            if measure.match in {"before", "either"}:
                self._by_word += [(word, measure) for word in measure.before]
        self._by_word.sort(key=lambda pair: -len(pair[0]))

    @property
    def units(self) -> Collection[str]:
        """Every unit, normalised."""
        return self._by_unit.keys()

    def find(self, text: str, category: str, taken: Iterable[tuple[int, int]] = ()) -> list[Measured]:
        """All measures in the text that fit the category, outside the spans that are taken."""
        numbers = list(_NUMBER.finditer(text))
        if not numbers:
            return []
        spans = list(taken)
        found = []
        named = [pair for pair in self._by_word if pair[0] in text]
        for match in numbers:
            start, end = match.span()
            if any(first < end and start < last for first, last in spans):
                continue
            measured = self._measured(text, start, end, category, named)
            if measured is not None:
                found.append(measured)
        return found

    def _measured(self, text: str, start: int, end: int, category: str, named: list[tuple[str, Measure]]) -> Measured | None:
        number = float(text[start:end])
        runs_on = start > 0 and text[start - 1].isascii() and (text[start - 1].isalnum() or text[start - 1] == ".")
        for unit in () if runs_on else self._units_at(text, end):
            for measure in self._by_unit.get(unit, ()):
                if _fits(measure, number, category):
                    before = _word_before(text, start, measure.before)
                    if before is not None or measure.match != "both":
                        return _of(measure, number, start if before is None else before, end + len(unit))
        for word, measure in named:
            before = _word_before(text, start, (word,)) if _fits(measure, number, category) else None
            if before is not None:
                return _of(measure, number, before, end)
        return None

    def _units_at(self, text: str, end: int) -> list[str]:
        stops = range(min(len(text), end + _LONGEST_UNIT), end, -1)
        return [text[end:stop] for stop in stops if text[end:stop] in self._by_unit and is_cut(text, stop)]


def _fits(measure: Measure, number: float, category: str) -> bool:
    if not measure.low <= number <= measure.high:
        return False
    return not measure.categories or any(
        category == prefix or category.startswith(prefix + PATH_SEPARATOR) for prefix in measure.categories
    )


def _word_before(text: str, start: int, words: Iterable[str]) -> int | None:
    """Where one of the words stands before the number at `start`, with little between them."""
    stop = start
    while stop and start - stop < 3 and text[stop - 1] in _BETWEEN:
        stop -= 1
    places = (end - len(word) for word in words for end in (stop, start) if text.endswith(word, 0, end))
    return next(places, None)


def _of(measure: Measure, number: float, start: int, end: int) -> Measured:
    """The key is the number as written with the first unit; the first word goes before it where the unit says too little."""
    value = round(number * measure.factor, 3)
    written = int(number) if number.is_integer() else number
    word = measure.before[0] if measure.match == "both" else ""
    unit = measure.units[0] if measure.units else ""
    return Measured(start, end, measure.attribute, int(value) if value.is_integer() else value, f"{word}{written}{unit}")
