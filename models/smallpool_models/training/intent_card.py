"""Cards of models of intent: what they are, what they were trained on and how.

In: what training left. Out: `card.json` and `CARD.md`, which lie beside the model.
"""

from msgspec import Struct

from smallpool_models.training.intent import IntentSettings, Lesson, TrainedIntent
from smallpool_models.training.written import made_with, written

PURPOSE = "Places what people type among items, near what it is meant to find. Not for running text, nor for other languages."


class IntentCard(Struct, frozen=True):
    """`space` is the version of the model of items, empty for a space of its own; `data` names what was learnt from with its digest;
    `held_back` is the share of tags that no lesson saw, by the seed.
    """

    purpose: str
    space: str
    command: str
    data: dict[str, str]
    counts: dict[str, int]
    held_back: float
    settings: IntentSettings
    lessons: tuple[Lesson, ...]
    made_with: dict[str, str | int]


def intent_card(
    trained: TrainedIntent, settings: IntentSettings, *, space: str, command: str, data: dict[str, str], held_back: float
) -> IntentCard:
    """The card of a model."""
    return IntentCard(PURPOSE, space, command, data, trained.counts, held_back, settings, trained.lessons, made_with())


def intent_card_files(card: IntentCard) -> dict[str, bytes]:
    """The card as JSON and as Markdown."""
    return written(card, _markdown(card))


def _markdown(card: IntentCard) -> str:
    lessons = [f"| {one.name} | {one.steps} | {one.loss} | {one.seconds:.0f} |" for one in card.lessons]
    lines = [
        "# A model of kind intent",
        "",
        card.purpose,
        "",
        f"Space: {f'that of the model of items {card.space}' if card.space else 'its own'}. Command: `{card.command}`.",
        f"Data: {', '.join(f'{name} (sha256 {digest[:12]})' for name, digest in card.data.items())}.",
        f"Learnt from: {', '.join(f'{count} {name}' for name, count in card.counts.items())}; {card.held_back} of the tags are held back,",
        "with every title that has one. `smallpool evaluate intent` judges by what no lesson saw.",
        "",
        "| lesson | steps | loss at the end | seconds |",
        "|---|---|---|---|",
        *lessons,
        "",
        f"Seed {card.settings.seed}; {', '.join(f'{name} {value}' for name, value in card.made_with.items())}.",
        "All settings are in `card.json`.",
    ]
    return "\n".join(lines) + "\n"
