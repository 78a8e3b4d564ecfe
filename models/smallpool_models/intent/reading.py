"""What is read of a text to tell what it means: its words, its characters and pairs of them, each with how rare it is.

In: texts. Out: a vocabulary; `Pieces`, padded arrays. A piece that is not in the vocabulary has no learnt vector.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.intent.okapi import characters, words_of

MOST_CHARACTERS: Final = 200
"""Of a text are read."""
_LATIN_PART: Final = 3


class PieceVocabulary(Struct, frozen=True, forbid_unknown_fields=True):
    """The pieces that a model knows, number 0 being none of them, and what each counts; `unknown` is what any other one does; `typical` the
    characters of a title in the mean, a Latin word being one.
    """

    pieces: tuple[str, ...]
    rarity: tuple[float, ...]
    unknown: float
    typical: float = 0.0


class Pieces(Struct, frozen=True):
    """Of each text its pieces, each once, both (texts, most pieces): numbers, int64, 0 for one that is unknown; weights, float32, rows of
    unit length, 0 beyond the last piece.
    """

    numbers: NDArray[np.int64]
    weights: NDArray[np.float32]


def pieces_of(text: str) -> list[str]:
    """Latin words whole (marked, so that `=a` is no part of a word) and their runs of three; of all else characters and pairs."""
    found: list[str] = []
    for run in words_of(text[:MOST_CHARACTERS]):
        if run.isascii():
            found.append(f"={run}")
            if len(run) > _LATIN_PART:
                found += [run[start : start + _LATIN_PART] for start in range(len(run) - _LATIN_PART + 1)]
        else:
            found += [*run, *(run[start : start + 2] for start in range(len(run) - 1))]
    return found


def learnt_pieces(titles: Sequence[str], others: Sequence[str], fewest: int, most: int) -> PieceVocabulary:
    """The pieces that stand in at least `fewest` of all texts, those in the most titles of the domain first, then those in the most of the
    others, `most` of them. Rarity is 1 + ln((1 + texts) / (1 + texts that have it)), of all texts: what is common in any shop is told by
    shops of any kind, better than by a few titles of one.
    """
    own, counts = _counted(titles), _counted([*titles, *others])
    texts = len(titles) + len(others)
    often = (piece for piece, count in counts.items() if count >= fewest)
    kept = tuple(sorted(often, key=lambda piece: (-own[piece], -counts[piece], piece))[:most])
    rarity = tuple(round(1 + math.log((1 + texts) / (1 + counts[piece])), 4) for piece in kept)
    typical = sum(len(characters(title[:MOST_CHARACTERS])) for title in titles) / max(len(titles), 1)
    return PieceVocabulary(kept, rarity, round(1 + math.log(1 + texts), 4), round(typical, 4))


def _counted(texts: Sequence[str]) -> Counter[str]:
    """In how many texts each piece stands."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(pieces_of(text)))
    return counts


class PieceReader:
    """Looks up the pieces of texts in one vocabulary; safe for threads."""

    def __init__(self, vocabulary: PieceVocabulary) -> None:
        self._numbers = {piece: number for number, piece in enumerate(vocabulary.pieces, start=1)}
        self._rarity = np.array([vocabulary.unknown, *vocabulary.rarity], dtype=np.float32)

    def read(self, texts: Iterable[str]) -> Pieces:
        """The pieces of each text; one without any has a row of zeros."""
        rows = [Counter(pieces_of(text)) for text in texts]
        widest = max((len(row) for row in rows), default=1) or 1
        numbers = np.zeros((len(rows), widest), dtype=np.int64)
        weights = np.zeros((len(rows), widest), dtype=np.float32)
        for place, row in enumerate(rows):
            held = np.array([self._numbers.get(piece, 0) for piece in row], dtype=np.int64)
            numbers[place, : len(row)] = held
            weights[place, : len(row)] = (1 + np.log(np.array(list(row.values()), dtype=np.float32))) * self._rarity[held]
        weights /= np.maximum(np.sqrt((weights**2).sum(axis=1, keepdims=True)), 1e-6)
        return Pieces(numbers, weights)
