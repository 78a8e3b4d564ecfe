"""`smallpool evaluate items`: what the vectors of items are worth by themselves, before anybody's interests.

In: behaviour with its split, a model's folder. Out: figures as JSON values; what was touched next is sought among an item's neighbours.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import to_builtins

from smallpool_config.evaluation.interests import InterestOrder, asked_of, trained_on
from smallpool_config.evaluation.vector_pictures import pictures
from smallpool_config.evaluation.vector_report import write_page
from smallpool_config.evaluation.vector_rows import Report, interested, ncf
from smallpool_models.evaluation.asked import catalogue_of
from smallpool_models.evaluation.interest_scorer import Array
from smallpool_models.evaluation.item_figures import Neighbours, item_figures
from smallpool_models.evaluation.next_item import Questions, ranks
from smallpool_models.evaluation.rank_figures import Ranks, beside, figures
from smallpool_models.vectors.behaviour import Behaviour

COMPARED: Final = 2_000
"""Items whose neighbours are looked at, at most."""


def evaluate_items(behaviour: Behaviour, order: InterestOrder, report: Report) -> dict[str, Any]:
    """The figures of the model's vectors, and beside them those of other models and, as baseline, of NCF. Raises `ModelRefused`."""
    model, asked = interested(order.model, behaviour), asked_of(behaviour, order)
    baseline = ncf(trained_on(behaviour, order), order.seed, report) if order.baselines or order.report else None
    found: list[tuple[str, Array]] = [(one.name, interested(one, behaviour).vectors) for one in order.against]
    found = [("ncf", baseline.vectors), *found] if order.baselines and baseline is not None else found
    placed = _placed(model.vectors, asked, order)
    categories = catalogue_of(behaviour.items).categories

    def told(vectors: Array, its: Ranks) -> dict[str, Any]:
        return {**figures(its, order.seed), **to_builtins(item_figures(vectors, categories, COMPARED, order.seed))}

    rows: Sequence[dict[str, Any]] = [
        {"row": name, **told(vectors, its), "items_minus_this": beside(placed, its, order.seed)}
        for name, vectors in found
        for its in (_placed(vectors, asked, order),)
    ]
    whole = {
        "data": behaviour.name,
        "data_sha256": behaviour.sha256,
        "items": len(behaviour.items),
        "questions": len(asked),
        "history": "kept" if order.keep_history else "excluded",
        "cold": order.cold,
        "seed": order.seed,
        "model": model.name,
        **told(model.vectors, placed),
        "rows": rows,
    }
    if order.report is not None and baseline is not None:
        write_page(order.report, pictures(behaviour, {"interests": model}, baseline, asked, whole))
    return whole


def _placed(vectors: Array, asked: Questions, order: InterestOrder) -> Ranks:
    return ranks(Neighbours(vectors), asked, order.seed, without_history=not order.keep_history)
