"""Text as it is matched: normalised and simplified, with the way back to the characters that the seller wrote.

In: a title or description as given. Out: `Folded`, whose matches can be told in characters of the original.
"""

import unicodedata
from collections.abc import Mapping

from msgspec import Struct

from smallpool_core.normalise import normalise

_SOUND_MARKS = "\uff9e\uff9f"
"""Half-width voiced and semi-voiced marks: they compose with the kana before them, though they are no combining characters."""


class Folded(Struct, frozen=True):
    """`normal` is the stored form of the text; `text` is that with traditional characters simplified, which is matched.

    Both have the same length. `origins[i]` is where character i comes from in the original, with the original's
    length as last element; None where the two run in step.
    """

    normal: str
    text: str
    origins: tuple[int, ...] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that holds characters [start, end) of the text, at least one character."""
        if self.origins is None:
            return start, end
        first = self.origins[start]
        last = self.origins[end - 1]
        following = next((origin for origin in self.origins[end:] if origin > last), last + 1)
        return first, following


class Folder:
    """Folds texts with one table of traditional characters."""

    def __init__(self, simplified: Mapping[int, str]) -> None:
        self._simplified = dict(simplified)
        self._traditional = frozenset(map(chr, simplified))

    def fold(self, text: str) -> Folded:
        """Normalises, keeping track of where each character comes from.

        Where a character becomes several (`㎏`, `kg`) all of them come from it; a combining mark is normalised
        together with the character before it. `normal` may differ from `normalise(text)` only where characters
        that are no combining marks compose (conjoining Hangul).
        """
        normal = normalise(text)
        if len(normal) == len(text) and normal == text.lower():
            return Folded(normal, self._simplify(normal), None)
        pieces: list[str] = []
        origins: list[int] = []
        for start, end in _clusters(text):
            piece = normalise(text[start:end])
            pieces.append(piece)
            origins += [start] * len(piece)
        normal = "".join(pieces)
        return Folded(normal, self._simplify(normal), (*origins, len(text)))

    def _simplify(self, normal: str) -> str:
        return normal if self._traditional.isdisjoint(normal) else normal.translate(self._simplified)


def _clusters(text: str) -> list[tuple[int, int]]:
    starts = [index for index, character in enumerate(text) if index == 0 or not _joins(character)]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _joins(character: str) -> bool:
    return unicodedata.combining(character) > 0 or character in _SOUND_MARKS
