"""Rules in the vector (the seed's 商品向量化法): 20 positions say which pools an item is in, 200 what it is, and one search finds both.

In: the pools of items, vectors of 200 positions. Out: the nearest to a pool and a vector; how many of them are in the pool.

A pool is a fixed direction of 20 positions, random but the same for its name; an item has the sum of its pools' directions. Whoever asks in
a pool has its direction. With more pools than positions directions cannot all be square to each other, so items of other pools look as if
they were inside: the confusion that is measured here, and why this is off.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

RULE_POSITIONS: Final = 20
TERM_POSITIONS: Final = 200

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]


def pool_code(pool_id: str) -> Matrix:
    """(20,) float32 of unit length, the same for the same pool everywhere."""
    seed = int.from_bytes(blake2b(pool_id.encode(), digest_size=8).digest(), "big")
    drawn = np.random.default_rng(seed).standard_normal(RULE_POSITIONS)
    code: Matrix = (drawn / np.linalg.norm(drawn)).astype(np.float32)
    return code


class RuleVectors:
    """Exact search by inner product of (n, 220): what an item is beside `weight` times its pools' sum.

    `vectors` are (n, 200) of unit length, `members` (n, pools) bool says which of the pools each is in. With a large weight the pool
    decides, with a small one likeness.
    """

    def __init__(self, vectors: Matrix, pools: Sequence[str], members: NDArray[np.bool_], weight: float) -> None:
        sums = members.astype(np.float32) @ np.stack([pool_code(pool_id) for pool_id in pools])
        self._index = faiss.IndexFlatIP(RULE_POSITIONS + vectors.shape[1])
        self._index.add(np.concatenate([np.float32(weight) * sums, vectors], axis=1))

    def near(self, vector: Matrix, pool_id: str, count: int) -> Numbers:
        """The `count` nearest to (200,) as asked in a pool, the nearest first."""
        asked = np.concatenate([pool_code(pool_id), vector])
        found: Numbers = self._index.search(asked[None], count)[1][0]
        return found
