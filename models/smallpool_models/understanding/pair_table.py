"""What stands for pairs of characters, looked up for a whole batch of texts at once: a dictionary of half a million words is far larger
than a core's cache, and one look after another waits for memory each time.

In: values by pair. Out: for a text the value of each of its pairs.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_BITS = np.uint64(21)
"""Enough for any character."""

Floats = NDArray[np.float64]


class PairTable:
    """Holds 16 bytes a pair."""

    def __init__(self, values: Mapping[str, float], missing: float) -> None:
        """`missing` is the value of a pair that is not there; keys are of two characters."""
        keys = _keys(codes_of("".join(values)))[::2] if values else np.zeros(0, dtype=np.uint64)
        order = keys.argsort()
        # One key more, which no pair has, so that every search ends at a place that is there.
        self._keys = np.append(keys[order], np.uint64(2**64 - 1))
        self._values = np.append(np.fromiter(values.values(), np.float64, len(values))[order], missing)
        self._missing = missing

    def values(self, codes: NDArray[np.uint32]) -> Floats:
        """(n - 1,) the values of the pairs of n characters."""
        keys = _keys(codes)
        places = self._keys.searchsorted(keys)
        found: Floats = np.where(self._keys[places] == keys, self._values[places], self._missing)
        return found


def codes_of(text: str) -> NDArray[np.uint32]:
    """(n,) the characters' numbers."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _keys(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    wide = codes.astype(np.uint64)
    keys: NDArray[np.uint64] = wide[:-1] << _BITS | wide[1:]
    return keys
