"""Trains the vectors anew on what people did lately, and puts them in force unless they are worse than those that are.

In: behaviour, the model in force, a folder. Out: the folder with the new model, whoever serves from it takes it up; or the one before, and
the two figures that say why. The last item of each person is never learnt from: by it both are judged.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct

from smallpool_config.embedding import BehaviourSource, VectorOrder, behaviour_from, train_user_vectors
from smallpool_config.settings import Settings
from smallpool_config.vector_models import before
from smallpool_core.errors import Problem, Refused
from smallpool_models.encoders.items import KIND, SCHEMA
from smallpool_models.registry.folder import MANIFEST, ModelFiles, read_model, write_model

JUDGED_BY: Final = "ndcg@10"
FEWEST_QUESTIONS: Final = 20
"""Below so many people who touched three items or more, no figure says which of two models is better."""

Told = Callable[[str, int, int], None]


class RetrainOrder(Struct, frozen=True):
    """What `smallpool models retrain` was asked for: behaviour from two files, where the model lies, what bounds the training."""

    events: Path
    items: Path
    out: Path
    seed: int = 1
    minutes: float | None = None
    epochs: int | None = None
    command: str = ""


class Retrained(Struct, frozen=True):
    """What became of it: `figure` names what both were judged by, over `questions` people; `current` is None where no model was in force.
    `low` and `high` bound the difference, new less current, with 95 %.
    """

    promoted: bool
    folder: str
    model: str
    replaces: str | None
    figure: str
    questions: int
    new: float
    current: float | None
    low: float | None = None
    high: float | None = None


def retrain(settings: Settings, order: RetrainOrder, told: Told) -> Retrained:
    """Trains, judges, and promotes unless the new model is worse. Raises `Refused` for behaviour that is too little to judge by."""
    from smallpool_config.evaluation.interests import InterestOrder, evaluate_interests  # noqa: PLC0415  it needs what trains

    source = BehaviourSource(events=order.events, items=order.items)
    current = in_force(settings, order.out)
    with TemporaryDirectory(prefix="smallpool-retrain-") as made:
        new = Path(made) / "new"
        asked = VectorOrder(source, new, seed=order.seed, minutes=order.minutes, epochs=order.epochs, command=order.command)
        train_user_vectors(settings, asked, told)
        behaviour = behaviour_from(settings, source, order.seed)
        judged = evaluate_interests(behaviour, InterestOrder(new, () if current is None else (current,), seed=order.seed), told)
        if judged["questions"] < FEWEST_QUESTIONS:
            found = f"{judged['questions']} people who touched three items or more"
            raise Refused([Problem(str(order.events), found, f"{FEWEST_QUESTIONS} are needed to judge a model by: take a longer time")])
        files = read_model(new, KIND, SCHEMA)
        outcome = _outcome(judged, files, order.out, current)
        if outcome.promoted:
            promote(files, order.out, current)
    return outcome


def in_force(settings: Settings, out: Path) -> Path | None:
    """The folder of the model that a new one has to stand against: the one that lies where it is to go, else that of the settings."""
    return out if (out / MANIFEST).exists() else settings.models.vectors_path


def promote(files: ModelFiles, out: Path, current: Path | None) -> None:
    """Puts the model into the folder, and the one in force, wherever that lies, into the folder beside it, from which a process that starts
    meanwhile knows what is still searched. The manifest is written last: who serves from the folder takes up the whole of it or nothing.
    """
    if current is not None:
        _write(read_model(current, KIND, SCHEMA), before(out))
    _write(files, out)


def _write(files: ModelFiles, folder: Path) -> None:
    write_model(folder, KIND, SCHEMA, files.files, files.manifest.inputs, files.manifest.outputs)


def _outcome(judged: Mapping[str, Any], files: ModelFiles, out: Path, current: Path | None) -> Retrained:
    rows, new = judged["rows"], judged[JUDGED_BY]
    row = rows[0] if current is not None else {}
    low, high = row["interests_minus_this"][JUDGED_BY]["interval"] if row else (None, None)
    return Retrained(
        promoted=not row or new >= row[JUDGED_BY],
        folder=str(out),
        model=files.manifest.version,
        replaces=None if current is None else read_model(current, KIND, SCHEMA).manifest.version,
        figure=JUDGED_BY,
        questions=judged["questions"],
        new=new,
        current=row.get(JUDGED_BY),
        low=low,
        high=high,
    )
