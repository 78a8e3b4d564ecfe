"""Which of some rows a question may have: on sale at its instant, not excluded by item or seller, at most `cap` of a spread key.

In: a question, and rows with what they are ranked by. Out: the best of them that the question allows, and their spread keys. Under the
lock of the rows.
"""

from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Query
from smallpool_stores.memory import gather
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.best import NOT_OPEN, Limits, best_under_cap
from smallpool_stores.memory.cutting import are_within
from smallpool_stores.memory.in_scope import Ranked
from smallpool_stores.memory.rows import ItemRows, are_live


def best_allowed(base: ItemRows, query: Query, ranked: Ranked) -> tuple[Ranked, bool]:
    """The best rows that the query allows, best first, and whether there are no more."""
    limits = Limits(query.cap, query.limit, query.excluded)
    best, is_all = best_under_cap(ranked.rows, ranked.scores, base.item_ids, partial(_kinds, base, query), limits)
    return ranked.at(best), is_all


def spread_out(base: ItemRows, query: Query, rows: Rows) -> tuple[list[str], list[str]]:
    """The categories of the rows, and their spread keys as the query cuts them."""
    categories, level = gather.categories(base, rows), query.spread_level
    return categories, categories if level is None else [cut(category, level) for category in categories]


@lru_cache(maxsize=65_536)
def cut(category: str, level: int) -> str:
    """A category path's first `level` elements: `("数码›手机", 1)` -> `"数码"`."""
    return PATH_SEPARATOR.join(category.split(PATH_SEPARATOR, level)[:level])


def _kinds(base: ItemRows, query: Query, rows: Rows) -> NDArray[np.int32]:
    """A number for the spread key of each row that is on sale at the query's instant, within its cut-off and of a seller who may come;
    `NOT_OPEN` for the others.
    """
    numbers: NDArray[np.int32] = base.category.values.take(rows)
    if query.spread_level is not None:
        numbers = _cut(base, numbers, query.spread_level)
    numbers[~are_live(base.facts_of(rows), query.now)] = NOT_OPEN
    if query.scope.cut is not None:
        numbers[~are_within(base, rows, query.scope.cut)] = NOT_OPEN
    sellers = [number for seller in query.excluded_sellers if (number := base.sellers.find(seller)) is not None]
    if sellers:
        numbers[np.isin(base.seller.values.take(rows), sellers)] = NOT_OPEN
    return numbers


def _cut(base: ItemRows, categories: NDArray[np.int32], level: int) -> NDArray[np.int32]:
    """The same number for categories of which the first `level` elements are the same."""
    names, keys = base.categories.names, dict[str, int]()
    return np.array([keys.setdefault(cut(names[number], level), len(keys)) for number in categories.tolist()], np.int32)
