"""FAISS's own ways to search inside a constraint, as contestants: a graph or an inverted file with a selector, a scan of a range.

In: vectors in an order in which what a category holds stands together. Out: the numbers of those near to a vector, inside a constraint.
"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

NEIGHBOURS, BUILT_WITH, SEARCHED_WITH = 16, 40, 128
"""Of the graph: links of a vector, candidates while it is built, and while it is searched."""
CELLS, PROBED = 1_024, 64
_TRAINED_ON = 40
"""Vectors that a cell's centre is found from."""

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]


class Inside:
    """A constraint as FAISS takes it: a range [first, last) of numbers, or any numbers of `total`, or those of the one and of the other."""

    def __init__(self, total: int, span: tuple[int, int] | None, numbers: Numbers | None) -> None:
        self._keep: list[Any] = []  # FAISS's selectors own nothing that they point at
        parts = [] if span is None else [faiss.IDSelectorRange(*span, True)]  # noqa: FBT003, it takes no names: numbers are sorted
        if numbers is not None:
            is_in = np.zeros(total, np.bool_)
            is_in[numbers] = True
            bits = np.packbits(is_in, bitorder="little")
            self._keep.append(bits)
            parts.append(faiss.IDSelectorBitmap(total, faiss.swig_ptr(bits)))
        self._keep += parts
        self.selector = parts[0] if len(parts) == 1 else faiss.IDSelectorAnd(*parts)


def on_one_thread() -> None:
    """FAISS starts no threads for the one that calls this: beside other work they wait for each other, and after a fork for ever. Of a
    single question to a graph it starts none in any case.
    """
    faiss.omp_set_num_threads(1)


class FlatRange:
    """Every vector of a range, read one after another: exact."""

    def __init__(self, vectors: Matrix) -> None:
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def near(self, vector: Matrix, count: int, inside: Inside) -> Numbers:
        """The `count` nearest to (d,), the nearest first."""
        return _found(self._index.search(vector[None], count, params=faiss.SearchParameters(sel=inside.selector)))


class HnswGraph:
    """A graph of near neighbours (Malkov and Yashunin 2016); the selector passes over what it finds, it does not steer."""

    def __init__(self, vectors: Matrix) -> None:
        self._index = faiss.IndexHNSWFlat(vectors.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = BUILT_WITH
        self._index.add(vectors)

    def near(self, vector: Matrix, count: int, inside: Inside | None = None) -> Numbers:
        """About the `count` nearest to (d,), the nearest first; without a constraint of all."""
        asked = faiss.SearchParametersHNSW(efSearch=max(SEARCHED_WITH, count), sel=None if inside is None else inside.selector)
        return _found(self._index.search(vector[None], count, params=asked))


class InvertedFile:
    """Vectors in cells, of which the nearest are read."""

    def __init__(self, vectors: Matrix, seed: int) -> None:
        cells = max(1, min(CELLS, len(vectors) // _TRAINED_ON))
        size = vectors.shape[1]
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, cells, faiss.METRIC_INNER_PRODUCT)
        self._index.cp.niter, self._index.cp.seed = 5, seed
        some = np.random.default_rng(seed).choice(len(vectors), min(len(vectors), _TRAINED_ON * cells), replace=False)
        self._index.train(vectors[some])
        self._index.add(vectors)

    def near(self, vector: Matrix, count: int, inside: Inside) -> Numbers:
        """About the `count` nearest to (d,), the nearest first."""
        asked = faiss.SearchParametersIVF(nprobe=PROBED, sel=inside.selector)
        return _found(self._index.search(vector[None], count, params=asked))


def _found(answer: tuple[Matrix, Numbers]) -> Numbers:
    numbers: Numbers = answer[1][0]
    return numbers[numbers >= 0]
