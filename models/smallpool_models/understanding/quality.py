"""How good a listing is, part by part, each of which can be shown and explained.

In: what was given and understood. Out: the parts in [0, 1]. Limits: `quality.toml`. How they add up is in `quality_model.py`.
"""

import math
import re
from collections.abc import Sequence

from msgspec import Struct

from smallpool_core.items import ORIGINAL
from smallpool_models.understanding.characters import pairs_of
from smallpool_models.understanding.contact import has_contact
from smallpool_models.understanding.knowledge import (
    ClaritySettings,
    CompletenessSettings,
    ConductSettings,
    ContentSettings,
    FocusSettings,
    PhotoSettings,
    PriceSettings,
    QualitySettings,
    StuffingSettings,
)
from smallpool_models.understanding.points import Heard

_MARKS = re.compile(r"[^\w\s]|_")


class Seen(Struct, frozen=True):
    """What quality is judged by: the texts as matched, the words heard in the title and in both, and what else there is.

    `words` are those of the title, each once. `order`, `category_fit`, `phrases` and `belonging` are what the models say, in
    [0, 1]; by them `own` words of the title fit its category and `foreign` ones do not.
    `deviations` are those of the price, None without one. `is_start_price` marks ways of sale whose price is where
    bidding starts, not a value: too low a price is then no fault.
    """

    title: str
    description: str
    in_title: Sequence[Heard]
    heard: Sequence[Heard]
    points: int
    words: int
    image_count: int | None
    deviations: float | None
    is_start_price: bool
    has_category: bool
    has_condition: bool
    has_city: bool
    order: float
    category_fit: float
    phrases: float
    belonging: float
    own: int
    foreign: int


def judge(seen: Seen, settings: QualitySettings) -> dict[str, float]:
    """The parts, all in [0, 1] and rounded to thousandths; whether the listing is a repost is known only beside the others."""
    parts = {
        "completeness": completeness(seen, settings.completeness),
        "photos": photos(seen.image_count, settings.photos),
        "price": price(seen.deviations, settings.price, is_start_price=seen.is_start_price),
        "clarity": clarity(seen.title, settings.clarity),
        "stuffing": stuffing(seen.in_title, settings.stuffing),
        "conduct": conduct((seen.title, seen.description), seen.heard, settings.conduct),
        "content": content(seen.words, seen.foreign, settings.content),
        "order": seen.order,
        "category": seen.category_fit,
        "phrases": seen.phrases,
        "belonging": seen.belonging,
        "focus": focus(seen.own, seen.foreign, settings.focus),
    }
    return {name: round(score, 3) for name, score in parts.items()} | {ORIGINAL: 1.0}


def completeness(seen: Seen, settings: CompletenessSettings) -> float:
    """The share of what a buyer wants to know that is there; description and points count in part."""
    shares = (
        min(1.0, len(seen.description) / settings.description_characters),
        1 - math.exp(-seen.points / settings.points),
        float(seen.deviations is not None),
        float(seen.has_category),
        float(seen.has_condition),
        float(seen.has_city),
    )
    return sum(shares) / len(shares)


def photos(count: int | None, settings: PhotoSettings) -> float:
    """`ln(1 + n) / ln(1 + full)`, at most 1."""
    if count is None:
        return settings.unknown
    return min(1.0, math.log1p(max(0, count)) / math.log1p(settings.full))


def price(deviations: float | None, settings: PriceSettings, *, is_start_price: bool) -> float:
    """1 while the price is plausible, falling to 0 where it is absurd; too high and too low alike."""
    if deviations is None:
        return settings.unknown
    distance = max(0.0, deviations) if is_start_price else abs(deviations)
    return 1 - _rise(distance, settings.fair_deviations, settings.absurd_deviations)


def clarity(title: str, settings: ClaritySettings) -> float:
    """Length within the ideal, times the share of pairs of characters that are not repeats, times little punctuation."""
    length = len(title)
    if not length:
        return 0.0
    long_enough = _rise(length, settings.shortest - 1, settings.ideal_shortest)
    short_enough = 1 - _rise(length, settings.ideal_longest, settings.longest)
    pairs = pairs_of(title)
    fresh = len(set(pairs)) / len(pairs) if pairs else 1.0
    marks = len(_MARKS.findall(title)) / length
    return long_enough * short_enough * fresh * (1 - min(1.0, marks / settings.marks_share))


def stuffing(heard: Sequence[Heard], settings: StuffingSettings) -> float:
    """1 for a title that names one thing, 1/2 with `half` brands, products and words of hype beyond the limits; one or two cost little."""
    named: dict[str, set[str]] = {"brand": set(), "product": set()}
    hype = 0
    for word in heard:
        for reading in word.readings:
            hype += reading.kind == "flag" and reading.key == "hype"
        first = word.readings[0]
        if first.kind in named:
            named[first.kind].add(first.key)
    excess = max(0, len(named["brand"]) - settings.brands) + max(0, len(named["product"]) - settings.products)
    excess += max(0, hype - settings.hype)
    return 1 / (1 + (excess / settings.half) ** 2)


def content(words: int, foreign: int, settings: ContentSettings) -> float:
    """What the title says: near 1 with many words. A foreign word takes away what a few others add, since one seldom stands alone."""
    return 1 - math.exp(-max(0.0, words - settings.foreign * foreign) / settings.words)


def focus(own: int, foreign: int, settings: FocusSettings) -> float:
    """1 for a title of one thing, 1/2 with `half` foreign words beyond the usual for each word of its own and one more.

    It is a share, so that a long title of which half is left out is as focused as it was.
    """
    excess = max(0.0, foreign - settings.foreign) / (own + 1)
    return 1 / (1 + (excess / settings.half) ** 2)


def conduct(texts: Sequence[str], heard: Sequence[Heard], settings: ConductSettings) -> float:
    """1 without contact details and forbidden goods, else the lowest score that applies."""
    flags = {reading.key for word in heard for reading in word.readings if reading.kind == "flag"}
    scores = [1.0]
    if "forbidden" in flags:
        scores.append(settings.forbidden)
    if "contact" in flags or any(map(has_contact, texts)):
        scores.append(settings.contact)
    return min(scores)


def _rise(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, straight between."""
    if value <= low:
        return 0.0
    return min(1.0, (value - low) / (high - low))
