"""The best legal tags of a batch of titles (Viterbi), vectorised over titles and tags.

In: emissions and transitions, float32. Out: tags, one list a title. Only the block of closed tags to openers is dense; what
follows an open tag is looked at type by type. Of the closed tags those alone are tried that could win at any opener, mostly one or two:
the others lie further behind the best than all that transitions could make good, so leaving them out changes nothing.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.ner.tagging import Tagging

Floats = NDArray[np.float32]
_SLACK, _ROUNDED = 1e-3, 1e-6
"""More than float32 rounds off, absolutely and of a score, so that no tag is left out that a sum would have put in front."""


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
        self._dense = np.ascontiguousarray(transitions.between[: self._closed, self._openers])
        self._made_good = np.array([(self._dense - best).max(axis=1) for best in self._dense]) + _SLACK
        begins, insides, ends = (np.arange(first, first + n) for first in (1 + 2 * n, 1 + 3 * n, 1 + n))
        self._to_inside = transitions.between[begins, insides], transitions.between[insides, insides]
        self._to_end = transitions.between[begins, ends], transitions.between[insides, ends]
        self._into = np.ascontiguousarray(np.where(tagging.follows(), transitions.between, -np.inf).T, dtype=np.float32)
        self._start = np.full(self._size, -np.inf, dtype=np.float32)
        self._start[self._openers] = transitions.start[self._openers]
        self._end = np.full(self._size, -np.inf, dtype=np.float32)
        self._end[: self._closed] = transitions.end[: self._closed]

    def decode(self, emissions: Floats, lengths: NDArray[np.int64]) -> list[list[int]]:
        """The best tags of each title; emissions are (longest, titles, size), what lies beyond a title's length is not read."""
        scores = np.empty_like(emissions)
        scores[0] = emissions[0] + self._start
        for place in range(1, len(emissions)):
            self._step(scores[place - 1], scores[place])
            scores[place] += emissions[place]
        return self._walk(scores, lengths)

    def _step(self, scores: Floats, following: Floats) -> None:
        """The best scores of reaching each tag. By which tag it was reached is worked out for the best path alone."""
        n = self._types
        reached = self._from_closed(scores[:, : self._closed])
        following[:, : n + 1] = reached[:, : n + 1]
        following[:, 2 * n + 1 : 3 * n + 1] = reached[:, n + 1 :]
        begun, inside = scores[:, 2 * n + 1 : 3 * n + 1], scores[:, 3 * n + 1 :]
        for first, (from_begin, from_inside) in ((n + 1, self._to_end), (3 * n + 1, self._to_inside)):
            np.maximum(begun + from_begin, inside + from_inside, out=following[:, first : first + n])

    def _from_closed(self, scores: Floats) -> Floats:
        """(titles, openers): the best score of reaching each opener from a closed tag."""
        titles = np.arange(len(scores))
        best = scores.argmax(axis=1)
        highest = scores[titles, best][:, None]
        reached: Floats = highest + self._dense[best]
        may_win = scores + self._made_good[best] >= highest - np.abs(highest) * _ROUNDED
        may_win[titles, best] = False
        while may_win.any():
            following = may_win.argmax(axis=1)  # 0, which is a closed tag like any other, where none is left
            np.maximum(reached, scores[titles, following][:, None] + self._dense[following], out=reached)
            may_win[titles, following] = False
        return reached

    def _walk(self, scores: Floats, lengths: NDArray[np.int64]) -> list[list[int]]:
        """Back from the last character of each title, all titles at once; of equal tags the first."""
        tags = np.zeros(scores.shape[:2], dtype=np.int64)
        last = np.zeros(scores.shape[1], dtype=np.int64)
        ends = set(lengths.tolist())
        for place in range(len(scores) - 1, -1, -1):
            after = self._into[last]
            if place + 1 in ends:
                after[lengths == place + 1] = self._end
            last = (scores[place] + after).argmax(axis=1)
            tags[place] = last
        return [tags[:length, title].tolist() for title, length in enumerate(lengths)]
