"""Cards of models that label titles: what they are, what they were trained on and how, and what they reached on titles kept apart.

In: what training left. Out: `card.json` and `CARD.md`, which lie beside the model.
"""

from msgspec import Struct

from smallpool_models.labels.deciding import Sureness
from smallpool_models.labels.rows import LabelSet
from smallpool_models.training.labels import LabelSettings, Task, TrainedLabels
from smallpool_models.training.written import made_with, written

PURPOSE = {
    "category": "Names the category of a listing from its title, with a confidence. Not for running text, and for no other categories.",
    "tags": "Names the tags of a listing from its title. It knows the tags that it was trained on and no others.",
}


HELD_OUT = {
    "category": "a tenth, which chose the epoch too; then all were learnt from",
    "tags": "each by machines that learnt from the others",
}


class LabelCard(Struct, frozen=True):
    """`data_sha256` is the digest of the file, or of titles that were generated; `dev` what the titles that chose the epoch reach."""

    task: Task
    purpose: str
    data: str
    data_sha256: str
    counts: dict[str, int]
    dropped: dict[str, int]
    settings: LabelSettings
    epochs: int
    best_epoch: int
    seconds: float
    dev: dict[str, float]
    sureness: Sureness | None
    made_with: dict[str, str | int]


def label_card(trained: TrainedLabels, one: LabelSet, settings: LabelSettings) -> LabelCard:
    """The card of a model."""
    return LabelCard(
        task=settings.task,
        purpose=PURPOSE[settings.task],
        data=one.name,
        data_sha256=one.sha256,
        counts=trained.counts,
        dropped=one.dropped,
        settings=settings,
        epochs=len(trained.epochs),
        best_epoch=trained.epochs[trained.best].number,
        seconds=round(trained.epochs[-1].seconds, 1),
        dev={name: round(value, 4) for name, value in trained.dev.items()},
        sureness=trained.decides if isinstance(trained.decides, Sureness) else None,
        made_with=made_with(),
    )


def label_card_files(card: LabelCard) -> dict[str, bytes]:
    """The card as JSON and as Markdown."""
    return written(card, _markdown(card))


def _markdown(card: LabelCard) -> str:
    dropped = ", ".join(f"{count} ({reason})" for reason, count in card.dropped.items()) or "0"
    held = [str(card.counts[name]) for name in ("titles", "labels", "train", "dev", "grams")]
    made = ", ".join(f"{name} {value}" for name, value in card.made_with.items())
    reached = ", ".join(f"{name} {value:.4f}" for name, value in card.dev.items())
    epoch = f"epoch {card.best_epoch} of {card.epochs}; " if card.task == "category" else ""
    lines = [
        f"# A model of kind {card.task}",
        "",
        card.purpose,
        "",
        "| data | titles | labels | learnt from | held out | runs of characters | dropped |",
        "|---|---|---|---|---|---|---|",
        f"| {' | '.join([card.data, *held, dropped])} |",
        "",
        f"On titles held out ({HELD_OUT[card.task]}): {reached}.",
        f"They chose the thresholds, so that is a little too good; measure with `smallpool evaluate {card.task}` on titles of your own.",
        "",
        *_other(card.sureness),
        f"Seed {card.settings.seed}; {epoch}{card.seconds:.0f} s; {made}.",
        "",
        "The digest of the data and all settings are in `card.json`.",
    ]
    return "\n".join(lines) + "\n"


def _other(sureness: Sureness | None) -> list[str]:
    if sureness is None:
        return []
    return [f"Temperature {sureness.temperature}; a title whose confidence is below {sureness.other_below} fits no category.", ""]
