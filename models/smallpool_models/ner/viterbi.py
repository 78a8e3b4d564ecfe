"""The best legal tags of a batch of titles (Viterbi), vectorised over titles and tags.

In: emissions and transitions, float32. Out: tags, one list a title. Only the block of closed tags to openers is dense; what
follows an open tag is looked at type by type, so the work is a quarter of a full Viterbi's.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.ner.tagging import Tagging

Floats = NDArray[np.float32]


class Transitions(Struct, frozen=True):
    """Scores `(size, size)` of one tag after another, and of starting `(size,)` and ending `(size,)` with a tag."""

    between: Floats
    start: Floats
    end: Floats


class Decoder:
    """Decodes emissions over one tagging."""

    def __init__(self, tagging: Tagging, transitions: Transitions) -> None:
        n = self._types = len(tagging.types)
        self._openers = tagging.openers
        self._size, self._closed = tagging.size, tagging.closed
        self._dense = np.ascontiguousarray(transitions.between[: self._closed, self._openers].T)
        begins, insides, ends = (np.arange(first, first + n) for first in (1 + 2 * n, 1 + 3 * n, 1 + n))
        self._begins, self._insides, self._ends = begins, insides, ends
        self._to_inside = transitions.between[begins, insides], transitions.between[insides, insides]
        self._to_end = transitions.between[begins, ends], transitions.between[insides, ends]
        self._start = np.full(self._size, -np.inf, dtype=np.float32)
        self._start[self._openers] = transitions.start[self._openers]
        self._end = transitions.end[: self._closed]

    def decode(self, emissions: Floats, lengths: NDArray[np.int64]) -> list[list[int]]:
        """The best tags of each title; emissions are (longest, titles, size), what lies beyond a title's length is not read."""
        longest, count, _ = emissions.shape
        came_from = np.zeros((longest, count, self._size), dtype=np.int16)
        finals = np.zeros((count, self._closed), dtype=np.float32)
        scores = emissions[0] + self._start
        self._keep(finals, scores, lengths == 1)
        for place in range(1, longest):
            scores = self._step(scores, came_from[place])
            scores += emissions[place]
            self._keep(finals, scores, lengths == place + 1)
        last = (finals + self._end).argmax(axis=1)
        return [self._walk(came_from[:, title], int(last[title]), int(lengths[title])) for title in range(count)]

    def _keep(self, finals: Floats, scores: Floats, ending: NDArray[np.bool_]) -> None:
        finals[ending] = scores[ending, : self._closed]

    def _step(self, scores: Floats, came_from: NDArray[np.int16]) -> Floats:
        following = np.empty_like(scores)
        reached = scores[:, None, : self._closed] + self._dense
        best = reached.argmax(axis=2)
        came_from[:, self._openers] = best
        following[:, self._openers] = np.take_along_axis(reached, best[:, :, None], axis=2)[:, :, 0]
        begun, inside = scores[:, self._begins], scores[:, self._insides]
        for targets, (from_begin, from_inside) in ((self._insides, self._to_inside), (self._ends, self._to_end)):
            first, second = begun + from_begin, inside + from_inside
            following[:, targets] = np.maximum(first, second)
            came_from[:, targets] = np.where(first >= second, self._begins, self._insides)
        return following

    @staticmethod
    def _walk(came_from: NDArray[np.int16], last: int, length: int) -> list[int]:
        tags = [last]
        for place in range(length - 1, 0, -1):
            last = int(came_from[place, last])
            tags.append(last)
        return tags[::-1]
