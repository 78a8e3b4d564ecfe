"""Puts training and evaluation of the models together: which words and titles go in, where the result lies.

In: settings, and what a command asks for. Out: a model's card, or figures. torch is imported when something is trained.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from smallpool_config.settings import Settings
from smallpool_core.errors import Problem, TitlesRefused
from smallpool_models.encoders.ner import KIND, SCHEMA, SpanTagger
from smallpool_models.ner.distant import generated_titles, label_by_knowledge
from smallpool_models.ner.lexicons import known_words
from smallpool_models.ner.scores import counts, interval, score, score_by_type
from smallpool_models.ner.titles import TitleSet, read_lines, read_titles
from smallpool_models.registry.folder import read_model
from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge

if TYPE_CHECKING:
    from smallpool_models.training.card import NerCard


class NerOrder(Struct, frozen=True):
    """What `smallpool train ner` was asked for."""

    data: tuple[Path, ...]
    gazetteers: tuple[Path, ...]
    unlabelled: tuple[Path, ...]
    out: Path
    generated: int
    seed: int
    epochs: int | None


def train_tagger(settings: Settings, order: NerOrder, report: Callable[[str, int, int], None]) -> "NerCard":
    """Trains a tagger and writes its folder."""
    from smallpool_models.training.card import ner_card  # noqa: PLC0415  torch is an extra
    from smallpool_models.training.folder import write_ner  # noqa: PLC0415
    from smallpool_models.training.ner import NerSettings, train_ner  # noqa: PLC0415

    understander = KnowledgeUnderstander(load_knowledge(settings.knowledge.path))
    sets = [read_titles(path) for path in order.data]
    names = [one.name for one in sets]
    if len(set(names)) != len(names):
        raise TitlesRefused([Problem("--data", ", ".join(names), "each file gives a head its name: give the files different names")])
    if order.generated:
        generated = generated_titles(understander, settings.knowledge.path, count=order.generated, seed=order.seed)
        sets = [label_by_knowledge(understander, sets, generated)]
    known = known_words(understander.lexicon, order.gazetteers)
    chosen = NerSettings.small() if order.generated else NerSettings()
    chosen = replace(chosen, seed=order.seed, epochs=order.epochs or chosen.epochs)
    plain = [read_lines(path) for path in order.unlabelled]
    trained = train_ner(sets, known, understander.segmenter, chosen, report, [line for one in plain for line in one.lines])
    card = ner_card(trained, sets, known, chosen, plain)
    write_ner(order.out, trained, card)
    return card


def evaluate_tagger(settings: Settings, data: Path, model: Path) -> dict[str, Any]:
    """The tagger's figures on a file, as JSON values."""
    titles = read_titles(data)
    understander = KnowledgeUnderstander(load_knowledge(settings.knowledge.path))
    tagger = SpanTagger(read_model(model, KIND, SCHEMA), understander.segmenter)
    head = tagger.head_for(titles.types)
    if head is None:
        found = f"types {', '.join(titles.types) or '(none)'}"
        raise TitlesRefused([Problem(str(data), found, f"no head of {model} has one of them; it has {tagger.heads}")])
    found_spans = tagger.tag([title.text for title in titles.titles], head)
    return {
        "head": head,
        "titles": len(titles.titles),
        "dropped": titles.dropped,
        **figures_of(titles, found_spans),
        "model": tagger.version,
        "data_sha256": titles.sha256,
    }


def figures_of(titles: TitleSet, found: list[list[tuple[int, int, str]]]) -> dict[str, Any]:
    """Scores of the spans found in the titles: over all, their interval, and by type."""
    there = [title.spans for title in titles.titles]
    return {
        **to_builtins(score(there, found)),
        "f1_interval": interval(counts(there, found)),
        "by_type": to_builtins(score_by_type(there, found)),
    }
