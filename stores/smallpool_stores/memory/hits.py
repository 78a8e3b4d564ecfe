"""The columns of the wide index beside the live view's: what a hit says of its item, and the item's terms.

In: rows as they are born, changed and buried. Out: `Hit` values for rows that were recalled.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from smallpool_core.items import Sale
from smallpool_core.pages import Hit
from smallpool_stores.memory import gather
from smallpool_stores.memory.arrays import Column, RowList, Rows
from smallpool_stores.memory.listing import Listing
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, ItemRows
from smallpool_stores.memory.terms import TermColumns

_NO_PRICE = -1
_PRICE, _QUALITY, _SELLER_SCORE, _SALE = range(4)
"""What each of the values beside a row's facts is; they lie side by side for the same reason."""
_VALUES = 4
_SALES: tuple[Sale | None, ...] = (None, "fixed", "auction", "free", "live")
_NUMBER_OF_SALE = {sale: number for number, sale in enumerate(_SALES)}


class HitColumns:
    """Price, scores, way of sale and terms by row; an `ItemRows` keeps them in step with its own columns."""

    def __init__(self) -> None:
        self.terms = TermColumns()
        self._values = Column(np.int64, _VALUES)

    def grow(self, capacity: int) -> None:
        self.terms.grow(capacity)
        self._values.grow(capacity)

    def bear(self, row: int, item: Listing) -> None:
        self.terms.put(row, item.terms)
        self.write(row, item)

    def write(self, row: int, item: Listing) -> None:
        cells, first = self._values.cells, row * _VALUES
        cells[first + _PRICE] = _NO_PRICE if item.price_cents is None else item.price_cents
        cells[first + _QUALITY] = item.quality or 0
        cells[first + _SELLER_SCORE] = item.seller_score or 0
        cells[first + _SALE] = _NUMBER_OF_SALE[item.sale]

    def bury(self, row: int) -> None:
        self.terms.clear(row)

    def lists(self) -> list[RowList]:
        return self.terms.lists()

    def hits(
        self,
        base: ItemRows,
        found: Rows,
        categories: Sequence[str],
        spread_keys: Sequence[str],
        scores: Sequence[int],
        shared: Sequence[tuple[str, ...]],
    ) -> tuple[Hit, ...]:
        """A `Hit` for each of the rows found, with its category, spread key, what it was ordered by, and the query's terms that it has."""
        facts, values = base.facts_of(found), self._values.values.take(found, axis=0)
        version, enrich = gather.versions(facts)
        fields: dict[str, Iterable[Any]] = {
            "item_id": gather.item_ids(base, found),
            "version": version,
            "enrich": enrich,
            "category": categories,
            "spread_key": spread_keys,
            "seller_id": gather.sellers(base, found),
            "price_cents": [None if price == _NO_PRICE else price for price in values[:, _PRICE].tolist()],
            "quality": values[:, _QUALITY].tolist(),
            "seller_score": values[:, _SELLER_SCORE].tolist(),
            "published_at": facts[:, LIVE_FROM].tolist(),
            "expires_at": gather.expiries(facts),
            "static_score": facts[:, STATIC].tolist(),
            "rank_score": scores,
            "terms": shared,
            "sale": [_SALES[number] for number in values[:, _SALE].tolist()],
        }
        return tuple(map(Hit, *[fields[name] for name in Hit.__struct_fields__]))
