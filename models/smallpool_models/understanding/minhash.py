"""Bands of MinHash (Broder, 1997) over n-grams, each as often as it weighs: two texts share a value of it with the probability of their
weighted Jaccard similarity, and one of `BANDS` bands of `ROWS` values with 1 - (1 - s^ROWS)^BANDS.

In: of each text, weights by hashed n-gram. Out: its bands. Texts are worked on side by side, since most of what one alone would take
is numpy's calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Final

import numpy as np
import numpy.typing as npt

BANDS: Final = 12
ROWS: Final = 3
GRAMS_AT_ONCE: Final = 500
"""N-grams after which no further text is taken up at once, so that what is worked on stays in a core's own cache."""

_Numbers = npt.NDArray[np.uint64]

_SEEDS = np.random.Generator(np.random.PCG64(20_231_117))
_FACTORS: Final[_Numbers] = _SEEDS.integers(1, 2**63, BANDS * ROWS, dtype=np.uint64)[:, None] * np.uint64(2) + np.uint64(1)
_SHIFTS: Final[_Numbers] = _SEEDS.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64)[:, None]
_MIXERS: Final[_Numbers] = _SEEDS.integers(1, 2**63, ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OF_BAND: Final[_Numbers] = _SEEDS.integers(0, 2**63, BANDS, dtype=np.uint64)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def bands_of(texts: Sequence[Mapping[int, int]]) -> list[tuple[int, ...]]:
    """For each text a number of 63 bits for each band; none for a text without content. Weights are below 16."""
    bands: list[tuple[int, ...]] = [()] * len(texts)
    for places in _groups(texts):
        for place, made in zip(places, _bands([texts[place] for place in places]), strict=True):
            bands[place] = tuple(made)
    return bands


def _groups(texts: Sequence[Mapping[int, int]]) -> Iterator[list[int]]:
    """Places of texts with content, so many together that they are worth the calls and no more."""
    places: list[int] = []
    grams = 0
    for place, weights in enumerate(texts):
        if weights:
            places.append(place)
            grams += len(weights)
        if grams >= GRAMS_AT_ONCE:
            yield places
            places, grams = [], 0
    if places:
        yield places


def _bands(texts: Sequence[Mapping[int, int]]) -> list[list[int]]:
    sizes = [len(weights) for weights in texts]
    every = sum(sizes)
    grams = np.fromiter(chain.from_iterable(texts), np.uint64, every)
    times = np.fromiter(chain.from_iterable(weights.values() for weights in texts), np.int64, every)
    before = times.cumsum() - times
    copies = np.arange(before[-1] + times[-1]) - np.repeat(before, times)
    numbered = (np.repeat(grams, times) << np.uint64(4) | copies.astype(np.uint64)) * _GOLDEN
    firsts = before[[0, *accumulate(sizes[:-1])]]
    mixed = numbered * _FACTORS
    mixed += _SHIFTS
    mixed ^= mixed >> np.uint64(29)
    smallest = np.minimum.reduceat(mixed, firsts, axis=1)
    rows = smallest.T.reshape(len(texts), BANDS, ROWS)
    folded = ((rows >> np.uint64(7)) * _MIXERS).sum(axis=2, dtype=np.uint64) ^ _OF_BAND
    made: list[list[int]] = (folded >> np.uint64(1)).tolist()
    return made
