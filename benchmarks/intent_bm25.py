"""Shows that the BM25 that `smallpool evaluate intent` compares with gives what the package bm25s gives, on the same tokens.

In: a file of titles with tags. Out: the largest difference of a score, and recall@20 of both, by kind of tokens.

    .venv/bin/pip install bm25s
    .venv/bin/python benchmarks/intent_bm25.py ../shared/data/titles/cosmetics_products.tsv
"""

import argparse
from pathlib import Path

import bm25s  # type: ignore[import-not-found]  # installed by nobody but who runs this
import numpy as np

from smallpool_models.intent.figures import found_by
from smallpool_models.intent.okapi import K1, WAYS, B, bm25_scores
from smallpool_models.labels.rows import read_tags


def main() -> None:
    """One line a kind of tokens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    titles = read_tags(given.data)
    relevant = [frozenset(place for place, title in enumerate(titles.titles) if tag in title.labels) for tag in titles.labels]
    for name, way in WAYS.items():
        texts, tags = [way(title.text) for title in titles.titles], [way(tag) for tag in titles.labels]
        index = bm25s.BM25(k1=K1, b=B, method="lucene")
        index.index(texts, show_progress=False)
        theirs = np.stack([index.get_scores(tag) * (K1 + 1) for tag in tags])  # Lucene leaves the constant out
        own = bm25_scores(texts, tags)
        recalls = [float(found_by(scores, relevant).recall.mean()) for scores in (own, theirs)]
        print(f"{name}: largest difference {np.abs(own - theirs).max():.2e}; recall@20 {recalls[0]:.4f} and {recalls[1]:.4f}")


if __name__ == "__main__":
    main()
