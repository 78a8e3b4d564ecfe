"""Cards of models of vectors: what they are, what they were trained on and how, and what they reached on the rows that chose the epoch.

In: what training left. Out: `card.json` and `CARD.md`, which lie beside the model.
"""

from msgspec import Struct

from smallpool_models.training.vectors.interests import InterestSettings, TrainedVectors
from smallpool_models.training.vectors.skipgram import SkipGramSettings
from smallpool_models.training.written import made_with, written
from smallpool_models.vectors.behaviour import Behaviour

PURPOSE = (
    "Turns what is known of an item, and what a person did, into vectors of one space: an item is near a person who may want it."
    " Beside vectors of another model they say nothing."
)


class VectorCard(Struct, frozen=True):
    """`data_sha256` is the digest of the behaviour; `dev` what the rows that chose the epoch reach; `cold_share` of the items were not
    learnt from.
    """

    purpose: str
    command: str
    data: str
    data_sha256: str
    counts: dict[str, int]
    cold_share: float
    settings: InterestSettings | SkipGramSettings
    epochs: int
    best_epoch: int
    seconds: float
    dev: dict[str, float]
    made_with: dict[str, str | int]


def vector_card(
    trained: TrainedVectors, behaviour: Behaviour, settings: InterestSettings | SkipGramSettings, command: str, cold_share: float
) -> VectorCard:
    """The card of a model."""
    best = trained.epochs[trained.best]
    known = zip(("terms", "words", "ids"), (trained.vocabulary.terms, trained.vocabulary.words, trained.vocabulary.ids), strict=True)
    return VectorCard(
        purpose=PURPOSE,
        command=command,
        data=behaviour.name,
        data_sha256=behaviour.sha256,
        counts={
            **trained.counts,
            **{name: len(held) for name, held in known},
            "interests": trained.network.users.settings.interests,
        },
        cold_share=cold_share,
        settings=settings,
        epochs=len(trained.epochs),
        best_epoch=best.number,
        seconds=round(sum(epoch.seconds for epoch in trained.epochs), 1),
        dev={name: round(value, 4) for name, value in best.dev.items()},
        made_with=made_with(),
    )


def vector_card_files(card: VectorCard) -> dict[str, bytes]:
    """The card as JSON and as Markdown."""
    return written(card, _markdown(card))


def _markdown(card: VectorCard) -> str:
    reached = ", ".join(f"{name} {value:.4f}" for name, value in card.dev.items())
    made = ", ".join(f"{name} {value}" for name, value in card.made_with.items())
    ids = f"{card.counts['ids']} ids beside them" if card.settings.items.ids else "no ids"
    lines = [
        "# A model of kind vectors",
        "",
        card.purpose,
        "",
        f"    {card.command}",
        "",
        "| data | items | rows | touches | rows held out | terms | words |",
        "|---|---|---|---|---|---|---|",
        f"| {' | '.join([card.data, *(str(card.counts[name]) for name in ('items', 'rows', 'touches', 'dev', 'terms', 'words'))])} |",
        "",
        f"{card.settings.items.width} dimensions, interests: {card.counts['interests']}, {ids}.",
        f"On rows that were not learnt from and chose the epoch: {reached}. That is a little too good; measure with",
        "`smallpool evaluate interests`.",
        "",
        f"Seed {card.settings.seed}; epoch {card.best_epoch} of {card.epochs}; {card.seconds:.0f} s; {made}.",
        "",
        "The digest of the data and all settings are in `card.json`.",
    ]
    return "\n".join(lines) + "\n"
