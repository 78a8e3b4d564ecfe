"""Gathers what the pictures of a model show.

In: an evaluation that is over, its figures. Out: `Pictures`, for `vector_report`.
"""

from typing import Any, Final

import numpy as np

from smallpool_config.evaluation.vector_report import Likenesses, Pictures
from smallpool_core.latent import intra_list_similarity
from smallpool_models.evaluation.asked import catalogue_of
from smallpool_models.evaluation.interest_scorer import Array, Interested
from smallpool_models.evaluation.ncf import Ncf
from smallpool_models.evaluation.next_item import Places, Questions
from smallpool_models.evaluation.portraits import Catalogue, Neighbourhood, item_map, neighbourhoods, person
from smallpool_models.evaluation.rank_figures import FIGURES
from smallpool_models.vectors.behaviour import Behaviour

PEOPLE: Final = 4
LOOKED_AT: Final = 4
"""Items whose neighbours are shown."""
LEAST_BEFORE: Final = 4
MOST_BEFORE: Final = 24
"""People with so many items before show what several interests are and still fit on a page."""
COMPARED: Final = 1_000
"""People whose interests are compared with each other, at most, by model."""


def pictures(behaviour: Behaviour, models: dict[str, Interested], baseline: Ncf, asked: Questions, told: dict[str, Any]) -> Pictures:
    """Of the first model everything; of the others how alike their interests are. `told` are the figures."""
    model = next(iter(models.values()))
    catalogue, seed = catalogue_of(behaviour.items), int(told["seed"])
    facts = [("data", behaviour.name), ("items", f"{len(behaviour.items):,}"), ("questions", f"{len(asked):,}"), ("model", model.name)]
    return Pictures(
        title=f"Vectors of {behaviour.name}",
        facts=[*facts, ("history", str(told["history"])), ("seed", str(seed))],
        figures=FIGURES,
        rows=[
            (name, [row[figure] for figure in FIGURES]) for name, row in (("interests", told), *((row["row"], row) for row in told["rows"]))
        ],
        items=item_map(model.vectors, catalogue, seed),
        before="NCF",
        neighbourhoods=_neighbourhoods(baseline.vectors, model.vectors, catalogue, asked, seed),
        people=[person(model, history, catalogue) for history in _people(asked, seed)],
        likenesses=[_likenesses(name, one, asked.drawn(COMPARED, seed)) for name, one in models.items()],
    )


def likenesses(model: Interested, asked: Questions) -> tuple[list[float], int]:
    """The likeness between the interests of each person who has several, and how many have fewer."""
    told = [model.told(history) for history in asked.histories]
    several = [intra_list_similarity(one.vectors) for one in told if len(one) > 1]
    return several, len(told) - len(several)


def _likenesses(name: str, model: Interested, asked: Questions) -> Likenesses:
    values, single = likenesses(model, asked)
    return Likenesses(name, values, single)


def _neighbourhoods(before: Array, after: Array, catalogue: Catalogue, asked: Questions, seed: int) -> list[Neighbourhood]:
    """Of items that people were asked about, drawn by the seed: what nobody ever touches has no neighbours by NCF."""
    touched = np.unique(asked.targets)
    known = touched[after[touched].any(axis=1)]
    drawn = np.random.default_rng(seed).choice(known, min(LOOKED_AT, len(known)), replace=False)
    return neighbourhoods(before, after, [int(item) for item in drawn], catalogue)


def _people(asked: Questions, seed: int) -> list[Places]:
    fitting = [one for one in asked.histories if LEAST_BEFORE <= one.size <= MOST_BEFORE]
    return [fitting[row] for row in np.random.default_rng(seed).permutation(len(fitting))[:PEOPLE]]
