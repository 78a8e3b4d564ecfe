"""The recall lab's second tab: a day of a pool served again, dry, by weights or a whole draft that nobody has saved.

In: a pool, a day, weights, a draft as JSON. Out: what would differ in all, by source, category and item, and page by page.
"""

from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Query, Response
from msgspec import UNSET
from msgspec.structs import replace

from smallpool_core.catalogue import Catalogue
from smallpool_core.errors import Problem, Refused, SmallpoolError
from smallpool_core.pools import PoolDraft
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_core.schedule import Schedule
from smallpool_service.console.desk import Operator, Visit
from smallpool_service.console.lab import SUGGESTED, read_weights
from smallpool_service.console.pool_page import WEIGHED
from smallpool_service.console.routes import console_router
from smallpool_service.http.replays import check_replayed
from smallpool_service.operators import refresh
from smallpool_service.replay import MAX_SAMPLE, Replay, Wanted, replay

SAMPLE: Final = 50
PATIENCE_MS: Final = 10_000
MOST_PAGES: Final = 12
"""So many pages are shown, those first that change most."""

router = console_router()
_decode = msgspec.json.Decoder(PoolDraft).decode


@router.get("/lab/replay")
async def replay_page(
    visit: Operator,
    pool: Annotated[str, Query(max_length=MAX_ID)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
    sample: Annotated[int, Query(ge=1, le=MAX_SAMPLE)] = SAMPLE,
    weights: Annotated[str, Query(max_length=500)] = "",
    draft: Annotated[str, Query(max_length=20_000)] = "",
) -> Response:
    """The form, and what came of it."""
    typed = {"pool": pool, "day": day or _today(visit), "sample": sample, "weights": weights, "draft": draft}
    found: Replay | None = None
    problems: list[Problem] = []
    catalogue = visit.parts.recaller.ports.catalogue
    refresh(catalogue)
    try:
        if pool:
            visit.check_pool(pool)
            check_replayed(pool)
            wanted = Wanted(
                pool_id=pool,
                draft=read_draft(catalogue, pool, weights, draft),
                day=str(typed["day"]),
                sample=sample,
                until=visit.parts.now() + PATIENCE_MS,
            )
            found = await replay(visit.parts.recaller, wanted)
    except Refused as error:
        problems = list(error.problems)
    except SmallpoolError as error:
        problems = [Problem("pool", shown(pool), str(error))]
    pools = [known.pool for known in catalogue.all() if visit.may_see(known.pool.pool_id)][:SUGGESTED]
    values: dict[str, Any] = {"typed": typed, "found": found, "problems": problems, "pools": pools, "weighed": WEIGHED}
    values["pages"] = [] if found is None else sorted(found.pages, key=lambda page: page.overlap)[:MOST_PAGES]
    return visit.page("lab_replay.html", 422 if problems else 200, here="lab", tab="replay", **values)


def read_draft(catalogue: Catalogue, pool_id: str, weights: str, text: str) -> PoolDraft:
    """The draft as it is written, `{"rule": …, "ordering": …}`, and weights besides; raises `Refused`, and `NotFound` for no such pool."""
    try:
        draft = _decode(text) if text.strip() else PoolDraft()
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"JSON with some of {', '.join(PoolDraft.__struct_fields__)} is allowed: {error}"
        raise Refused([Problem("draft", shown(text), message)]) from None
    changed = read_weights(weights)
    if not changed:
        return draft
    ordering = catalogue.get(pool_id).pool.ordering if draft.ordering is UNSET else draft.ordering
    return replace(draft, ordering=replace(ordering, weights=ordering.weights | changed))


def _today(visit: Visit) -> str:
    """By the clocks by which pools open where nothing else is said."""
    return datetime.fromtimestamp(visit.parts.now() / 1000, ZoneInfo(Schedule().timezone)).strftime("%Y-%m-%d")
