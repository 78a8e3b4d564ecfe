"""Reads the model that follows the name of a series: `iphone` + `13` + `pro`, whatever stands between them.

In: the text, where the name ends, the series. Out: where the model ends and its key, or None.
"""

from collections.abc import Collection

from smallpool_models.understanding.knowledge import Series

_GAPS = frozenset(" -·.")
_MOST_SUFFIXES = 3
_MOST_DIGITS = 4
_MOST_LETTERS = 3
_LONGEST_UNIT = 4


def is_cut(text: str, end: int) -> bool:
    """Whether a word may end before `text[end]`: it must not go on with another letter or digit of the same kind."""
    if not 0 < end < len(text):
        return True
    before, after = text[end - 1], text[end]
    if not after.isascii() or not before.isascii():
        return True
    return not ((before.isalpha() and after.isalpha()) or (before.isdigit() and after.isdigit()))


def read_model(text: str, end: int, series: Series, units: Collection[str]) -> tuple[int, str] | None:
    """The end of the model whose series name ends at `end`, and its key (`"iphone 13 pro max"`).

    A number that a unit (`苹果13寸`), or a plus and another number (`8+128`), follows is a measure, not a model. None where one is needed
    and there is none.
    """
    parts = [series.key]
    stop = _number(text, end, series)
    if stop is not None and not (text[stop - 1].isdigit() and _is_unit(text, stop, units)):
        parts.append(text[_skip_gaps(text, end) : stop])
        end = stop
    elif not series.optional:
        return None
    for _ in range(_MOST_SUFFIXES):
        start = _skip_gaps(text, end)
        suffix = next((word for word in series.suffixes if text.startswith(word, start) and is_cut(text, start + len(word))), None)
        if suffix is None or not (start > end or is_cut(text, end) or len(parts) > 1):
            break
        parts.append(suffix)
        end = start + len(suffix)
    return end, " ".join(parts)


def _number(text: str, end: int, series: Series) -> int | None:
    start = _skip_gaps(text, end)
    for word in series.numbers:
        if text.startswith(word, start) and is_cut(text, start + len(word)):
            return start + len(word)
    return _any_number(text, start) if series.any_number else None


def _any_number(text: str, start: int) -> int | None:
    digits = start
    while digits < len(text) and text[digits].isascii() and text[digits].isdigit():
        digits += 1
    if not 0 < digits - start <= _MOST_DIGITS:
        return None
    letters = digits
    while letters < len(text) and text[letters].isascii() and text[letters].isalpha():
        letters += 1
    return letters if letters - digits <= _MOST_LETTERS else digits


def _is_unit(text: str, start: int, units: Collection[str]) -> bool:
    if text[start : start + 1] == "+" and text[start + 1 : start + 2].isdigit():
        return True
    return any(text[start:stop] in units and is_cut(text, stop) for stop in range(start + 1, start + _LONGEST_UNIT + 1))


def _skip_gaps(text: str, start: int) -> int:
    stop = start
    while stop < len(text) and stop < start + 2 and text[stop] in _GAPS:
        stop += 1
    return stop
