"""Puts the training of vectors together: which behaviour goes in, what is set, where the result lies.

In: what a command asks for. Out: a model's folder and its card. torch is imported when something is trained.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.own_behaviour import generated_behaviour, read_own
from smallpool_config.settings import Settings
from smallpool_core.errors import Problem, Refused
from smallpool_models.vectors.behaviour import Behaviour, is_cold, read_sequences, read_session_folder, without_items
from smallpool_models.vectors.direction import goes_one_way
from smallpool_models.vectors.vocabulary import VectorVocabulary, learnt_vocabulary

if TYPE_CHECKING:
    from smallpool_models.training.vectors.card import VectorCard
    from smallpool_models.training.vectors.interests import InterestSettings
    from smallpool_models.training.vectors.item_network import ItemNetwork

Ids = Literal["auto", "on", "off"]
Gate = Literal["fusion", "selection", "metric"]
CHECKPOINT = "training.pt"
MOST_WORDS = 30_000
OF_A_SEQUENCE = 1
"""Interests where one next item is ranked among all: more of them learn more slowly and gained nothing there (docs/models.md)."""
WHERE_ROWS_GO_ONE_WAY = 128
"""Dimensions of sessions that go one way: half of a vector begins as what its item is found by, half as what it asks for (measured, see
docs/results/vectors.md)."""
FEWEST_OF_A_TERM = 2
"""What one item alone has says nothing about others."""


class BehaviourSource(Struct, frozen=True):
    """Where behaviour comes from: one of `sequences`, `sessions`, `events` with `items`, and `generated` listings."""

    sequences: Path | None = None
    attributes: Path | None = None
    sessions: Path | None = None
    item_category: Path | None = None
    events: Path | None = None
    items: Path | None = None
    generated: int = 0

    @property
    def is_public(self) -> bool:
        """Whether items stay for long, as in the files that recall is compared on; then an id is worth having."""
        return self.sequences is not None or self.sessions is not None


class VectorOrder(Struct, frozen=True):
    """What `smallpool train items` or `interests` was asked for; what is None is as the settings of the training have it."""

    source: BehaviourSource
    out: Path
    seed: int = 1
    epochs: int | None = None
    minutes: float | None = None
    width: int | None = None
    interests: int | None = None
    without: tuple[Gate, ...] = ()
    ids: Ids = "auto"
    cold_share: float = 0.0
    start: Path | None = None
    resume: bool = False
    command: str = ""


def behaviour_from(settings: Settings, source: BehaviourSource, seed: int) -> Behaviour:
    """Reads it. Raises `Refused` for files that are not of their form."""
    if source.sequences is not None:
        return read_sequences(source.sequences, source.attributes)
    if source.sessions is not None:
        return read_session_folder(source.sessions, source.item_category)
    if source.events is not None and source.items is not None:
        return read_own(settings, source.events, source.items)
    return generated_behaviour(settings, source.generated, seed)


def train_user_vectors(settings: Settings, order: VectorOrder, report: Callable[[str, int, int], None]) -> "VectorCard":
    """Trains the nets of items and interests and writes their folder."""
    from smallpool_models.training.vectors.card import vector_card  # noqa: PLC0415  torch is an extra
    from smallpool_models.training.vectors.export import write_vectors  # noqa: PLC0415
    from smallpool_models.training.vectors.interests import train_interests  # noqa: PLC0415
    from smallpool_models.training.vectors.machines import leads  # noqa: PLC0415

    behaviour = _learnt_from(settings, order)
    chosen = _interest_settings(order, behaviour)
    vocabulary, start = _beginning(order, behaviour, ids=chosen.items.ids)
    chosen = chosen if start is None else _beside(chosen, start, order)
    checkpoint = _checkpoint(order)
    trained = train_interests(behaviour, vocabulary, chosen, report, start, checkpoint)
    card = vector_card(trained, behaviour, chosen, order.command, order.cold_share)
    if leads():
        write_vectors(order.out, trained, card)
        checkpoint.unlink(missing_ok=True)
    return card


def train_item_vectors(settings: Settings, order: VectorOrder, report: Callable[[str, int, int], None]) -> "VectorCard":
    """Trains the net of items alone and writes a folder whose people have one interest, the mean of what they touched."""
    from smallpool_models.training.vectors.card import vector_card  # noqa: PLC0415  torch is an extra
    from smallpool_models.training.vectors.export import write_vectors  # noqa: PLC0415
    from smallpool_models.training.vectors.machines import leads  # noqa: PLC0415
    from smallpool_models.training.vectors.skipgram import SkipGramSettings, train_items  # noqa: PLC0415

    made = SkipGramSettings(seed=order.seed)
    items = replace(made.items, width=order.width or made.items.width, ids=_has_ids(order))
    chosen = replace(made, epochs=order.epochs or made.epochs, minutes=order.minutes or made.minutes, items=items)
    behaviour = _learnt_from(settings, order)
    vocabulary, _ = _beginning(order, behaviour, ids=items.ids)
    checkpoint = _checkpoint(order)
    trained = train_items(behaviour, vocabulary, chosen, report, checkpoint)
    card = vector_card(trained, behaviour, chosen, order.command, order.cold_share)
    if leads():
        write_vectors(order.out, trained, card)
        checkpoint.unlink(missing_ok=True)
    return card


def _has_ids(order: VectorOrder) -> bool:
    return order.source.is_public if order.ids == "auto" else order.ids == "on"


def _learnt_from(settings: Settings, order: VectorOrder) -> Behaviour:
    behaviour = behaviour_from(settings, order.source, order.seed)
    return without_items(behaviour, partial(is_cold, share=order.cold_share)) if order.cold_share else behaviour


def _checkpoint(order: VectorOrder) -> Path:
    """Where the training stands; of an earlier one only if it is to go on."""
    file = order.out / CHECKPOINT
    if not order.resume:
        file.unlink(missing_ok=True)
    return file


def _interest_settings(order: VectorOrder, behaviour: Behaviour) -> "InterestSettings":
    from smallpool_models.training.vectors.interests import InterestSettings  # noqa: PLC0415  torch is an extra

    made = InterestSettings(seed=order.seed)
    ids = _has_ids(order)
    ahead = order.source.sessions is not None and ids and goes_one_way(behaviour.train)
    items = replace(made.items, width=order.width or (WHERE_ROWS_GO_ONE_WAY if ahead else made.items.width), ids=ids)
    users = replace(
        made.users,
        width=items.width,
        interests=order.interests or (OF_A_SEQUENCE if order.source.sequences is not None else made.users.interests),
        fusion="fusion" not in order.without,
        turn=ahead,
    )
    return replace(
        made,
        epochs=order.epochs or made.epochs,
        minutes=order.minutes or made.minutes,
        selection="selection" not in order.without,
        metric=0.0 if "metric" in order.without else made.metric,
        spectral=ahead,  # measured with and without, docs/results/vectors.md
        items=items,
        users=users,
    )


def _beside(chosen: "InterestSettings", start: "ItemNetwork", order: VectorOrder) -> "InterestSettings":
    """The same, of the width of the items that are gone on from, and with ids if these have them. Raises `Refused` for another width."""
    width = start.settings.width
    if order.width not in (None, width):
        raise Refused([Problem("--width", str(order.width), f"the items of {order.start} have {width}: leave --width out")])
    return replace(chosen, items=start.settings, users=replace(chosen.users, width=width))


def _beginning(order: VectorOrder, behaviour: Behaviour, *, ids: bool) -> "tuple[VectorVocabulary, ItemNetwork | None]":
    """The vocabulary, and the net of items that was trained before, if one is named."""
    if order.start is not None:
        from smallpool_models.training.vectors.trained_items import read_items  # noqa: PLC0415  torch is an extra

        return read_items(order.start)
    touched = set(behaviour.train.values.tolist()) if ids else set()
    known = (one.item_id for number, one in enumerate(behaviour.items, start=1) if number in touched)
    return learnt_vocabulary(behaviour.items, known, FEWEST_OF_A_TERM, MOST_WORDS), None
