"""Puts training and evaluation of categories and tags together: which titles go in, where the result lies.

In: what a command asks for. Out: a model's card, or figures. torch is imported when something is trained.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from smallpool_config.settings import Settings
from smallpool_models.encoders.labels import CATEGORY, SCHEMA, TAGS, CategoryPredictor, TagPredictor
from smallpool_models.evaluation.intervals import interval as share_interval
from smallpool_models.labels.generated import generated_categories
from smallpool_models.labels.rows import LabelSet, read_categories, read_tags
from smallpool_models.labels.scores import calibration_error, label_counts, label_score
from smallpool_models.ner.scores import interval
from smallpool_models.registry.folder import read_model
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge

if TYPE_CHECKING:
    from smallpool_models.training.label_card import LabelCard


class LabelOrder(Struct, frozen=True):
    """What `smallpool train category` or `tags` was asked for; `generated` titles are written where no file is named."""

    task: Literal["category", "tags"]
    data: Path | None
    generated: int
    out: Path
    seed: int
    epochs: int | None


def train_labeller(settings: Settings, order: LabelOrder, report: Callable[[str, int, int], None]) -> "LabelCard":
    """Trains a model and writes its folder."""
    from smallpool_models.training.label_card import label_card  # noqa: PLC0415  torch is an extra
    from smallpool_models.training.label_export import write_labels  # noqa: PLC0415
    from smallpool_models.training.labels import LabelSettings, train_labels  # noqa: PLC0415
    from smallpool_models.training.tags import train_tags  # noqa: PLC0415

    one = _titles(settings, order)
    chosen = LabelSettings.small() if order.data is None else LabelSettings(order.task)
    chosen = replace(chosen, seed=order.seed, epochs=order.epochs or chosen.epochs)
    trained = train_labels(one, chosen, report) if order.task == "category" else train_tags(one, chosen, report)
    card = label_card(trained, one, chosen)
    write_labels(order.out, trained, card)
    return card


def _titles(settings: Settings, order: LabelOrder) -> LabelSet:
    knowledge = load_knowledge(settings.knowledge.path)
    if order.data is None:
        return _as_served(generated_categories(knowledge, count=order.generated, seed=order.seed), knowledge)
    return _as_served(read_categories(order.data) if order.task == "category" else read_tags(order.data), knowledge)


def _as_served(one: LabelSet, knowledge: KnowledgeBase) -> LabelSet:
    """The titles as a model is asked for them when it serves: simplified, and no longer than is read of one."""
    folder = KnowledgeUnderstander(knowledge)
    return replace(one, titles=tuple(replace(title, text=folder.folded(title.text)) for title in one.titles))


def evaluate_category(settings: Settings, data: Path, model: Path) -> dict[str, Any]:
    """How good a model's categories are on a file: every title gets its likeliest one, `other` says what the threshold leaves out."""
    titles = _as_served(read_categories(data), load_knowledge(settings.knowledge.path))
    predictor = CategoryPredictor(read_model(model, CATEGORY, SCHEMA))
    found = predictor.predict([title.text for title in titles.titles])
    there = [title.labels for title in titles.titles]
    right = np.array([label == one[0] for (label, _), one in zip(found, there, strict=True)])
    sure = np.array([confidence for _, confidence in found])
    kept = sure >= predictor.other_below
    return {
        "accuracy": float(right.mean()),
        "accuracy_interval": share_interval(right.tolist(), random.Random(1)),  # noqa: S311  no secret
        "macro_f1": label_score(there, [(label,) for label, _ in found]).macro_f1,
        "ece": calibration_error(sure, right),
        "other": {
            "below": predictor.other_below,
            "share": float(1 - kept.mean()),
            "accuracy_of_the_rest": float(right[kept].mean()) if kept.any() else 0.0,
        },
        "titles": len(titles.titles),
        "dropped": titles.dropped,
        "model": predictor.version,
        "data_sha256": titles.sha256,
    }


def evaluate_tags(settings: Settings, data: Path, model: Path) -> dict[str, Any]:
    """How good a model's tags are on a file."""
    titles = _as_served(read_tags(data), load_knowledge(settings.knowledge.path))
    predictor = TagPredictor(read_model(model, TAGS, SCHEMA))
    found = predictor.predict([title.text for title in titles.titles])
    there = [title.labels for title in titles.titles]
    return {
        **to_builtins(label_score(there, found)),
        "f1_interval": interval(label_counts(there, found)),
        "titles": len(titles.titles),
        "unknown_tags": len(set(titles.labels) - set(predictor.labels)),
        "dropped": titles.dropped,
        "model": predictor.version,
        "data_sha256": titles.sha256,
    }
