"""How well the quality tells listings from spoilt copies, of kinds that no training sees.

In: titles, an understander with its model. Out: by kind the share of pairs in which the listing has the higher quality; equal ones count as
wrong; intervals are of 95 %.
"""

import random
from collections.abc import Sequence

from msgspec import Struct

from smallpool_core.items import Given
from smallpool_core.normalise import normalise
from smallpool_models.evaluation.intervals import interval
from smallpool_models.judging.corruptions import OF_MEASURING
from smallpool_models.judging.rows import around, listings_of
from smallpool_models.understanding.prices import Prices
from smallpool_models.understanding.understander import KnowledgeUnderstander


class Share(Struct, frozen=True):
    """Of `pairs` pairs the share in which the listing is above its copy."""

    pairs: int
    above: float
    interval: tuple[float, float]


class QualityFigures(Struct, frozen=True):
    """`without_category` titles were listed under none, since nothing in them speaks for one; no category was swapped on these."""

    titles: int
    without_category: int
    by_kind: dict[str, Share]


def evaluate_quality(
    titles: Sequence[tuple[str, str | None]], understander: KnowledgeUnderstander, prices: Prices, seed: int
) -> QualityFigures:
    """The figures for titles with their categories, if any; each title is spoilt once in every kind that fits it.

    Where the model does not know the category, the title is listed under the one that its words speak for.
    """
    rng = random.Random(seed)  # noqa: S311, seeded: the same copies every time
    known = understander.judged_categories
    titles = [(title, category if category and normalise(category) in known else None) for title, category in titles]
    listings = listings_of(titles, understander, prices, rng)
    others = around(listings, understander)
    whole = [one.quality for one in understander.understand(listings)]
    shares = {}
    for kind, spoil in OF_MEASURING.items():
        copies: list[tuple[int, Given]] = []
        for quality, given in zip(whole, listings, strict=True):
            copy = spoil(given, others, rng)
            if copy is not None:
                copies.append((quality, copy))
        spoilt = understander.understand([copy for _, copy in copies])
        above = [quality > one.quality for (quality, _), one in zip(copies, spoilt, strict=True)]
        shares[kind] = Share(len(above), round(sum(above) / max(1, len(above)), 4), interval(above, rng))
    return QualityFigures(len(listings), sum(not given.category for given in listings), shares)
