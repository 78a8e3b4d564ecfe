"""`smallpool evaluate recall`: recall inside small pools of real items, by source, through the read path that serves.

In: a site of public data, sizes, a seed. Out: a row per source, by kind of pool and by the pool's share of the site, as JSON values.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.bench.report import machine, tracked
from smallpool_config.clock import StandingClock
from smallpool_config.evaluation.market import SiteMarket
from smallpool_config.evaluation.results import Asked, Outcomes, at_shares, beside_best, row_figures
from smallpool_config.evaluation.rows import PAGE, ROWS, SHORT, Row, RowPath
from smallpool_config.settings import Settings
from smallpool_config.wiring import Embedded
from smallpool_core.users import Identity
from smallpool_models.evaluation.drawn_pools import KINDS, DrawnPool, draw_pools, sampled_sessions
from smallpool_models.evaluation.recall_figures import Outcome
from smallpool_models.evaluation.sessions import Session, Site

NOW_MS: Final = 1_700_000_000_000
"""When the test takes place; nothing hangs on it."""
SHARES: Final = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Shares of the site at which random pools are drawn beside those of the size asked for."""


class Plan(Struct, frozen=True):
    """What is measured: so many pools of each kind, of `pool_size` items; of each at most so many sessions; rows."""

    pool_size: int
    pools: int
    sessions: int
    seed: int
    rows: tuple[Row, ...] = ROWS
    shares: tuple[float, ...] = SHARES


def evaluate_recall(settings: Settings, site: Site, plan: Plan) -> dict[str, Any]:
    """The figures as JSON values; works in a directory of its own, which it removes."""
    kinds = [pool for kind in KINDS for pool in draw_pools(site, kind, plan.pool_size, plan.pools, plan.seed)]
    by_kind, by_share = _asked(site, kinds, plan), _asked(site, _of_shares(site, plan), plan)
    with TemporaryDirectory(prefix="smallpool-evaluation-") as directory:
        store = replace(settings.store, directory=directory, synchronous="off")
        system = Embedded(replace(settings, store=store), StandingClock(NOW_MS))
        try:
            market = SiteMarket(system, site, [asked.pool for asked in (*by_kind, *by_share)])
            outcomes = asyncio.run(_measured(market, by_kind, by_share, plan.rows))
        finally:
            system.close()
    categories = {item_id: item.category for item_id, item in market.items.items()}
    return {
        "data": site.name,
        "items": len(site.items),
        "trained_acts": len(site.acts),
        "test_sessions": len(site.test),
        **{name: getattr(plan, name) for name in ("pool_size", "pools", "sessions", "seed")},
        "rows": [row_figures(row, by_kind, outcomes, categories, plan.seed) for row in plan.rows],
        "beside_best": beside_best(by_kind, outcomes, plan.seed),
        "by_share": at_shares(by_share, outcomes),
        "machine": machine(),
    }


def _of_shares(site: Site, plan: Plan) -> list[DrawnPool]:
    """One random pool of each share, drawn apart from those of the size asked for, one of which may be as large."""
    sizes = [max(1, round(share * len(site.items))) for share in plan.shares]
    drawn = [draw_pools(site, "random", size, 1, plan.seed + 1)[0] for size in dict.fromkeys(sizes)]
    return [replace(pool, pool_id=f"share-{len(pool.item_ids)}") for pool in drawn]


def _asked(site: Site, pools: Iterable[DrawnPool], plan: Plan) -> list[Asked]:
    return [Asked(pool, sampled_sessions(site.test, pool, plan.sessions, plan.seed)) for pool in pools]


async def _measured(market: SiteMarket, by_kind: Sequence[Asked], by_share: Sequence[Asked], rows: Sequence[Row]) -> Outcomes:
    """Outcomes of every session in its pool by every row; pages are made in the pools by kind alone."""
    market.list_items()
    await market.open_pools()
    market.train()
    paths = [RowPath(market.system, row) for row in rows]
    outcomes: Outcomes = {row.name: defaultdict(list) for row in rows}
    asked = [*((one, True) for one in by_kind), *((one, False) for one in by_share)]
    visits = [(one.pool, session, is_paged) for one, is_paged in asked for session in one.sessions]
    for place, (pool, session, is_paged) in enumerate(tracked(visits, "sessions", len(visits))):
        identity = Identity(f"test-{place}", None)
        await market.come(identity, session, pool)
        known = market.system.catalogue.get(pool.pool_id).seen_from(market.system.tail.place())
        possible = _possible(market, pool, session)
        for path in paths:
            listed = await path.long_list(identity, known)
            page = await path.page(identity, known) if is_paged else ()
            rank = listed.index(session.target) + 1 if session.target in listed else None
            outcomes[path.row.name][pool.pool_id].append(Outcome(pool.pool_id, rank, len(listed), tuple(page), possible))
    return outcomes


def _possible(market: SiteMarket, pool: DrawnPool, session: Session) -> int:
    """How many items the pool could put on this person's page: unseen ones, under the cap per category."""
    counts: Counter[str] = Counter()
    possible = 0
    for item_id in pool.item_ids:
        if item_id in session.history:
            continue
        category = market.items[item_id].category
        counts[category] += 1
        possible += counts[category] <= SHORT.max_per_category
        if possible == PAGE:
            break
    return possible
