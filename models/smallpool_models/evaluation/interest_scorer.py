"""Items by a person's interests, as the service would recall them: the model's own encoder turns a history into interests.

In: the vectors of all items, a `UserEncoder`, and how a history becomes its tokens. Out: scores of all items; the interests themselves.

The protocol is that of ComiRec (Cen et al., 2020, section 3.3): the top n of each interest, merged by inner product, of which the first n
count. That is the same list as the first n by the largest inner product with any interest, which is what is computed here.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.encoder_ports import Interests, Token, UserEncoder
from smallpool_models.evaluation.next_item import Places, Scores

Array = NDArray[np.float32]
Tokens = Callable[[Places], Sequence[Token]]
_FLOATS: Final = np.dtype("<f4")


class Interested:
    """Scores by interests; an item without a vector, a row of zeros, is never recalled, and of a person without interests nothing is."""

    def __init__(self, vectors: Array, encoder: UserEncoder, tokens: Tokens) -> None:
        self.vectors = vectors
        self._encoder, self._tokens = encoder, tokens
        self._unknown = ~vectors.any(axis=1)

    @property
    def name(self) -> str:
        """The model, as its vectors name it."""
        return self._encoder.model

    def told(self, history: Places) -> Interests:
        """The interests of whoever has this history, as the service would have them."""
        return self._encoder.interests(self._tokens(history))

    def interests(self, history: Places) -> Array:
        """The same as (k, d) float32."""
        return rows_of(self.told(history))

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`."""
        found = [self.interests(history) for history in histories]
        scores: Scores = np.full((len(histories), len(self.vectors)), -np.inf, dtype=np.float32)
        there = np.flatnonzero([len(one) for one in found])
        if there.size:
            products = np.concatenate([found[row] for row in there]) @ self.vectors.T
            begins = np.concatenate([[0], np.cumsum([len(found[row]) for row in there])[:-1]])
            scores[there] = np.maximum.reduceat(products, begins, axis=0)
        scores[:, self._unknown] = -np.inf
        return scores


def rows_of(interests: Interests) -> Array:
    """(k, d) float32."""
    told = interests.vectors
    return np.frombuffer(told.values, dtype=_FLOATS).reshape(len(told), told.dimensions).astype(np.float32)
