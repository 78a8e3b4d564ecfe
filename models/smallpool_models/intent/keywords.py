"""The keywords of a marketplace by what they mean: what its knowledge base names, and what its listings are known by.

In: a word encoder, names, listings. Out: keywords near a query.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_core.encoder_ports import WordEncoder
from smallpool_core.item_parts import parts_of
from smallpool_core.items import WideItem
from smallpool_core.keyword_ports import Keyword
from smallpool_models.intent.meant import meant_by
from smallpool_models.intent.okapi import words_of

REFRESHED_MS: Final = 300_000
RETRIED_MS: Final = 5_000
FEWEST_LISTINGS: Final = 2
"""What a single listing says is seldom a thing that others look for."""
MOST_LISTED: Final = 10_000
LONG_ENOUGH: Final = 5
"""Latin words of so many letters that differ by one are spellings of the same."""


class _Known(Struct, frozen=True):
    """Keywords and their vectors (keywords, d), of one version of the encoder."""

    version: str
    keywords: tuple[str, ...]
    vectors: NDArray[np.float32]


class KeywordBook:
    """The `Keywords` of a process. `names` are keywords with the other ways to write each; `encoder` gives the one in force, if any."""

    def __init__(self, encoder: Callable[[], WordEncoder | None], names: Mapping[str, Sequence[str]]) -> None:
        self._encoder = encoder
        self._names = names
        self._written = {_plain(form): name for name, forms in names.items() for form in (name, *forms)}
        self._turn_at: int | None = None
        self._listed: tuple[str, ...] = ()
        self._known = _Known("", (), np.zeros((0, 0), dtype=np.float32))

    @property
    def model(self) -> str:
        """The version of the encoder in force."""
        encoder = self._encoder()
        return "" if encoder is None else encoder.version

    def has_turn(self, now: int) -> bool:
        """At first, after five minutes, by a clock that was set back, and, some seconds after the last, for another model."""
        if self._turn_at is not None and 0 <= now - self._turn_at < (REFRESHED_MS if self._known.version == self.model else RETRIED_MS):
            return False
        self._turn_at = now
        return True

    def take(self, listed: Sequence[WideItem] | None) -> None:
        """What several listings are known by, the most frequent first."""
        if listed is not None:
            self._listed = _known_by(listed)
        self._embed()

    def related(self, query: str, size: int) -> list[Keyword]:
        """By the cosine of vectors, on what was embedded last."""
        encoder, known = self._encoder(), self._known
        vector = b"" if encoder is None or encoder.version != known.version else encoder.encode([query])[0]
        if not vector or not known.keywords:
            return []
        scores = known.vectors @ np.frombuffer(vector, dtype="<f4")
        return self._distinct(query, known, scores, size)

    def _embed(self) -> None:
        encoder = self._encoder()
        if encoder is None:
            return
        keywords = sorted({*self._names, *self._listed})
        vectors = encoder.encode(keywords)
        kept = [(keyword, vector) for keyword, vector in zip(keywords, vectors, strict=True) if vector]
        rows = np.frombuffer(b"".join(vector for _, vector in kept), dtype="<f4").reshape(len(kept), -1) if kept else np.zeros((0, 0))
        self._known = _Known(encoder.version, tuple(keyword for keyword, _ in kept), rows.astype(np.float32))

    def _distinct(self, query: str, known: _Known, scores: NDArray[np.float32], size: int) -> list[Keyword]:
        told = [self._meant(query)]
        found: list[Keyword] = []
        for place in np.argsort(-scores, kind="stable"):  # keywords stand in their own order, which is kept among equals
            if len(found) == size or scores[place] <= 0:
                break
            meant = self._meant(known.keywords[place])
            if not any(is_spelling_of(meant, other) for other in told):
                told.append(meant)
                found.append(Keyword(known.keywords[place], round(min(float(scores[place]), 1.0), 6)))
        return found

    def _meant(self, text: str) -> tuple[str, ...]:
        """The words of a text in one order; where the knowledge base knows them together, those of the name that it has for them."""
        return tuple(sorted(words_of(self._written.get(_plain(text), text))))


def is_spelling_of(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether both are the same words, whatever stands between, or Latin ones of some length that differ by a letter."""
    first, second = "".join(words), "".join(others)
    if first == second:
        return True
    if not (first.isascii() and second.isascii() and min(len(first), len(second)) >= LONG_ENOUGH) or first.isdigit():
        return False
    return _differ_by_one(first, second)


def _differ_by_one(first: str, second: str) -> bool:
    """One letter more, less, or another one; another digit is another model."""
    shorter, longer = sorted((first, second), key=len)
    same = next((place for place in range(len(shorter)) if shorter[place] != longer[place]), len(shorter))
    if longer[same : same + 1].isdigit() or shorter[same : same + 1].isdigit():
        return False
    return shorter[same + (len(shorter) == len(longer)) :] == longer[same + 1 :]


def _plain(text: str) -> str:
    return "".join(words_of(text))


def _known_by(listed: Sequence[WideItem]) -> tuple[str, ...]:
    counts = Counter(text for item in listed for text in meant_by(parts_of(item)))
    often = [(text, count) for text, count in counts.items() if count >= FEWEST_LISTINGS]
    return tuple(text for text, _ in sorted(often, key=lambda pair: (-pair[1], pair[0]))[:MOST_LISTED])
