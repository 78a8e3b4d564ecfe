"""What is counted of a rule before it is saved: how its items are spread, and what each of its conditions keeps out.

In: items on sale, as a wide index counts them. Out: values that an operator is shown.
"""

from typing import Final

from msgspec import Struct

PRICE_BOUNDS: Final = (1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000)
"""Price bands in cents: below the first of these, from one up to but not including the next, from the last on."""
MAX_PARTS: Final = 32
"""Exclusions are asked of so many conditions at most."""


class Share(Struct, frozen=True):
    """How many items have this value."""

    key: str
    count: int


class Breakdown(Struct, frozen=True):
    """Items by what they are: most frequent values first, then by UTF-8 bytes; items without a value are in none of them.

    A category is its path key. `prices` has a number for each band that `PRICE_BOUNDS` part, `unpriced` those without a price.
    """

    top_categories: tuple[Share, ...]
    categories: tuple[Share, ...]
    sellers: tuple[Share, ...]
    prices: tuple[int, ...]
    unpriced: int


class Exclusion(Struct, frozen=True):
    """Of one condition among several that must all hold: how many items fail it alone, and how many fail it at all."""

    alone: int
    excluded: int
