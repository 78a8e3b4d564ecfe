"""Tags of characters: outside, or the single, begin, inside or end of a span of a type.

In: spans of a title. Out: one tag a character, and back; which tag may follow which.

Of n types the tags are numbered O, S1…Sn, E1…En, B1…Bn, I1…In. After the first 1 + 2n ("closed") any span may begin; B and I
("open") are followed only by I or E of their own type.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.ner.titles import Place


class Tagging(Struct, frozen=True):
    """The tags over an inventory of types."""

    types: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many tags there are."""
        return 4 * len(self.types) + 1

    @property
    def closed(self) -> int:
        """How many tags, from 0 on, end a span or stand outside of one."""
        return 2 * len(self.types) + 1

    @property
    def openers(self) -> NDArray[np.int64]:
        """The tags that may follow a closed one: O, S and B."""
        n = len(self.types)
        return np.concatenate([np.arange(n + 1), np.arange(2 * n + 1, 3 * n + 1)])

    def follows(self) -> NDArray[np.bool_]:
        """(size, size): whether the second tag may follow the first."""
        n = len(self.types)
        may = np.zeros((self.size, self.size), dtype=np.bool_)
        may[: self.closed, self.openers] = True
        for kind in range(n):
            begin, inside, end = 1 + 2 * n + kind, 1 + 3 * n + kind, 1 + n + kind
            may[[begin, begin, inside, inside], [inside, end, inside, end]] = True
        return may

    def encode(self, length: int, spans: Iterable[Place]) -> NDArray[np.int64]:
        """(length,) tags of a title with these spans."""
        n = len(self.types)
        numbers = {kind: number for number, kind in enumerate(self.types)}
        tags = np.zeros(length, dtype=np.int64)
        for start, end, name in spans:
            kind = numbers[name]
            if end - start == 1:
                tags[start] = 1 + kind
            else:
                tags[start], tags[end - 1] = 1 + 2 * n + kind, 1 + n + kind
                tags[start + 1 : end - 1] = 1 + 3 * n + kind
        return tags

    def decode(self, tags: Sequence[int]) -> list[Place]:
        """The spans that legal tags stand for, in order."""
        n = len(self.types)
        spans: list[Place] = []
        start = 0
        for place, tag in enumerate(tags):
            if 0 < tag <= n:
                spans.append((place, place + 1, self.types[tag - 1]))
            elif n < tag <= 2 * n:
                spans.append((start, place + 1, self.types[tag - n - 1]))
            elif 2 * n < tag <= 3 * n:
                start = place
        return spans
