"""Outcomes of many sessions as the figures that `smallpool evaluate recall` prints.

In: outcomes by row and pool. Out: JSON values: a row per source; every source beside the best; recall by the pool's share of the site.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, to_builtins

from smallpool_config.evaluation.rows import Row
from smallpool_models.evaluation.drawn_pools import KINDS, DrawnPool
from smallpool_models.evaluation.recall_figures import FAR, NEAR, Outcome, beside, figures, hits
from smallpool_models.evaluation.sessions import Session

Outcomes = dict[str, dict[str, list[Outcome]]]
"""Outcomes by row and pool, those of one pool in the same order in every row."""


class Asked(Struct, frozen=True):
    """The sessions of one pool."""

    pool: DrawnPool
    sessions: Sequence[Session]


def row_figures(row: Row, asked: Sequence[Asked], outcomes: Outcomes, category_of: Mapping[str, str], seed: int) -> dict[str, Any]:
    """One row, over all pools and by kind of pool."""

    def told(some: Sequence[Asked]) -> Any:
        pools = {one.pool.pool_id: one.pool.item_ids for one in some}
        return to_builtins(figures(_of(row.name, some, outcomes), pools, category_of, seed))

    return {
        "source": row.name,
        "told": row.told,
        **told(asked),
        "by_kind": {kind: told(some) for kind, some in _by_kind(asked).items()},
    }


def beside_best(row: Row, rows: Sequence[Row], asked: Sequence[Asked], outcomes: Outcomes, seed: int) -> dict[str, Any]:
    """By recall@20 and @100, over all pools and by kind: the best single source, and a row of many beside it, paired by session."""
    single = [one.name for one in rows if one.is_single]
    sets = {"all pools": asked, **_by_kind(asked)}
    return {f"recall_{k}": {name: _beside(row.name, single, some, outcomes, k, seed) for name, some in sets.items()} for k in (NEAR, FAR)}


def at_shares(asked: Sequence[Asked], outcomes: Outcomes) -> list[dict[str, Any]]:
    """By pool, the smallest first: recall@100 of every row, and how many items its list of at most 100 held in the mean."""
    return [
        {
            "share": round(one.pool.share, 4),
            "pool_size": len(one.pool.item_ids),
            "sessions": len(one.sessions),
            "recall_100": {name: _mean(hits(of[one.pool.pool_id], FAR)) for name, of in outcomes.items()},
            "returned": {name: _mean([outcome.returned for outcome in of[one.pool.pool_id]]) for name, of in outcomes.items()},
        }
        for one in asked
    ]


def _by_kind(asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    by_kind = {kind: [one for one in asked if one.pool.kind == kind] for kind in KINDS}
    return {kind: some for kind, some in by_kind.items() if some}


def _of(row: str, asked: Sequence[Asked], outcomes: Outcomes) -> list[Outcome]:
    return [outcome for one in asked for outcome in outcomes[row][one.pool.pool_id]]


def _beside(row: str, single: Sequence[str], asked: Sequence[Asked], outcomes: Outcomes, k: int, seed: int) -> dict[str, Any]:
    found = {name: hits(_of(name, asked, outcomes), k) for name in (row, *single)}
    best = max(single, key=lambda name: sum(found[name]))
    return {"best_single": best, **to_builtins(beside(found[row], found[best], seed))}


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / max(1, len(values)), 4)
