"""The brand of a listing, out of the brands that its words name.

In: the words heard, each with the meaning that it has there (`senses.py`), the category, the brands of the knowledge base. Out: a brand's
key, or None.
"""

from collections.abc import Mapping, Sequence

from smallpool_models.understanding.category import Placed
from smallpool_models.understanding.knowledge import Brand
from smallpool_models.understanding.points import Heard


def believed_brands(title: Sequence[Heard]) -> list[str]:
    """Keys of the brands that the title names for the item itself, in order."""
    keys: dict[str, None] = {}
    for word in title:
        if word.aside:
            continue
        for reading in word.readings:
            if reading.kind == "model" and reading.brand:
                keys[reading.brand] = None
            elif reading.kind == "brand":
                keys[reading.key] = None
    return list(keys)


def brand_of(believed: Sequence[str], placed: Placed, brands: Mapping[str, Brand]) -> str | None:
    """The first believed brand that makes things of this category, else the first."""
    makers = (key for key in believed if placed.key in brands[key].categories)
    return next(makers, believed[0] if believed else None)
