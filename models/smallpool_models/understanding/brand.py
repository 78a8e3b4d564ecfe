"""The brand of a listing, out of the brands that its words name.

In: the words heard, the category, the brands of the knowledge base. Out: a brand's key, or None, and which of the
brands named are believed at all: `苹果` is a brand beside a telephone and a fruit beside a crate.
"""

from collections.abc import Mapping, Sequence

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.category import OTHER, Placed
from smallpool_models.understanding.knowledge import Brand
from smallpool_models.understanding.points import Heard


def believed_brands(title: Sequence[Heard], placed: Placed, brands: Mapping[str, Brand]) -> list[str]:
    """Keys of the brands that the title names for the item itself, in order.

    An ambiguous form counts where the brand makes something in the same top category, or where nothing else is known.
    """
    keys: dict[str, None] = {}
    for word in title:
        if word.aside:
            continue
        for reading in word.readings:
            if reading.kind == "model" and reading.brand:
                keys[reading.brand] = None
            elif reading.kind == "brand" and (not reading.ambiguous or _fits(brands[reading.key], placed)):
                keys[reading.key] = None
    return list(keys)


def brand_of(believed: Sequence[str], placed: Placed, brands: Mapping[str, Brand]) -> str | None:
    """The first believed brand that makes things of this category, else the first."""
    makers = (key for key in believed if placed.key in brands[key].categories)
    return next(makers, believed[0] if believed else None)


def _fits(brand: Brand, placed: Placed) -> bool:
    top = placed.path[0]
    return top == OTHER or any(key.split(PATH_SEPARATOR)[0] == top for key in brand.categories)
