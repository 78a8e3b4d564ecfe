"""The cut-off of a pool of a largest size, over packed columns.

In: rows, a field to cut by, under the lock of the rows. Out: which of the rows are within a cut-off; the cut-off that leaves room for
so many.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.cuts import Cut, CutBy, cut_at, cut_field, falls
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.rows import LIVE_FROM, ItemRows
from smallpool_stores.memory.shown import prices_of, qualities_of, seller_scores_of

Values = NDArray[np.int64]
_OF: Final[Mapping[str, Callable[[ItemRows, Rows], Values]]] = {
    "quality": lambda base, rows: qualities_of(base.shown.values.take(rows)),
    "seller_score": lambda base, rows: seller_scores_of(base.shown.values.take(rows)),
    "price_cents": lambda base, rows: prices_of(base.shown.values.take(rows)),
    "published_at": lambda base, rows: base.facts_of(rows)[:, LIVE_FROM],
}
"""The values of rows, those of items without one below every other."""


def are_within(base: ItemRows, rows: Rows, cut: Cut | None) -> NDArray[np.bool_]:
    """For each of the rows whether it is within the cut-off, (n,) bool."""
    if cut is None:
        return np.ones(len(rows), np.bool_)
    values = _OF[cut_field(cut.by)](base, rows)
    return values >= cut.value if falls(cut.by) else (values >= 0) & (values <= cut.value)


def cut_off(base: ItemRows, rows: Rows, by: CutBy, size: int) -> Cut | None:
    """The cut-off that leaves room for `size` of the rows, each of an item on sale; None where there are no more."""
    if len(rows) <= size:
        return None
    values = _OF[cut_field(by)](base, rows)
    if falls(by):
        last = int(np.partition(values, len(values) - size)[len(values) - size])
        return cut_at(by, None if last < 0 else last)
    known = values[values >= 0]
    return cut_at(by, None if len(known) < size else int(np.partition(known, size - 1)[size - 1]))
