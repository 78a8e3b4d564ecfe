"""What is read of a text to tell what it means: its words, its characters and pairs of them, each with how rare it is.

In: texts. Out: `Pieces`, padded arrays, and their sketch. A piece that is not in the vocabulary has no learnt vector and still counts in
the sketch, so a name never seen before finds the titles that hold it. The sketch adds each piece, with a sign, to a few coordinates that
its hash names (Charikar, Chen and Farach-Colton, 2002); products of sketches are those of the sparse vectors, up to noise of 1/sqrt(size).
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.intent.okapi import words_of

MOST_CHARACTERS: Final = 200
"""Of a text are read."""
MULTIPLIERS: Final = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)
"""Odd numbers that turn one hash into as many coordinates (xxHash's primes); products are taken modulo 2^32."""
_LATIN_PART: Final = 3


class PieceVocabulary(Struct, frozen=True, forbid_unknown_fields=True):
    """The pieces that a model knows, number 0 being none of them, and what each counts; `unknown` is what any other one does."""

    pieces: tuple[str, ...]
    rarity: tuple[float, ...]
    unknown: float


class Pieces(Struct, frozen=True):
    """Of each text its pieces, each once, all (texts, most pieces): numbers, int64, 0 for one that is unknown; weights, float32, rows of
    unit length, 0 beyond the last piece; hashes, int64 in [0, 2^32).
    """

    numbers: NDArray[np.int64]
    weights: NDArray[np.float32]
    hashes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: NDArray[np.int64]) -> "Pieces":
        """Some of the texts, no wider than the longest of them."""
        weights = self.weights[rows]
        widest = max(int((weights > 0).sum(axis=1).max(initial=1)), 1)
        return Pieces(self.numbers[rows, :widest], weights[:, :widest], self.hashes[rows, :widest])


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


def learnt_pieces(texts: Sequence[str], fewest: int, most: int) -> PieceVocabulary:
    """The pieces that stand in at least `fewest` texts, of more than `most` those in the most texts. Rarity is
    1 + ln((1 + texts) / (1 + texts that have it)).
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(pieces_of(text)))
    often = sorted((piece for piece, count in counts.items() if count >= fewest), key=lambda piece: (-counts[piece], piece))
    kept = tuple(sorted(often[:most]))
    rarity = tuple(round(1 + math.log((1 + len(texts)) / (1 + counts[piece])), 4) for piece in kept)
    return PieceVocabulary(kept, rarity, round(1 + math.log(1 + len(texts)), 4))


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
        hashes = np.zeros((len(rows), widest), dtype=np.int64)
        for place, row in enumerate(rows):
            held = np.array([self._numbers.get(piece, 0) for piece in row], dtype=np.int64)
            numbers[place, : len(row)] = held
            weights[place, : len(row)] = (1 + np.log(np.array(list(row.values()), dtype=np.float32))) * self._rarity[held]
            hashes[place, : len(row)] = [zlib.crc32(piece.encode("utf-8", "surrogatepass")) for piece in row]
        weights /= np.maximum(np.sqrt((weights**2).sum(axis=1, keepdims=True)), 1e-6)
        return Pieces(numbers, weights, hashes)


def coordinates(hashes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each piece the coordinates, below `size`, that it is added to, and with which sign; both (…, 4)."""
    mixed = (hashes[..., None] * np.array(MULTIPLIERS, dtype=np.int64)) & 0xFFFFFFFF
    signs = np.where(mixed & 1, np.float32(1), np.float32(-1))
    return (mixed >> 1) % max(size, 1), signs


def sketched(pieces: Pieces, size: int) -> NDArray[np.float32]:
    """The sketch of each text, (texts, size) float32; (texts, 0) for none."""
    if not size:
        return np.zeros((len(pieces), 0), dtype=np.float32)
    places, signs = coordinates(pieces.hashes, size)
    rows = np.arange(len(pieces))[:, None, None] * size + places
    values = pieces.weights[..., None] * signs
    flat = np.bincount(rows.ravel(), weights=values.ravel(), minlength=len(pieces) * size)
    return flat.reshape(len(pieces), size).astype(np.float32)
