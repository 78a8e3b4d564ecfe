"""Texts as vectors whose products rank titles as BM25 does: what is asked for weighs by rarity, what a title holds by how often it does.

In: texts, a vocabulary. Out: `asked` and `titled` vectors, (texts, size + 1) float32. The pieces known from most titles have a coordinate
each, all others share the rest, where each is added, with a sign, to the four that its hash names (Charikar, Chen and Farach-Colton, 2002):
a name never seen before finds the titles that hold it. BM25 (Robertson and Walker, 1994) does not know of unit length, so the last
coordinate is what a title lacks of it, and 0 of what is asked for (Neyshabur and Srebro, 2015): products stay as they are. Rarity is
BM25's, ln((1 + texts) / (1 + texts that have it)), 1 less than the vocabulary's.
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_models.intent.okapi import characters
from smallpool_models.intent.reading import MOST_CHARACTERS, PieceVocabulary, pieces_of

MULTIPLIERS: Final = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)
"""Odd numbers that turn one hash into as many coordinates (xxHash's primes); products are taken modulo 2^32."""
K1: Final = 0.8
B: Final = 0.3
FIRST: Final = 2.0
"""Of several words the first is the brand more often than not: it counts so many times (measured, see docs/results/intent.md)."""
SPLIT: Final = 0.5
"""What a pair of characters, or a run of letters, counts beside a character or a word."""
REACH: Final = 20.0
"""The length of a title that says as much as one can; others lack the rest of it."""
_OWN: Final = 0.75
"""The share of coordinates that belong to one piece each."""


class Matcher:
    """Vectors by one vocabulary, of so many coordinates and one; safe for threads."""

    def __init__(self, vocabulary: PieceVocabulary, size: int) -> None:
        self._rarity = {piece: rarity - 1 for piece, rarity in zip(vocabulary.pieces, vocabulary.rarity, strict=True)}
        self._unknown, self._typical, self.size = vocabulary.unknown - 1, max(vocabulary.typical, 1.0), size
        self._own = {piece: number for number, piece in enumerate(vocabulary.pieces[: int(size * _OWN)])}

    def asked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What each text asks for, rows of unit length, of zeros for a text without a piece."""
        rows = self._placed([self._wanted(text) for text in texts])
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return rows

    def titled(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What each title holds, rows of unit length, of zeros for a text without a piece."""
        rows = self._placed([self._held(text) for text in texts]) / np.float32(REACH)
        lengths = np.linalg.norm(rows, axis=1)
        rows /= np.maximum(lengths, 1)[:, None]
        rows[:, -1] = np.where(lengths > 0, np.sqrt(np.maximum(1 - lengths**2, 0)), 0)
        return rows

    def _wanted(self, text: str) -> dict[str, float]:
        parts = text[:MOST_CHARACTERS].split(maxsplit=1)
        found: dict[str, float] = {}
        for part, times in zip(parts, (FIRST if len(parts) > 1 else 1.0, 1.0), strict=False):
            for piece in pieces_of(part):
                found[piece] = max(found.get(piece, 0), times * _share(piece) * self._rarity.get(piece, self._unknown))
        return found

    def _held(self, text: str) -> dict[str, float]:
        often = K1 * (1 - B + B * len(characters(text[:MOST_CHARACTERS])) / self._typical)
        return {piece: count * (K1 + 1) / (count + often) for piece, count in Counter(pieces_of(text)).items()}

    def _placed(self, weighed: Sequence[dict[str, float]]) -> NDArray[np.float32]:
        rows = np.zeros((len(weighed), self.size + 1), dtype=np.float32)
        kept = int(self.size * _OWN)
        for row, found in zip(rows, weighed, strict=True):
            own = {self._own[piece]: weight for piece, weight in found.items() if piece in self._own}
            row[list(own)] = list(own.values())
            shared = [piece for piece in found if piece not in self._own]
            if shared:
                places, signs = _coordinates(shared, self.size - kept)
                values = np.array([found[piece] for piece in shared])[:, None] * signs / np.sqrt(len(MULTIPLIERS))
                np.add.at(row, (places + kept).ravel(), values.ravel())
        return rows


def _share(piece: str) -> float:
    return 1.0 if len(piece) == 1 or piece.startswith("=") else SPLIT


def _coordinates(pieces: Sequence[str], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each piece the coordinates, below `size`, that it is added to, and with which sign; both (pieces, 4)."""
    hashes = np.array([zlib.crc32(piece.encode("utf-8", "surrogatepass")) for piece in pieces], dtype=np.int64)
    mixed = (hashes[:, None] * np.array(MULTIPLIERS, dtype=np.int64)) & 0xFFFFFFFF
    return (mixed >> 1) % size, np.where(mixed & 1, 1, -1)
