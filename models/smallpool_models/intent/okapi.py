"""Okapi BM25 (Robertson and Walker, 1994), what keyword intent is measured against: words of a query found in titles, weighed by rarity.

In: tokens of titles and of queries. Out: scores (queries, titles). The idf is `ln(1 + (n - df + 0.5) / (df + 0.5))`, never negative;
k1 = 1.5, b = 0.75. `benchmarks/intent_bm25.py` shows that the package bm25s gives the same.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.normalise import normalise

K1: Final = 1.5
B: Final = 0.75
_RUN = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")
Tokens = Callable[[str], list[str]]


def words_of(text: str) -> list[str]:
    """Runs of letters and digits of a normalised text, Chinese apart from Latin."""
    return _RUN.findall(normalise(text))


def characters(text: str) -> list[str]:
    """Latin words whole, and all other characters one by one."""
    return [token for run in words_of(text) for token in ([run] if run.isascii() else run)]


def bigrams(text: str) -> list[str]:
    """Latin words whole, pairs of neighbours of all other runs, and runs of a single character."""
    return [token for run in words_of(text) for token in ([run] if run.isascii() or len(run) == 1 else _runs(run, 2))]


def one_to_three(text: str) -> list[str]:
    """Latin words whole, and every run of one to three other characters."""
    return [token for run in words_of(text) for token in ([run] if run.isascii() else [*run, *_runs(run, 2), *_runs(run, 3)])]


WAYS: Final[dict[str, Tokens]] = {"characters": characters, "bigrams": bigrams, "one to three": one_to_three}
"""How titles may be cut for BM25 without a dictionary; a caller who has one adds its words."""


def bm25_scores(titles: Sequence[Sequence[str]], queries: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """(queries, titles); 0 where no token is shared."""
    scores = np.zeros((len(queries), len(titles)))
    postings = _postings(titles)
    lengths = np.array([len(title) for title in titles], dtype=np.float64)
    norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-9)) if len(titles) else lengths
    for row, query in enumerate(queries):
        for token in query:
            if token in postings:
                places, counts = postings[token]
                rarity = np.log1p((len(titles) - len(places) + 0.5) / (len(places) + 0.5))
                scores[row, places] += rarity * counts * (K1 + 1) / (counts + norm[places])
    return scores


def _postings(titles: Sequence[Sequence[str]]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Of each token the titles that hold it, and how often."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, title in enumerate(titles):
        for token, count in Counter(title).items():
            found[token].append((place, count))
    return {token: (np.array([place for place, _ in held]), np.array([float(count) for _, count in held])) for token, held in found.items()}


def _runs(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(len(text) - size + 1)]
