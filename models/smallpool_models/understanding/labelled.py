"""Joins what the knowledge base says of a whole listing with what trained models say: its category and its tags.

In: what the words speak for, and a model's answer with its calibrated confidence. Out: the category and the tags that count.

A seller's own category comes first. Then the knowledge base's, where it is sure (`SURE`): each of its answers can be traced to a line of a
file. Where it is in doubt the surer of the two counts, and where it knows nothing the model alone, unless that calls the title `other`:
then the head noun stays. Where both name the same category the surer figure of the two is its confidence.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from smallpool_core.normalise import PATH_SEPARATOR, normalise
from smallpool_models.understanding.category import Placed, given_path

SURE = 0.5
"""Confidence from which the knowledge base is not asked to yield: its best category has twice the evidence of the second, or more."""


class Guess(NamedTuple):
    """A model's category path and its calibrated confidence in [0, 1]."""

    path: tuple[str, ...]
    confidence: float


class _Changing(Protocol):
    @property
    def version(self) -> str:
        """The version of the model in force."""

    @property
    def refused(self) -> str:
        """Why a newer model is not in force; empty where all is well."""

    def refresh(self) -> None:
        """Changes over to a newer model where there is one."""


class CategoryModel(_Changing, Protocol):
    """Names the category of titles."""

    def predict(self, texts: Sequence[str]) -> tuple[str, list[Guess | None]]:
        """The version that answered, and of each text its category; None where it fits none that the model knows."""


class TagModel(_Changing, Protocol):
    """Names the tags of titles."""

    def predict(self, texts: Sequence[str]) -> tuple[str, list[tuple[str, ...]]]:
        """The version that answered, and the tags of each text, the likeliest first."""


def guessed(label: str, confidence: float) -> Guess | None:
    """A model's label as a path, `数码›手机` as two elements; None where nothing of it is left."""
    path = given_path(label.split(PATH_SEPARATOR))
    return Guess(path, round(confidence, 3)) if path else None


def settled(placed: Placed, guess: Guess | None) -> Placed:
    """The category that counts."""
    if guess is None or placed.source == "given":
        return placed
    if placed.source == "predicted":
        if placed.path == guess.path:
            return placed._replace(confidence=max(placed.confidence, guess.confidence))
        if placed.confidence >= SURE or placed.confidence >= guess.confidence:
            return placed
    return Placed(guess.path, "predicted", guess.confidence)


def all_tags(known: Sequence[str], found: Iterable[str]) -> tuple[str, ...]:
    """The knowledge base's tags, then those that a model adds, each once and normalised."""
    return tuple(dict.fromkeys([*known, *filter(str.strip, map(normalise, found))]))
