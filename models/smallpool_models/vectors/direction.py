"""Whether what comes after an item ever comes before it: of shelves that are walked in one order, of accessories, of serials it does not.

In: rows of touched items. Out: how many of the pairs that came again came the other way round too.
"""

from typing import Final

import numpy as np

from smallpool_models.vectors.behaviour import BREAK
from smallpool_models.vectors.ragged import Ragged

WINDOW: Final = 5
ONE_WAY: Final = 0.25
"""Below this rows go one way. Where order says nothing, half of the pairs that came twice came both ways, and more of those that came
oftener; where it says everything, none.
"""


def goes_one_way(rows: Ragged) -> bool:
    """Whether items are to be told by what they come after, apart from what they come before."""
    return returning(rows) < ONE_WAY


def returning(rows: Ragged) -> float:
    """Of the pairs that stood at most `WINDOW` apart at least twice, the share that came in both orders; 1 where there are none."""
    values = np.asarray(rows.values, dtype=np.int64)
    whose = np.repeat(np.arange(len(rows)), rows.lengths) + len(rows) * np.cumsum(values == BREAK)
    size = int(values.max(initial=0)) + 1
    found = [np.zeros(0, dtype=np.int64)]
    for distance in range(1, WINDOW + 1):
        first, later = values[:-distance], values[distance:]
        beside = (whose[:-distance] == whose[distance:]) & (first != later) & (first != BREAK) & (later != BREAK)
        found.append((first * size + later)[beside])
    keys = np.concatenate(found)
    first, later = keys // size, keys % size
    _, place, times = np.unique(np.minimum(first, later) * size + np.maximum(first, later), return_inverse=True, return_counts=True)
    upwards = np.bincount(place, first < later, len(times))
    again = times > 1
    both = again & (upwards > 0) & (upwards < times)
    return float(both.sum() / again.sum()) if again.any() else 1.0
