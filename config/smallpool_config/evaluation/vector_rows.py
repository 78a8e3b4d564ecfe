"""The rows of `smallpool evaluate interests`: the model, rivals that learn from the same training data, other models, a blend.

In: behaviour, and folders of models. Out: scorers by name, each with a sentence on what it is.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from smallpool_models.encoders.interests import OnnxUserEncoder
from smallpool_models.encoders.items import KIND, SCHEMA, OnnxItemEncoder
from smallpool_models.evaluation.asked import questions_of, rarities, sequences_of, tokens_from, vectors_of
from smallpool_models.evaluation.co_visit import CoVisits
from smallpool_models.evaluation.interest_scorer import Interested
from smallpool_models.evaluation.ncf import Ncf
from smallpool_models.evaluation.next_item import Scorer
from smallpool_models.evaluation.rivals import MeanPooling, Popular
from smallpool_models.registry.folder import read_model
from smallpool_models.vectors.behaviour import Behaviour

FADING: Final = 0.8
Report = Callable[[str, int, int], None]


class ScoredRow(Struct, frozen=True):
    """A scorer by name."""

    name: str
    told: str
    scorer: Scorer


def interested(folder: Path, behaviour: Behaviour) -> Interested:
    """The items and people of a model's folder, by the encoders that serve. Raises `ModelRefused`."""
    files = read_model(folder, KIND, SCHEMA)
    vectors = vectors_of(OnnxItemEncoder(files), behaviour.items)
    return Interested(vectors, OnnxUserEncoder(files), tokens_from(vectors))


def co_visits(behaviour: Behaviour) -> CoVisits:
    """Counted on what is for training alone."""
    return CoVisits(sequences_of(behaviour.train), len(behaviour.items))


def ncf(behaviour: Behaviour, seed: int, report: Report) -> Ncf:
    """Trained on what is for training; needs the extra `train`."""
    from smallpool_models.training.ncf import NcfSettings, train_ncf  # noqa: PLC0415  torch is an extra

    sequences, judges = sequences_of(behaviour.train), questions_of(behaviour.dev)
    return Ncf(train_ncf(sequences, judges, len(behaviour.items), NcfSettings(seed=seed), report))


def rivals(behaviour: Behaviour, model: Interested, baseline: Ncf) -> list[ScoredRow]:
    """Every baseline."""
    return [
        ScoredRow("popularity", "how often an item came in training", Popular(sequences_of(behaviour.train), len(behaviour.items))),
        ScoredRow("co_visit", "forward window of 5, weight 1/distance, history fading by .8", co_visits(behaviour)),
        ScoredRow("ncf", "GMF and MLP, a person being the mean of their items", baseline),
        ScoredRow("mean_pooling", "the mean of the history's vectors of this model", MeanPooling(model.vectors)),
    ]


def tf_idf(behaviour: Behaviour) -> ScoredRow:
    """What an item is, without any learning."""
    return ScoredRow("tf_idf", "TF-IDF of terms, history fading by .8", MeanPooling(rarities(behaviour.items), FADING))
