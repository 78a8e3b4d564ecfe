"""Judges words by the titles that they find: tags of a file as queries, the titles that hold them as what is to be found.

In: a file of titles with tags, a model, what it learnt from. Out: figures beside BM25 on the same titles and tags. Nothing counts that the
model learnt from: its titles are no candidates, and its tags are told of apart.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_core.errors import Problem, TitlesRefused
from smallpool_models.encoders.words import IntentEncoder
from smallpool_models.intent.figures import Found, found_by, mean_interval, z_scored
from smallpool_models.intent.learnt import Learnt
from smallpool_models.intent.okapi import WAYS, Tokens, bm25_scores
from smallpool_models.intent.split import mark_of
from smallpool_models.labels.rows import LabelSet

Vectors = NDArray[np.float32]
Placed = Callable[[IntentEncoder, list[str]], Vectors]
"""Where titles stand in the space of an encoder."""


class Model(Struct, frozen=True):
    """An encoder, and the marks of what it learnt from."""

    encoder: IntentEncoder
    learnt: Learnt


class _Question(Struct, frozen=True):
    """Candidates, tags that are asked for, and of each tag the places of the titles that hold it."""

    titles: list[str]
    tags: list[str]
    relevant: list[frozenset[int]]


def judged(titles: LabelSet, model: Model, beside: Model | None, placed: Placed, words: Tokens) -> dict[str, Any]:
    """As JSON values: the figures of tags that no lesson saw, or where the file has none those of tags that one saw on other titles;
    `seen_tags` are always the latter. `beside` is another model, compared on what neither learnt from.
    """
    models = [model] if beside is None else [model, beside]
    seen_titles, seen_tags = ({mark for one in models for mark in marks(one.learnt)} for marks in (_titles, _tags))
    kept = [title for title in titles.titles if mark_of(title.text) not in seen_titles]
    tags = sorted({tag for title in kept for tag in title.labels})
    texts = [title.text for title in kept]
    holders: dict[str, set[int]] = {tag: set() for tag in tags}
    for place, title in enumerate(kept):
        for tag in title.labels:
            holders[tag].add(place)
    asked = [tag for tag in tags if mark_of(tag) not in seen_tags]
    known = [tag for tag in tags if mark_of(tag) in seen_tags]
    if not tags:
        found = f"all its {len(titles.titles)} titles were learnt from"
        raise TitlesRefused([Problem(titles.name, found, "name another file, or train with --held-back above 0")])
    rows = {
        name: _figures(_Question(texts, some, [frozenset(holders[tag]) for tag in some]), models, placed, words)
        for name, some in (("new_tags", asked), ("seen_tags", known))
        if some
    }
    head = rows.get("new_tags") or rows["seen_tags"]
    return {
        **head,
        "judged_by": "tags that no lesson saw" if asked else "tags that a lesson saw, on other titles",
        "seen_tags": rows.get("seen_tags"),
        "left_out": {"titles learnt from": len(titles.titles) - len(kept), **titles.dropped},
        "model": model.encoder.version,
        "data_sha256": titles.sha256,
    }


def _figures(question: _Question, models: Sequence[Model], placed: Placed, words: Tokens) -> dict[str, Any]:
    lexical = {name: _lexical(question, way) for name, way in ({**WAYS, "words": words}).items()}
    found = {name: found_by(scores, question.relevant) for name, scores in lexical.items()}
    best = max(found, key=lambda name: float(found[name].recall.mean()))
    scores = [_scores(question, one.encoder, placed) for one in models]
    mine = found_by(scores[0], question.relevant)
    blended = found_by(z_scored(scores[0]) + z_scored(lexical[best]), question.relevant)
    told = {
        "recall@20": _mean(mine.recall),
        "interval": mean_interval(mine.recall),
        "bm25": _mean(found[best].recall),
        "bm25_interval": mean_interval(found[best].recall),
        "difference": _mean(mine.recall - found[best].recall),
        "difference_interval": mean_interval(mine.recall - found[best].recall),
        "of_possible": {"recall@20": _mean(mine.of_possible), "bm25": _mean(found[best].of_possible)},
        "blended_with_bm25": _beside(blended, found[best]),
        "bm25_by_tokens": {name: _mean(one.recall) for name, one in found.items()},
        "bm25_tokens": best,
        "tags": len(question.tags),
        "titles": len(question.titles),
    }
    if len(scores) > 1:
        told["beside"] = _beside(found_by(scores[1], question.relevant), mine)
    return told


def _beside(row: Found, other: Found) -> dict[str, Any]:
    """One row with its paired difference from another."""
    return {
        "recall@20": _mean(row.recall),
        "difference": _mean(row.recall - other.recall),
        "difference_interval": mean_interval(row.recall - other.recall),
    }


def _lexical(question: _Question, way: Tokens) -> NDArray[np.float64]:
    return bm25_scores([way(title) for title in question.titles], [way(tag) for tag in question.tags])


def _scores(question: _Question, encoder: IntentEncoder, placed: Placed) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = encoder.vectors(question.tags) @ placed(encoder, question.titles).T
    return scores


def _mean(values: NDArray[np.float64]) -> float:
    return round(float(values.mean()), 4)


def _titles(learnt: Learnt) -> tuple[str, ...]:
    return learnt.titles


def _tags(learnt: Learnt) -> tuple[str, ...]:
    return learnt.tags
