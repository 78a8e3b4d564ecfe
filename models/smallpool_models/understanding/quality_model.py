"""How the parts of the quality add up: a weighted sum, no weight of which is negative, and a rising curve that turns it into a share.

In: parts in [0, 1], of which more is always better. Out: the quality in [0, 1]: how likely a listing of such parts is one as its seller
meant it rather than one that was spoilt. A better part never lowers it, so that each part explains what it costs.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from smallpool_core.items import ORIGINAL
from smallpool_models.understanding.characters import CharacterModel
from smallpool_models.understanding.fitting import CategoryModel
from smallpool_models.understanding.phrases import PhraseModel

PARTS: Final = (
    "completeness", "photos", "price", "clarity", "stuffing", "conduct", "content", "order", "category",
    "phrases", "belonging", "focus", ORIGINAL,
)  # fmt: skip


class QualityModel(Struct, frozen=True):
    """What training found. `curve` has rising pairs of a weighted sum and its quality; between two of them it is straight."""

    weights: dict[str, float]
    curve: list[tuple[float, float]]
    characters: CharacterModel
    categories: CategoryModel
    phrases: PhraseModel
    trained_on: str
    data_sha256: str
    seed: int


def weighted(parts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The weighted sum; a part that is not there counts as whole."""
    return sum(weight * parts.get(name, 1.0) for name, weight in weights.items())


def combined(parts: Mapping[str, float], model: QualityModel) -> float:
    """The quality of these parts, in [0, 1]."""
    value, curve = weighted(parts, model.weights), model.curve
    place = bisect_right(curve, value, key=lambda pair: pair[0])
    if place == 0:
        return curve[0][1]
    if place == len(curve):
        return curve[-1][1]
    (low, from_share), (high, to_share) = curve[place - 1], curve[place]
    return from_share + (to_share - from_share) * (value - low) / (high - low)
