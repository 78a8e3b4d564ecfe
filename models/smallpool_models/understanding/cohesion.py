"""How much the words of a title belong together: words that occur in the same titles point in like directions (Levy and Goldberg, 2014), so
a title of one thing has a long sum of unit vectors, and one to which words of other things were added a short one.

In: words of a title, each once. Out: the score in [0, 1].
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

MOST_WORDS: Final = 3_000
LEAST: Final = 5
"""Titles that a word with a vector stands in at least."""
DIMENSIONS: Final = 24
_SPARE: Final = 8
_ROUNDS: Final = 12
SMOOTHED: Final = 0.1
SCALE: Final = 127
AT_MEAN: Final = 0.75
RANGE: Final = 0.6
"""The difference of mean cosines that the score spans."""
UNKNOWN: Final = 0.5
"""The score of a title of which no two words are known."""

Floats = npt.NDArray[np.float32]


class CohesionModel(Struct, frozen=True):
    """`vectors` has the direction of each word, `DIMENSIONS` numbers in 127ths; `mean` is the mean cosine of two words of a title, over
    titles that were not counted.
    """

    vectors: dict[str, list[int]]
    mean: float


class Cohesion:
    """Scores titles; holds unit vectors made once."""

    def __init__(self, model: CohesionModel) -> None:
        self._mean = model.mean
        self._rows = {word: row for row, word in enumerate(model.vectors)}
        self._vectors = _unit(np.array(list(model.vectors.values()), dtype=np.float32).reshape(len(model.vectors), DIMENSIONS))

    def score(self, words: Iterable[str]) -> float:
        """Of a title's words, in [0, 1]; straight in the mean cosine of two of them."""
        cosine = self.cosine(words)
        return UNKNOWN if cosine is None else min(1.0, max(0.0, AT_MEAN + (cosine - self._mean) / RANGE))

    def cosine(self, words: Iterable[str]) -> float | None:
        """The mean cosine of two words, None where fewer than two are known."""
        row_of = self._rows.get
        rows = [row for row in map(row_of, words) if row is not None]
        count = len(rows)
        if count < 2:
            return None
        total = np.add.reduce(self._vectors.take(rows, axis=0))
        return (float(total @ total) - count) / (count * (count - 1))


def train_cohesion(titles: Sequence[Sequence[str]], held: Iterable[Sequence[str]], seed: int) -> CohesionModel:
    """Vectors of the most frequent words of letters; the mean is of `held`, which are other titles.

    Positive pointwise mutual information of words in one title, and of that matrix the leading eigenvectors, by subspace iteration.
    """
    counts = Counter(word for words in titles for word in words if len(word) > 1 and word.isalpha())
    names = [word for word, count in counts.most_common(MOST_WORDS) if count >= LEAST]
    rows = {word: row for row, word in enumerate(names)}
    if len(names) <= DIMENSIONS + _SPARE:
        return CohesionModel({}, 0.0)
    found = _directions(_information([[rows[word] for word in words if word in rows] for words in titles], len(names)), seed)
    vectors = dict(zip(names, np.rint(SCALE * found).astype(int).tolist(), strict=True))
    return _with_mean(vectors, held)


def _with_mean(vectors: Mapping[str, list[int]], held: Iterable[Sequence[str]]) -> CohesionModel:
    draft = Cohesion(CohesionModel(dict(vectors), 0.0))
    cosines = [cosine for words in held if (cosine := draft.cosine(words)) is not None]
    return CohesionModel(dict(vectors), round(sum(cosines) / max(1, len(cosines)), 4))


def _information(titles: Sequence[Sequence[int]], size: int) -> Floats:
    """(size, size), the positive mutual information of two words in nats; 0 of a word with itself."""
    together = np.zeros((size, size), dtype=np.float32)
    for rows in titles:
        together[np.ix_(rows, rows)] += 1
    alone = together.diagonal().copy()
    usual = np.outer(alone, alone) / max(1, len(titles))
    information = np.maximum(0, np.log((together + SMOOTHED) / (usual + SMOOTHED))).astype(np.float32)
    np.fill_diagonal(information, 0)
    return np.asarray(information)


def _directions(matrix: Floats, seed: int) -> Floats:
    """(n, DIMENSIONS) unit rows: leading eigenvectors, each by the root of its eigenvalue."""
    start = np.random.default_rng(seed).standard_normal((len(matrix), DIMENSIONS + _SPARE)).astype(np.float32)
    base, _ = np.linalg.qr(start)
    for _ in range(_ROUNDS):
        base, _ = np.linalg.qr(matrix @ base)
    values, turns = np.linalg.eigh(base.T @ matrix @ base)
    return _unit(np.asarray((base @ turns)[:, -DIMENSIONS:] * np.sqrt(np.maximum(values[-DIMENSIONS:], 0))))


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(1e-9, np.linalg.norm(vectors, axis=1, keepdims=True)))
