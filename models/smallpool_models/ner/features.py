"""What a net reads of titles: characters, pairs of characters, places in jieba's words, classes of the words of the lexicon.

In: texts. Out: `Features`, flat arrays over all characters of all texts, from which a `Batch` takes some titles, padded.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_core.normalise import normalise
from smallpool_models.ner.words import Words
from smallpool_models.understanding.characters import pairs_of
from smallpool_models.understanding.segment import Segmenter

_BREAK = "\n"
"""Stands before, between and after the texts, so that pairs of characters know a title's edges."""
_PLANE = 0x10000
_OUTSIDE = "\ufffd"
"""Stands for every character outside the first plane."""
_KINDS = {"L": 1, "N": 2, "Z": 3, "C": 3, "P": 4, "S": 4, "M": 4}
_CHINESE = 5
SHAPES = 24
"""Four places in a word times six kinds of character."""
UNKNOWN = 0


class Vocabulary(Struct, frozen=True):
    """What a model knows: characters and pairs (number 0 is the unknown, then in this order), classes of words, words by class bits."""

    characters: str
    pairs: tuple[str, ...]
    classes: tuple[str, ...]
    words: dict[str, int]


class Batch(Struct, frozen=True):
    """Titles side by side, each (longest, titles): numbers of characters, of the pairs to the left and right, of shapes; `words` is
    (longest, titles, 4 × classes) of 0 and 1; `lengths` is (titles,). What lies beyond a title's length means nothing.
    """

    characters: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    shapes: NDArray[np.int64]
    words: NDArray[np.float32]
    lengths: NDArray[np.int32]


class Features:
    """The features of some texts. Offsets are into the flat arrays, which begin and end with a break."""

    def __init__(
        self,
        lengths: Sequence[int],
        characters: NDArray[np.int32],
        pairs: NDArray[np.int32],
        shapes: NDArray[np.uint8],
        words: NDArray[np.uint8],
    ) -> None:
        self.lengths = np.array(lengths, dtype=np.int32)
        self._starts = np.array([1, *accumulate((length + 1 for length in lengths), initial=1)][1:-1], dtype=np.int64)
        self._characters, self._pairs, self._shapes, self._words = characters, pairs, shapes, words

    def batch(self, titles: NDArray[np.int64], classes: int) -> Batch:
        """The titles of these numbers, in this order."""
        lengths = self.lengths[titles]
        longest = max(int(lengths.max(initial=1)), 1)
        steps = np.arange(longest)[:, None]
        places = np.where(steps < lengths, self._starts[titles] + steps, 0)
        bits = np.unpackbits(self._words[places], axis=-1, count=None, bitorder="little")
        bits = bits.reshape(longest, len(titles), 4, -1)[..., :classes]
        return Batch(
            self._characters[places].astype(np.int64),
            self._pairs[places].astype(np.int64),
            self._pairs[places + 1].astype(np.int64),
            self._shapes[places].astype(np.int64),
            bits.reshape(longest, len(titles), 4 * classes).astype(np.float32),
            lengths,
        )


class Reader:
    """Makes features with one vocabulary; construction makes the tables (about 0.2 s)."""

    def __init__(self, vocabulary: Vocabulary, segmenter: Segmenter) -> None:
        self._folds, self._kinds = _tables()
        self._characters = np.full(_PLANE, UNKNOWN, dtype=np.int32)
        self._characters[[ord(character) for character in vocabulary.characters]] = np.arange(1, len(vocabulary.characters) + 1)
        keys = np.array([_pair_key(pair) for pair in vocabulary.pairs], dtype=np.uint32)
        order = keys.argsort()
        self._pair_keys, self._pair_numbers = keys[order], (order + 1).astype(np.int32)
        self._words = Words(vocabulary.words)
        self._classes = len(vocabulary.classes)
        self._segmenter = segmenter

    def read(self, texts: Sequence[str], without: Sequence[Mapping[str, int]] | None = None) -> Features:
        """The features of the texts; `without` takes, text by text, classes from words of the lexicon."""
        joined = _BREAK + _BREAK.join(text.replace(_BREAK, " ") for text in texts) + _BREAK
        codes = self._folded(joined)
        folded = codes.tobytes().decode("utf-32-le", "surrogatepass")
        places: tuple[list[int], list[int], list[int], list[int]] = (
            [0] * len(joined),
            [0] * len(joined),
            [0] * len(joined),
            [0] * len(joined),
        )
        shapes = bytearray(len(joined))
        starts = list(accumulate((len(text) + 1 for text in texts), initial=1))
        split = [folded[start : start + len(text)] for start, text in zip(starts, texts, strict=False)]
        paths = self._segmenter.paths(split)
        for number, (at, one) in enumerate(zip(starts, split, strict=False)):
            self._words.mark(one, places, at, without[number] if without else {})
            shapes[at : at + len(one)] = b"".join(
                [_WORD_SHAPES[len(word)] if len(word) < len(_WORD_SHAPES) else _long(len(word)) for word in paths[number]]
            )
        held = -(-self._classes // 8)
        words = np.array(places, dtype="<u8").T.copy().view(np.uint8).reshape(len(joined), 4, 8)[:, :, :held]
        return Features(
            [len(text) for text in texts],
            self._characters[codes],
            self._pairs_of(codes),
            np.frombuffer(bytes(shapes), dtype=np.uint8) * 6 + self._kinds[codes],
            words.reshape(len(joined), 4 * held),
        )

    def _folded(self, text: str) -> NDArray[np.uint32]:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        return self._folds[np.where(codes < _PLANE, codes, ord(_OUTSIDE))]

    def _pairs_of(self, codes: NDArray[np.uint32]) -> NDArray[np.int32]:
        """For each place the number of the pair that ends there."""
        keys = codes.copy()
        keys[1:] |= codes[:-1] << np.uint32(16)
        if not len(self._pair_keys):
            return np.zeros(len(codes), dtype=np.int32)
        found = np.minimum(np.searchsorted(self._pair_keys, keys), len(self._pair_keys) - 1)
        return np.where(self._pair_keys[found] == keys, self._pair_numbers[found], UNKNOWN)


def fold(text: str) -> str:
    """The text as it is looked up: each character normalised by itself, so that places stay."""
    return "".join(map(_fold_one, text))


@lru_cache(maxsize=_PLANE)
def _fold_one(character: str) -> str:
    if not "\u0000" <= character <= "\uffff":
        return _OUTSIDE
    folded = character if "\ud800" <= character < "\ue000" else normalise(character)
    return folded if len(folded) == 1 and folded <= "\uffff" else character


def pairs_in(folded: str) -> list[str]:
    """The pairs of neighbouring characters of a folded text, its edges included."""
    return pairs_of(f"{_BREAK}{folded}{_BREAK}")


def _pair_key(pair: str) -> int:
    return ord(pair[0]) << 16 | ord(pair[1])


def _long(length: int) -> bytes:
    return b"\x01" + b"\x02" * (length - 2) + b"\x03"


_WORD_SHAPES = [b"", b"\x00", *(_long(length) for length in range(2, 25))]
"""By length of a word, the places of its characters: alone, or first, within and last."""


def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """For every character of the first plane, what it is folded to and its kind."""
    folds = np.arange(_PLANE, dtype=np.uint32)
    kinds = np.zeros(_PLANE, dtype=np.uint8)
    for code in range(_PLANE):
        folds[code] = ord(_fold_one(chr(code)))
        kinds[code] = _KINDS[unicodedata.category(chr(code))[0]]
    kinds[0x4E00:0xA000] = _CHINESE
    return folds, kinds
