"""What a hit says of its item and nothing is ranked or left out by, in eight bytes a row.

In: listings, one by one. Out: the same values of many rows, in columns.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpool_core.events import MAX_PRICE_CENTS
from smallpool_core.items import THOUSAND, Sale
from smallpool_stores.memory.listing import Listing

_SALES: tuple[Sale | None, ...] = (None, "fixed", "auction", "free", "live")
_NUMBER_OF_SALE = {sale: number for number, sale in enumerate(_SALES)}
_SALE_BITS, _SCORE_BITS = 3, 10
"""Above them 40 bits hold the price, one more than it is and 0 for none."""
_QUALITY_AT = _SALE_BITS
_SELLER_AT = _QUALITY_AT + _SCORE_BITS
_PRICE_AT = _SELLER_AT + _SCORE_BITS
_SALE_MASK, _SCORE_MASK = (1 << _SALE_BITS) - 1, (1 << _SCORE_BITS) - 1

Packed = NDArray[np.int64]


class Shown(NamedTuple):
    """Columns of some rows, in their order: cents, thousandths, ways of sale."""

    prices: list[int | None]
    qualities: list[int]
    seller_scores: list[int]
    sales: list[Sale | None]


def packed_shown(item: Listing) -> int:
    """The values as one number of 63 bits. Records that were imported were never parsed, so what is out of bounds is cut to them."""
    price = 0 if item.price_cents is None else 1 + _within(item.price_cents, MAX_PRICE_CENTS)
    quality, seller_score = _within(item.quality or 0, THOUSAND), _within(item.seller_score or 0, THOUSAND)
    return price << _PRICE_AT | seller_score << _SELLER_AT | quality << _QUALITY_AT | _NUMBER_OF_SALE[item.sale]


def unpacked_shown(packed: Packed) -> Shown:
    """The values of each."""
    return Shown(
        [None if price < 0 else price for price in prices_of(packed).tolist()],
        qualities_of(packed).tolist(),
        seller_scores_of(packed).tolist(),
        [_SALES[number] for number in (packed & _SALE_MASK).tolist()],
    )


def prices_of(packed: Packed) -> Packed:
    """The prices (cents), -1 for none."""
    return (packed >> _PRICE_AT) - 1


def qualities_of(packed: Packed) -> Packed:
    """The qualities (thousandths), 0 for none."""
    return packed >> _QUALITY_AT & _SCORE_MASK


def seller_scores_of(packed: Packed) -> Packed:
    """The scores of sellers (thousandths), 0 for none."""
    return packed >> _SELLER_AT & _SCORE_MASK


def _within(value: int, most: int) -> int:
    return min(max(value, 0), most)
