"""Latent interests beside what simply counts which categories come after which: targets of a category that the history lacks.

In: behaviour with its split, a model. Out: hit@20 by row as JSON values, each row with what was chosen for it on validation.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from msgspec import Struct

from smallpool_config.evaluation.vector_rows import co_visits
from smallpool_models.evaluation.asked import catalogue_of, questions_of, sequences_of
from smallpool_models.evaluation.interest_scorer import Interested
from smallpool_models.evaluation.latent_targets import (
    WITHIN,
    CoOccurring,
    LatentInterests,
    ShareOfCategory,
    Unvisited,
    of_new_categories,
)
from smallpool_models.evaluation.next_item import Scorer, ranks
from smallpool_models.evaluation.rank_figures import Ranks, mean_interval
from smallpool_models.evaluation.rivals import Popular
from smallpool_models.vectors.behaviour import Behaviour

WIDTHS: Final = (3, 5, 10, 20, 40, 80, 160)
"""Categories near an interest, or after those of the history, that a row may recall inside."""
TUNED_ON: Final = 1_500
"""Questions of validation by which a row's width is chosen, at most."""


class _Way(Struct, frozen=True):
    """A way to find such targets, made for a width; `widths` is empty for one that has none."""

    name: str
    told: str
    made: Callable[[int], Scorer]
    widths: tuple[int, ...] = WIDTHS


def latent_figures(behaviour: Behaviour, model: Interested, most: int, seed: int) -> dict[str, Any]:
    """By row hit@20 of the targets in new categories, with its width, bounds, and the difference that latent interests make. There are no
    rows where the test or validation has no such target.
    """
    categories = catalogue_of(behaviour.items).categories
    test, dev = (of_new_categories(questions_of(rows), categories) for rows in (behaviour.test, behaviour.dev))
    test, dev = test.drawn(most or len(test), seed), dev.drawn(TUNED_ON, seed)
    rows: list[dict[str, Any]] = []
    latent: Ranks | None = None
    for way in _ways(behaviour, model) if len(test) and len(dev) else ():
        width = max(way.widths, key=lambda one: (_hit(ranks(way.made(one), dev, seed)), -one)) if way.widths else 0
        placed = ranks(way.made(width), test, seed)
        latent = placed if latent is None else latent
        rows.append(_row(way, width, placed, latent, seed))
    return {"questions": len(test), "tuned_on": f"{len(dev)} questions of validation", "rows": rows}


def _ways(behaviour: Behaviour, model: Interested) -> list[_Way]:
    """The latent interests first."""
    categories = catalogue_of(behaviour.items).categories
    sequences = sequences_of(behaviour.train)
    share, counted = ShareOfCategory(sequences, categories), co_visits(behaviour)
    nowhere = Popular(sequences, len(behaviour.items))
    return [
        _Way(
            "latent", "inside the categories near an interest, none of the history's", lambda near: LatentInterests(model, categories, near)
        ),
        _Way(
            "category_co_occurrence",
            "categories after those of the history, their popular items",
            lambda most: CoOccurring(sequences, categories, most, share, weighed=True),
        ),
        _Way(
            "category_co_occurrence_by_interests",
            "categories after those of the history, their items by the interests",
            lambda most: CoOccurring(sequences, categories, most, model, weighed=False),
        ),
        _Way("item_co_visit", "items after those of the history, none of its categories", lambda _: Unvisited(counted, categories), ()),
        _Way("popularity", "popular items, none of the history's categories", lambda _: Unvisited(nowhere, categories), ()),
    ]


def _row(way: _Way, width: int, placed: Ranks, latent: Ranks, seed: int) -> dict[str, Any]:
    hits, ours = (np.asarray(one <= WITHIN, dtype=np.float64) for one in (placed, latent))
    told: Mapping[str, Any] = {"row": way.name, "told": way.told, **({"width": width} if way.widths else {})}
    return {
        **told,
        f"hit@{WITHIN}": round(float(hits.mean()), 5),
        "interval": mean_interval(hits, seed),
        "latent_minus_this": {"difference": round(float((ours - hits).mean()), 5), "interval": mean_interval(ours - hits, seed)},
    }


def _hit(placed: Ranks) -> float:
    return float((placed <= WITHIN).mean())
