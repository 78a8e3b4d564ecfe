"""Model cards: what a model is, what it was trained on and how, and what it reached on titles that it did not learn from.

In: what training left. Out: `card.json` and `CARD.md`, which lie beside the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from smallpool_models.ner.titles import Lines, TitleSet
from smallpool_models.training.ner import NerSettings, Trained
from smallpool_models.training.written import made_with, written


class NerCard(Struct, frozen=True):
    """A tagger's card. `sets` has for each set its digest, rows used and dropped; `unlabelled` each file's digest and titles, `epochs` and
    `best_epoch` are of each net, `dev` the scores of all together on held-out titles.
    """

    purpose: str
    sets: dict[str, dict[str, Any]]
    unlabelled: dict[str, dict[str, Any]]
    words: dict[str, int]
    settings: NerSettings
    epochs: tuple[int, ...]
    best_epoch: tuple[int, ...]
    seconds: float
    dev: dict[str, dict[str, float]]
    made_with: dict[str, str | int]

    @property
    def kept(self) -> str:
        """Which epoch of how many was kept, net by net."""
        return ", ".join(f"epoch {best} of {ran}" for best, ran in zip(self.best_epoch, self.epochs, strict=True))


PURPOSE = "Finds selling points (spans of types) in titles of listings. Not for running text, and not for other languages than Chinese."


def ner_card(
    trained: Trained, sets: Sequence[TitleSet], known: Mapping[str, Sequence[str]], settings: NerSettings, unlabelled: Sequence[Lines] = ()
) -> NerCard:
    """The card of a tagger."""
    return NerCard(
        purpose=PURPOSE,
        sets={
            one.name: {"sha256": one.sha256, "titles": len(one.titles), "dropped": one.dropped, **trained.counts[one.name]} for one in sets
        },
        unlabelled={one.name: {"sha256": one.sha256, "titles": len(one.lines)} for one in unlabelled},
        words={name: len(words) for name, words in known.items()},
        settings=settings,
        epochs=tuple(len(run.epochs) for run in trained.runs),
        best_epoch=tuple(run.epochs[run.best].number for run in trained.runs),
        seconds=round(trained.seconds, 1),
        dev={name: {"precision": one.precision, "recall": one.recall, "f1": one.f1} for name, one in trained.dev.items()},
        made_with=made_with(),
    )


def card_files(card: NerCard) -> dict[str, bytes]:
    """The card as JSON and as Markdown."""
    return written(card, _markdown(card))


def _markdown(card: NerCard) -> str:
    lines = [
        "# A tagger of titles",
        "",
        card.purpose,
        "",
        "| set | titles | learnt from | dev | dropped | dev F1 |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in card.sets.items():
        dropped = ", ".join(f"{count} ({reason})" for reason, count in one["dropped"].items()) or "0"
        lines.append(f"| {name} | {one['titles']} | {one['train']} | {one['dev']} | {dropped} | {100 * card.dev[name]['f1']:.1f} |")
    lines += [f"| {name} | {one['titles']} | unlabelled: read beforehand | | | |" for name, one in card.unlabelled.items()]
    made = ", ".join(f"{name} {value}" for name, value in card.made_with.items())
    lines += [
        "",
        "The dev part chose the epoch, so its F1 is a little too good; measure with `smallpool evaluate ner` on titles of your own.",
        "",
        f"Seed {card.settings.seed}; {card.kept}; {card.seconds:.0f} s; {made}.",
        "",
        "| words known beforehand | count |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in card.words.items()),
        "",
        "Digests of the sets and all settings are in `card.json`.",
    ]
    return "\n".join(lines) + "\n"
