"""`smallpool evaluate recall`: recall inside small pools of real items, by source, through the read path that serves.

In: a site of public data, sizes, a seed; a model of vectors, and the part of the site to tune by, where there are any. Out: a row per
source, by kind of pool and by the pool's share of the site, as JSON values.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from smallpool_config.bench.report import machine, tracked
from smallpool_config.clock import StandingClock
from smallpool_config.evaluation.market import SiteMarket
from smallpool_config.evaluation.results import Asked, Outcomes, at_shares, beside_best, row_figures
from smallpool_config.evaluation.rows import EVERY, OF_VECTORS, PAGE, ROWS, SHORT, Row, RowPath, tuned
from smallpool_config.evaluation.tuning import Chosen, Recorded, choose
from smallpool_config.settings import Settings
from smallpool_config.wiring import Embedded
from smallpool_core.catalogue import KnownPool
from smallpool_core.users import Identity
from smallpool_models.evaluation.drawn_pools import KINDS, DrawnPool, draw_pools, sampled_sessions
from smallpool_models.evaluation.recall_figures import Outcome
from smallpool_models.evaluation.sessions import Session, Site

NOW_MS: Final = 1_700_000_000_000
"""When the test takes place; nothing hangs on it."""
SHARES: Final = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Shares of the site at which random pools are drawn beside those of the size asked for."""
TUNED_APART: Final = 6
"""What is added to the seed where weights are chosen, so that pools are others than those of the test."""


class Plan(Struct, frozen=True):
    """What is measured: so many pools of each kind, of `pool_size` items; of each at most so many sessions; rows."""

    pool_size: int
    pools: int
    sessions: int
    seed: int
    rows: tuple[Row, ...] = ROWS
    shares: tuple[float, ...] = SHARES


def evaluate_recall(
    settings: Settings, site: Site, plan: Plan, model: Path | None = None, to_tune_by: Site | None = None
) -> dict[str, Any]:
    """The figures as JSON values; works in a directory of its own, which it removes.

    `model` is a folder of vectors, which adds rows that go by them. `to_tune_by` is what is for training of the same site, split once
    more, and must ask no session that the model learnt from: weights of sources are chosen by it, and a row has them. Raises
    `ModelRefused`.
    """
    whole = OF_VECTORS[-1] if model else EVERY
    chosen = None if to_tune_by is None else _chosen(settings, to_tune_by, plan, whole, model)
    rows = (*plan.rows, *(OF_VECTORS if model else ()), *([tuned(whole, chosen)] if chosen else ()))
    by_kind, by_share = _asked(site, _of_kinds(site, plan), plan), _asked(site, _of_shares(site, plan), plan)
    with _marketplace(settings, site, [*by_kind, *by_share], model) as market:
        outcomes = asyncio.run(_measured(market, by_kind, by_share, rows))
    categories = {item_id: item.category for item_id, item in market.items.items()}
    several = {row.name: beside_best(row, rows, by_kind, outcomes, plan.seed) for row in rows if row.sources is None}
    return {
        "data": site.name,
        "items": len(site.items),
        "trained_acts": len(site.acts),
        "test_sessions": len(site.test),
        **{name: getattr(plan, name) for name in ("pool_size", "pools", "sessions", "seed")},
        "rows": [row_figures(row, by_kind, outcomes, categories, plan.seed) for row in rows],
        "beside_best": several.pop(EVERY.name),
        "others_beside_best": several,
        "by_share": at_shares(by_share, outcomes),
        "chosen": chosen and to_builtins(chosen),
        "machine": machine(),
    }


def _chosen(settings: Settings, site: Site, plan: Plan, row: Row, model: Path | None) -> Chosen:
    """Weights of the row's sources, by other pools than those of the test."""
    plan = replace(plan, seed=plan.seed + TUNED_APART)
    asked = _asked(site, _of_kinds(site, plan), plan)
    with _marketplace(settings, site, asked, model) as market:
        pages = asyncio.run(_recorded(market, asked, row))
    return choose(pages, settings.read)


@contextmanager
def _marketplace(settings: Settings, site: Site, asked: Sequence[Asked], model: Path | None) -> Iterator[SiteMarket]:
    """The site with the pools that are asked, in a system of its own."""
    with TemporaryDirectory(prefix="smallpool-evaluation-") as directory:
        store = replace(settings.store, directory=directory, synchronous="off")
        models = replace(settings.models, vectors="" if model is None else str(model))
        system = Embedded(replace(settings, store=store, models=models), StandingClock(NOW_MS))
        try:
            yield SiteMarket(system, site, [one.pool for one in asked])
        finally:
            system.close()


def _of_kinds(site: Site, plan: Plan) -> list[DrawnPool]:
    return [pool for kind in KINDS for pool in draw_pools(site, kind, plan.pool_size, plan.pools, plan.seed)]


def _of_shares(site: Site, plan: Plan) -> list[DrawnPool]:
    """One random pool of each share, drawn apart from those of the size asked for, one of which may be as large."""
    sizes = [max(1, round(share * len(site.items))) for share in plan.shares]
    drawn = [draw_pools(site, "random", size, 1, plan.seed + 1)[0] for size in dict.fromkeys(sizes)]
    return [replace(pool, pool_id=f"share-{len(pool.item_ids)}") for pool in drawn]


def _asked(site: Site, pools: Iterable[DrawnPool], plan: Plan) -> list[Asked]:
    return [Asked(pool, sampled_sessions(site.test, pool, plan.sessions, plan.seed)) for pool in pools]


async def _measured(market: SiteMarket, by_kind: Sequence[Asked], by_share: Sequence[Asked], rows: Sequence[Row]) -> Outcomes:
    """Outcomes of every session in its pool by every row; pages are made in the pools by kind alone."""
    await market.open()
    paths = [RowPath(market.system, row) for row in rows]
    outcomes: Outcomes = {row.name: defaultdict(list) for row in rows}
    paged = {one.pool.pool_id for one in by_kind}
    async for pool, session, identity, known in _visits(market, [*by_kind, *by_share]):
        possible = _possible(market, pool, session)
        for path in paths:
            listed = await path.long_list(identity, known)
            page = await path.page(identity, known) if pool.pool_id in paged else ()
            rank = listed.index(session.target) + 1 if session.target in listed else None
            outcomes[path.row.name][pool.pool_id].append(Outcome(pool.pool_id, rank, len(listed), tuple(page), possible))
    return outcomes


async def _recorded(market: SiteMarket, asked: Sequence[Asked], row: Row) -> list[Recorded]:
    """The candidates of every session in its pool, from the row's sources."""
    await market.open()
    path = RowPath(market.system, row)
    return [await path.recorded(identity, known, session.target) async for _, session, identity, known in _visits(market, asked)]


async def _visits(market: SiteMarket, asked: Sequence[Asked]) -> AsyncIterator[tuple[DrawnPool, Session, Identity, KnownPool]]:
    """People of the test, each come to the pool in which they are asked about."""
    visits = [(one.pool, session) for one in asked for session in one.sessions]
    for place, (pool, session) in enumerate(tracked(visits, "sessions", len(visits))):
        identity = Identity(f"test-{place}", None)
        await market.come(identity, session, pool)
        yield pool, session, identity, market.system.catalogue.get(pool.pool_id).seen_from(market.system.tail.place())


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
