"""Sketches of listings: what their text holds, so that two which say nearly the same are found among millions and compared.

In: folded title and description, with the words heard in them. Out: a `Sketch`. Words of wear, hype, prices and signs say nothing of
what is offered and are left out; numbers and words in Latin letters count more than a pair of characters.

Bands are of MinHash (Broder, 1997) over n-grams, each as often as it weighs: two listings share a value of it with the probability of
their weighted Jaccard similarity, and one of `BANDS` bands of `ROWS` values with 1 - (1 - s^ROWS)^BANDS.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from smallpool_core.reposts import Sketch
from smallpool_models.understanding.characters import pairs_of
from smallpool_models.understanding.knowledge import POINT_TYPES
from smallpool_models.understanding.points import Heard

BANDS: Final = 12
ROWS: Final = 3
MOST_SKETCHED: Final = 100
"""Characters of the description that count."""
WORD_WEIGHT, NUMBER_WEIGHT = 2, 3

_SAYS_NOTHING: Final = frozenset({"condition", "flag", "tag", "mark"})
_FACTS: Final = frozenset({"brand", "model", "product", *POINT_TYPES}) - {"function", "whom", "style"}
"""Kinds of which a thing has its own: one that is named instead of another makes another thing of it."""
_PIECE = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?|[\u3400-\u9fff]+")
_BETWEEN = re.compile(r"(?<=[\u3400-\u9fff])[^\w]+(?=[\u3400-\u9fff])")
"""Signs, emoji and spaces inside of Chinese: they part nothing."""
_LOOSE = re.compile(
    r"(?:[¥￥$]|只要|仅需|仅|特价|价格?|售价|到手价?|原价)\s*[0-9][0-9.]*\s*[元块]?|[0-9][0-9.]*\s*(?:元|块钱?|折|小时|分钟|天)|100%|(?<![0-9])[0-9]{1,2}(?:成新|新(?![款品年]))"
)
"""Prices, shares, wear and what is promised of the sale: it changes from one listing of a thing to the next."""
_COUNTED = re.compile(
    r"第?[一二三四五六七八九十百两0-9]+[册卷集季期代版辑层岁号段档寸门座]|[上中下全](?=[册卷部集])|[特加中小大]?[大中小]号|[左右前后](?=[侧轮门脚])"
)
"""What tells one of a series from the next where it is written in Chinese."""

_SEEDS = np.random.Generator(np.random.PCG64(20_231_117))
_FACTORS: Final[npt.NDArray[np.uint64]] = _SEEDS.integers(1, 2**63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFTS: Final[npt.NDArray[np.uint64]] = _SEEDS.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64)
_MIXERS: Final[npt.NDArray[np.uint64]] = _SEEDS.integers(1, 2**63, ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OF_BAND: Final[npt.NDArray[np.uint64]] = _SEEDS.integers(0, 2**63, BANDS, dtype=np.uint64)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def sketch_of(texts: Sequence[tuple[str, Sequence[Heard]]]) -> Sketch:
    """The sketch of a title and a description, each with the words heard in it; no bands where nothing is said."""
    weights: dict[str, int] = {}
    facts: defaultdict[str, list[str]] = defaultdict(list)
    title_weight: int | None = None
    for text, heard in texts:
        kept = _without(text, heard)
        pieces = _PIECE.findall(kept)
        for piece in pieces:
            _weigh(piece, weights)
        for kind, key in _facts(kept, pieces, heard):
            facts[kind].append(key)
        title_weight = sum(weights.values()) if title_weight is None else title_weight
    hashed = {zlib.crc32(gram.encode()): weight for gram, weight in weights.items()}
    return Sketch(_bands(hashed), hashed, {kind: tuple(keys) for kind, keys in facts.items()}, title_weight or 0)


def _without(text: str, heard: Sequence[Heard]) -> str:
    """The text with spaces where it says nothing of what is offered."""
    spans = [(word.start, word.end) for word in heard if word.kind in _SAYS_NOTHING]
    spans += [match.span() for match in _LOOSE.finditer(text)]
    for start, end in spans:
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    return _BETWEEN.sub("", text)


def _weigh(piece: str, weights: dict[str, int]) -> None:
    """Adds numbers and Latin words whole and pairs of Chinese characters, each with the weight that its kind has."""
    if not piece.isascii():
        weights.update(dict.fromkeys(pairs_of(piece) or [piece], 1))
    else:
        weights[piece] = NUMBER_WEIGHT if piece[0].isdigit() else WORD_WEIGHT


def _facts(text: str, pieces: Sequence[str], heard: Sequence[Heard]) -> Iterator[tuple[str, str]]:
    for piece in pieces:
        if piece.isascii():
            yield ("number" if piece[0].isdigit() else "latin"), piece
    for match in _COUNTED.finditer(text):
        yield "counted", match.group()
    for word in heard:
        if not word.aside and word.kind in _FACTS:
            yield word.kind, word.readings[0].key


def _bands(weights: Mapping[int, int]) -> tuple[int, ...]:
    """A number of 63 bits for each band; none for a text without content."""
    if not weights:
        return ()
    grams, times = np.fromiter(weights, dtype=np.uint64), np.fromiter(weights.values(), dtype=np.int64)
    copies = np.arange(times.sum()) - np.repeat(times.cumsum() - times, times)
    numbered = (np.repeat(grams, times) << np.uint64(4) | copies.astype(np.uint64)) * _GOLDEN
    mixed = numbered[:, None] * _FACTORS + _SHIFTS
    mixed ^= mixed >> np.uint64(29)
    smallest = mixed.min(axis=0).reshape(BANDS, ROWS)
    folded = ((smallest >> np.uint64(7)) * _MIXERS).sum(axis=1, dtype=np.uint64) ^ _OF_BAND
    return tuple(int(band) for band in folded >> np.uint64(1))
