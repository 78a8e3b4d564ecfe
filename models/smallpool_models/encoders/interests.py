"""Turns what a person did into their interests with a trained net, by ONNX Runtime.

In: `ModelFiles` of kind `vectors`, and tokens of what was touched and is known. Out: `Interests`, the heaviest first.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.encoder_ports import Interests, Token
from smallpool_core.errors import VectorRefused
from smallpool_core.vectors import FLOAT_BYTES, UNIT_WITHIN, Vectors
from smallpool_models.encoders.items import USER_FORM, vector_reads
from smallpool_models.encoders.session import Session
from smallpool_models.registry.folder import ModelFiles

MOST_TOKENS: Final = 64
"""Tokens of each horizon that are read: the latest that were touched, the heaviest that are known."""
Rows = NDArray[np.float32]


class OnnxUserEncoder:
    """The `UserEncoder` of a folder. Raises `ModelRefused` where the files do not fit each other."""

    def __init__(self, files: ModelFiles) -> None:
        reads = vector_reads(files)
        self.model = files.manifest.version
        self._dimensions, self._count, self._scale = reads.dimensions, reads.interests, reads.scale
        one = np.full((1, self._dimensions), self._dimensions**-0.5, dtype=np.float32)
        weight = np.ones(1, dtype=np.float32)
        smallest = {"touched": one, "touched_weights": weight, "known": one, "known_weights": weight, "profile": one[0]}
        self._session = Session(files, smallest, USER_FORM)
        if self._session.tried["interests"].shape != (self._count, self._dimensions):
            found = f"interests of shape {self._session.tried['interests'].shape}"
            raise files.refused(USER_FORM.graph, found, f"{self._count} of {self._dimensions} are told; train the model again")

    def interests(self, tokens: Sequence[Token], profile: Sequence[bytes] = ()) -> Interests:
        """As the port says."""
        if not tokens:
            return Interests(Vectors(self.model, self._dimensions, b""), ())
        touched = sorted((one for one in tokens if one.horizon == "short"), key=lambda one: -one.age_s)[-MOST_TOKENS:]
        known = sorted((one for one in tokens if one.horizon == "long"), key=lambda one: -one.weight)[:MOST_TOKENS]
        # of one who touched nothing what is known, the heaviest last, stands for it
        lately = touched or known[::-1]
        rows, weights = self._rows([one.vector for one in lately]), _weights(lately)
        both = self._rows([one.vector for one in known]) if touched else rows[:0]
        all_rows = np.concatenate([rows, both])
        all_weights = np.concatenate([weights, _weights(known)]) if touched else weights
        inputs = {
            "touched": rows,
            "touched_weights": weights,
            "known": all_rows,
            "known_weights": all_weights,
            "profile": self._mean(profile),
        }
        found = self._session.run(["interests"], inputs)[0]
        shares = _shares(all_rows, all_weights, found, self._scale)
        order = np.argsort(-shares, kind="stable")
        vectors = Vectors(self.model, self._dimensions, found[order].astype("<f4").tobytes())
        return Interests(vectors, tuple(shares[order].tolist()))

    def _rows(self, vectors: Sequence[bytes]) -> Rows:
        """(vectors, d); raises `VectorRefused` for what is no vector of the model."""
        wanted = FLOAT_BYTES * self._dimensions
        if wrong := next((one for one in vectors if len(one) != wanted), None):
            raise VectorRefused(f"a token of {len(wrong)} bytes; a vector of the model {self.model!r} has {wanted}: embed the item anew")
        if any(not one for one in vectors):
            raise VectorRefused(f"a token without a vector; leave out what the model {self.model!r} knows nothing of")
        rows = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), self._dimensions).astype(np.float32)
        lengths = np.linalg.norm(rows, axis=1)
        if not np.all(np.abs(lengths - 1) <= UNIT_WITHIN):
            found = float(lengths[~(np.abs(lengths - 1) <= UNIT_WITHIN)][0])
            raise VectorRefused(f"a token of length {found}; a vector of unit length is wanted: embed the item anew")
        return rows

    def _mean(self, profile: Sequence[bytes]) -> Rows:
        """(d,) of unit length, or zeros where nothing is known."""
        mean: Rows = self._rows(profile).sum(axis=0) if profile else np.zeros(self._dimensions, dtype=np.float32)
        length = float(np.linalg.norm(mean))
        return mean / np.float32(length) if length > UNIT_WITHIN else np.zeros_like(mean)


def _weights(tokens: Sequence[Token]) -> Rows:
    weights = np.array([one.weight for one in tokens], dtype=np.float32)
    if not np.all((weights > 0) & np.isfinite(weights)):
        raise VectorRefused("a token whose weight is not above 0; leave out what is worth nothing")
    return weights


def _shares(rows: Rows, weights: Rows, interests: Rows, scale: float) -> NDArray[np.float64]:
    """(K,) how much of the behaviour each interest stands for: the weight of each token, shared out by softmax of scale · cosine."""
    logits = (scale * (rows @ interests.T)).astype(np.float64)
    parts = np.exp(logits - logits.max(axis=1, keepdims=True))
    shared = (weights[:, None] * parts / parts.sum(axis=1, keepdims=True)).sum(axis=0)
    found: NDArray[np.float64] = shared / shared.sum()
    return found
