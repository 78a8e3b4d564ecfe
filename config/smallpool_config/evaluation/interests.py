"""`smallpool evaluate interests`: how often the next thing that a person touched is among what their interests recall.

In: behaviour with its split, a model's folder, what else is to stand beside it. Out: figures as JSON values.

The protocol is one for all rows: every item is a candidate but those of the history, ties are broken at random by the seed, a question is
one person (their last item) or one session of the test. Nothing of the test is trained on, counted or tuned on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray

from smallpool_config.evaluation.latent_rows import latent_figures
from smallpool_config.evaluation.vector_pictures import likenesses, pictures
from smallpool_config.evaluation.vector_report import write_page
from smallpool_config.evaluation.vector_rows import Report, ScoredRow, co_visits, interested, ncf, rivals, tf_idf
from smallpool_models.evaluation.asked import questions_of
from smallpool_models.evaluation.blend import Blended, best, tuned
from smallpool_models.evaluation.interest_scorer import Interested
from smallpool_models.evaluation.next_item import Questions, ranks
from smallpool_models.evaluation.rank_figures import beside, by_tercile, figures
from smallpool_models.vectors.behaviour import Behaviour, is_cold, without_items

TUNED_ON: Final = 2_000
"""Questions of validation by which a blend is tuned, at most."""
TUNED_BY: Final = "ndcg@10"
ALIKE_OF: Final = 2_000
"""Questions whose interests are compared with each other, at most."""


class InterestOrder(Struct, frozen=True):
    """What is asked for. `most` test questions are drawn by the seed, all of them where it is 0. Of `cold` items, that share by a hash of
    the id, nothing is counted either, and only questions that aim at one are asked: the model must have been trained without them.
    """

    model: Path
    against: tuple[Path, ...] = ()
    baselines: bool = False
    blend: bool = False
    by_activity: bool = False
    keep_history: bool = False
    latent: bool = False
    report: Path | None = None
    cold: float = 0.0
    most: int = 0
    seed: int = 1


class Judged(Struct, frozen=True):
    """A row with the rank of every question's target."""

    row: ScoredRow
    ranks: NDArray[np.int64]


class Evaluation:
    """One evaluation under way: the model and the rows beside it, each asked the same questions."""

    def __init__(self, behaviour: Behaviour, order: InterestOrder, report: Report) -> None:
        self.order, self._report = order, report
        self.behaviour = trained_on(behaviour, order)
        self.asked = asked_of(behaviour, order)
        self.model = interested(order.model, behaviour)
        self.baseline = ncf(self.behaviour, order.seed, report) if order.baselines or order.report else None

    def rows(self) -> list[ScoredRow]:
        """The model first."""
        order = self.order
        found = [ScoredRow("interests", "the model: top n of each interest, merged by score", self.model)]
        if order.baselines and self.baseline is not None:
            found += rivals(self.behaviour, self.model, self.baseline)
        if order.cold:
            found.append(tf_idf(self.behaviour))
        found += [ScoredRow(one.name, f"the model in {one.name}", interested(one, self.behaviour)) for one in order.against]
        return found

    def judged(self, row: ScoredRow) -> Judged:
        """The row with its ranks."""
        self._report(row.name, 0, len(self.asked))
        return Judged(row, ranks(row.scorer, self.asked, self.order.seed, without_history=not self.order.keep_history))

    def blend(self) -> tuple[ScoredRow, dict[str, Any]]:
        """The model and the co-visit as one, and how its weight was found: on validation."""
        counted = co_visits(self.behaviour)
        tried = tuned(self.model, counted, questions_of(self.behaviour.dev).drawn(TUNED_ON, self.order.seed), TUNED_BY, self.order.seed)
        chosen = best(tried)
        row = ScoredRow("blend", f"interests + {chosen.weight} · co-visit, both standardised", Blended(self.model, counted, chosen.weight))
        return row, {"tuned_by": TUNED_BY, "tuned_on": "validation", "weight": chosen.weight, "tried": to_builtins(tried)}


def evaluate_interests(behaviour: Behaviour, order: InterestOrder, report: Report) -> dict[str, Any]:
    """The figures of the model, and of each row beside it with the difference that the model makes. Raises `ModelRefused`."""
    evaluation = Evaluation(behaviour, order, report)
    judged = [evaluation.judged(row) for row in evaluation.rows()]
    blended: dict[str, Any] = {}
    if order.blend:
        row, how = evaluation.blend()
        judged.append(evaluation.judged(row))
        blended = {"blend": how}
    told = {
        "data": behaviour.name,
        "data_sha256": behaviour.sha256,
        "items": len(behaviour.items),
        "questions": len(evaluation.asked),
        "history": "kept" if order.keep_history else "excluded",
        "cold": order.cold,
        "seed": order.seed,
        "model": evaluation.model.name,
        **_told(judged[0], evaluation),
        "rows": [
            {
                "row": one.row.name,
                "told": one.row.told,
                **_told(one, evaluation),
                "interests_minus_this": beside(judged[0].ranks, one.ranks, order.seed),
            }
            for one in judged[1:]
        ],
        **blended,
        **({"latent": latent_figures(evaluation.behaviour, evaluation.model, order.most, order.seed)} if order.latent else {}),
    }
    if order.report is not None and evaluation.baseline is not None:
        models = {"interests": evaluation.model, **{one.name: interested(one, behaviour) for one in order.against}}
        write_page(order.report, pictures(behaviour, models, evaluation.baseline, evaluation.asked, told))
    return told


def alike(model: Interested, asked: Questions) -> dict[str, Any]:
    """How alike the interests of one person are, in the mean over people who have several, and how many those are."""
    values, single = likenesses(model, asked)
    return {"mean": round(float(np.mean(values)), 4) if values else 0.0, "people": len(values), "of_one_interest": single}


def _told(one: Judged, evaluation: Evaluation) -> dict[str, Any]:
    """The figures of a row; of a model also how alike a person's interests are."""
    order, asked, scorer = evaluation.order, evaluation.asked, one.row.scorer
    return {
        **figures(one.ranks, order.seed),
        **({"ils": alike(scorer, asked.drawn(ALIKE_OF, order.seed))} if isinstance(scorer, Interested) else {}),
        **({"by_activity": by_tercile(one.ranks, asked.activity)} if order.by_activity else {}),
    }


def trained_on(behaviour: Behaviour, order: InterestOrder) -> Behaviour:
    """Without the cold items, as the model was trained."""
    return without_items(behaviour, lambda item: is_cold(item, order.cold)) if order.cold else behaviour


def asked_of(behaviour: Behaviour, order: InterestOrder) -> Questions:
    """The questions of the test; of cold items those alone that aim at one."""
    asked = questions_of(behaviour.test)
    if order.cold:
        cold: Sequence[int] = [row for row, target in enumerate(asked.targets) if is_cold(behaviour.items[target].item_id, order.cold)]
        asked = Questions([asked.histories[row] for row in cold], asked.targets[cold])
    return asked.drawn(order.most, order.seed) if order.most else asked
