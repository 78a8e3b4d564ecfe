"""Puts training and judging of keyword intent together: which texts and items go in, where the result lies.

In: what a command asks for. Out: a model's folder and its card, or figures. torch is imported when something is trained.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from smallpool_config.own_behaviour import generated_behaviour, read_parts
from smallpool_config.settings import Settings
from smallpool_config.tagging import understander_of
from smallpool_core.encoder_ports import Parts
from smallpool_core.errors import ModelRefused, Problem, Refused
from smallpool_core.events import parse_user_event
from smallpool_core.users import UserEvent
from smallpool_models.encoders.items import KIND as VECTORS
from smallpool_models.encoders.items import SCHEMA as VECTORS_SCHEMA
from smallpool_models.encoders.items import OnnxItemEncoder
from smallpool_models.encoders.words import KIND, SCHEMA, IntentEncoder
from smallpool_models.intent.judging import Model, judged
from smallpool_models.intent.learnt import Learnt, learnt_marks, read_learnt
from smallpool_models.intent.meant import joined_words, meant_by, searched_for
from smallpool_models.intent.okapi import Tokens
from smallpool_models.intent.split import HELD_BACK, learnt_from
from smallpool_models.labels.rows import LabelledTitle, read_tags
from smallpool_models.ner.titles import read_lines
from smallpool_models.registry.folder import read_model
from smallpool_models.understanding import load_knowledge

if TYPE_CHECKING:
    from smallpool_models.training.intent_card import IntentCard

OWN_DIMENSIONS: Final = 64
"""Of a marketplace's words where no model of items gives a space."""
MOST_LISTINGS: Final = 200_000
"""So many listings are learnt from at most, the first of the file; more of them say nothing new of words."""
_ALWAYS: Final = 2**62
"""Later than any event: those of a file are read whenever they were."""


class IntentOrder(Struct, frozen=True):
    """What `smallpool train intent` was asked for: tagged titles (`data`), or a marketplace (`listings` with or without `events`, or so
    many `generated` ones); `titles` of any domain; `items`, the folder of the model in whose space words are to lie.
    """

    out: Path
    data: Path | None = None
    titles: tuple[Path, ...] = ()
    items: Path | None = None
    listings: Path | None = None
    events: Path | None = None
    generated: int = 0
    held_back: float = HELD_BACK
    seed: int = 1
    command: str = ""


class _Source(Struct, frozen=True):
    """What is learnt from: titles with what is meant to find them, their parts where they are listings, digests by name."""

    tagged: tuple[LabelledTitle, ...]
    parts: tuple[Parts, ...]
    learnt: Learnt
    data: dict[str, str]


def train_words(settings: Settings, order: IntentOrder, report: Callable[[str, int, int], None]) -> "IntentCard":
    """Trains a model and writes its folder."""
    from smallpool_models.training.intent import IntentSettings, Shelf, train_intent  # noqa: PLC0415  torch is an extra
    from smallpool_models.training.intent_card import intent_card  # noqa: PLC0415
    from smallpool_models.training.intent_export import write_intent  # noqa: PLC0415

    encoder = None if order.items is None else _item_encoder(order.items)
    source = _marketplace(settings, order) if order.data is None else _titled(settings, order.data, order)
    lines = [read_lines(path) for path in order.titles]
    others = tuple(dict.fromkeys(line for one in lines for line in one.lines))
    if encoder is None:
        chosen = IntentSettings() if order.data else IntentSettings.within(OWN_DIMENSIONS)
        tagged, placed = source.tagged, None
    else:
        chosen = IntentSettings.within(encoder.dimensions)
        tagged, placed = _placed(encoder, source)
    chosen = replace(chosen, seed=order.seed)
    trained = train_intent(tagged, placed, Shelf(() if encoder else others), chosen, report)
    card = intent_card(
        trained,
        chosen,
        space="" if encoder is None else encoder.model,
        command=order.command,
        data=source.data | {one.name: one.sha256 for one in lines},
        held_back=order.held_back if order.data else 0.0,
    )
    write_intent(order.out, trained, card, source.learnt)
    return card


def evaluate_words(settings: Settings, data: Path, model: Path, items: Path | None, beside: Path | None) -> dict[str, Any]:
    """The figures of a model on a file, without what it learnt from; those of another one beside it, on what neither learnt from."""
    encoder = None if items is None else _item_encoder(items)
    split_words = _split_words(settings)

    def placed(words: IntentEncoder, texts: list[str]) -> NDArray[np.float32]:
        if not words.space:
            return words.title_vectors(texts)
        if encoder is None or encoder.model != words.space:
            found = "none" if encoder is None else encoder.model
            raise ModelRefused([Problem("--items", found, f"the words lie among items of {words.space}: name its folder")])
        return _vectors(encoder, [Parts(title_words=tuple(split_words(text))) for text in texts])

    model_beside = None if beside is None else _model(beside)
    return judged(read_tags(data), _model(model), model_beside, placed, split_words)


def _model(folder: Path) -> Model:
    files = read_model(folder, KIND, SCHEMA)
    return Model(IntentEncoder(files), read_learnt(files))


def _item_encoder(folder: Path) -> OnnxItemEncoder:
    return OnnxItemEncoder(read_model(folder, VECTORS, VECTORS_SCHEMA))


def _split_words(settings: Settings) -> Tokens:
    understander = understander_of(load_knowledge(settings.knowledge.path), replace(settings.models, ner=""))
    return lambda text: list(understander.split_words(text))


def _titled(settings: Settings, data: Path, order: IntentOrder) -> _Source:
    """Titles with tags, without those that are held back."""
    one = read_tags(data)
    tagged = tuple(learnt_from(one.titles, order.held_back, order.seed))
    split_words = _split_words(settings) if order.items else None
    parts = tuple(Parts(title_words=tuple(split_words(title.text))) for title in tagged) if split_words else ()
    learnt = learnt_marks({tag for title in tagged for tag in title.labels}, {title.text for title in tagged})
    return _Source(tagged, parts, learnt, {one.name: one.sha256})


def _marketplace(settings: Settings, order: IntentOrder) -> _Source:
    """Listings with the searches that found them and the words that they are known by."""
    if order.listings is None:
        parts = generated_behaviour(settings, order.generated, order.seed).items
        name = f"{order.generated} generated listings"
    else:
        parts = tuple(islice(read_parts(settings, order.listings), MOST_LISTINGS))
        name = order.listings.name
    searched = {} if order.events is None else searched_for(_in_order(order.events))
    tagged = tuple(
        LabelledTitle(joined_words(one), tuple(dict.fromkeys((*searched.get(one.item_id, ()), *meant_by(one))))) for one in parts
    )
    digest = hashlib.sha256("\n".join(f"{one.text}\t{one.labels}" for one in tagged).encode("utf-8", "surrogatepass")).hexdigest()
    return _Source(tagged, parts, Learnt(), {name: digest})


def _in_order(file: Path) -> list[UserEvent]:
    return sorted(_events(file), key=lambda event: event.at)


def _events(file: Path) -> Iterator[UserEvent]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            event = parse_user_event(line, _ALWAYS)
            if not isinstance(event, UserEvent):
                raise Refused([Problem(f"{file}:{number}", str(event), "a line is a user event, as the API takes them")])
            yield event


def _placed(encoder: OnnxItemEncoder, source: _Source) -> tuple[tuple[LabelledTitle, ...], NDArray[np.float32]]:
    """Titles of which the model of items knows something, and where it has put them."""
    vectors = _vectors(encoder, source.parts)
    known = np.flatnonzero(np.abs(vectors).max(axis=1, initial=0) > 0)
    return tuple(source.tagged[place] for place in known), vectors[known]


def _vectors(encoder: OnnxItemEncoder, parts: Sequence[Parts]) -> NDArray[np.float32]:
    """(items, d); a row of zeros for one of which nothing is known."""
    rows = np.zeros((len(parts), encoder.dimensions), dtype=np.float32)
    for place, vector in enumerate(encoder.encode(parts)):
        if vector:
            rows[place] = np.frombuffer(vector, dtype="<f4")
    return rows
