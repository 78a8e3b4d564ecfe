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
_SALES: tuple[Sale | None, ...] = (None, "fixed", "auction", "free", "live")
_NUMBER_OF_SALE = {sale: number for number, sale in enumerate(_SALES)}


class HitColumns:
    """Price, scores, way of sale and terms by row; an `ItemRows` keeps them in step with its own columns."""

    def __init__(self) -> None:
        self.terms = TermColumns()
        self._price = Column(np.int64)
        self._quality = Column(np.int16)
        self._seller_score = Column(np.int16)
        self._sale = Column(np.uint8)

    def grow(self, capacity: int) -> None:
        self.terms.grow(capacity)
        for column in (self._price, self._quality, self._seller_score, self._sale):
            column.grow(capacity)

    def bear(self, row: int, item: Listing) -> None:
        self.terms.put(row, item.terms)
        self.write(row, item)

    def write(self, row: int, item: Listing) -> None:
        self._price.cells[row] = _NO_PRICE if item.price_cents is None else item.price_cents
        self._quality.cells[row] = item.quality or 0
        self._seller_score.cells[row] = item.seller_score or 0
        self._sale.cells[row] = _NUMBER_OF_SALE[item.sale]

    def bury(self, row: int) -> None:
        self.terms.clear(row)

    def lists(self) -> list[RowList]:
        return self.terms.lists()

    def hits(
        self, base: ItemRows, found: Rows, spread_keys: Sequence[str], scores: Sequence[int], shared: Sequence[tuple[str, ...]]
    ) -> tuple[Hit, ...]:
        """A `Hit` for each of the rows found, with its spread key, what it was ordered by, and the query's terms that it has."""
        facts = base.facts_of(found)
        version, enrich = gather.versions(facts)
        fields: dict[str, Iterable[Any]] = {
            "item_id": gather.item_ids(base, found),
            "version": version,
            "enrich": enrich,
            "category": gather.categories(base, found),
            "spread_key": spread_keys,
            "seller_id": gather.sellers(base, found),
            "price_cents": [None if price == _NO_PRICE else price for price in self._price.values.take(found).tolist()],
            "quality": self._quality.values.take(found).tolist(),
            "seller_score": self._seller_score.values.take(found).tolist(),
            "published_at": facts[:, LIVE_FROM].tolist(),
            "expires_at": gather.expiries(facts),
            "static_score": facts[:, STATIC].tolist(),
            "rank_score": scores,
            "terms": shared,
            "sale": [_SALES[number] for number in self._sale.values.take(found).tolist()],
        }
        return tuple(map(Hit, *[fields[name] for name in Hit.__struct_fields__]))
