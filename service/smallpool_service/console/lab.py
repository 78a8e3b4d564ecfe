"""The recall lab: a dry request, stage by stage, for one pool or for two side by side.

In: a pool, a person or triggers made up by hand, weights. Out: the funnel, each item's sources, triggers and score parts, each drop's
reason.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Query, Response
from msgspec import UNSET, Struct, structs

from smallpool_core.errors import Problem, Refused, SmallpoolError
from smallpool_core.items import WideItem
from smallpool_core.pages import Dropped
from smallpool_core.pools import MAX_NAME, MAX_WEIGHT
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_core.users import Identity
from smallpool_service.console.desk import Viewer, Visit
from smallpool_service.console.dry import Asked, Shown, dry_page, read_triggers, varied
from smallpool_service.console.pool_page import WEIGHED
from smallpool_service.console.routes import console_router
from smallpool_service.context import Context
from smallpool_service.items import get_items
from smallpool_service.operators import refresh
from smallpool_service.request import MAX_SIZE

SHOWN_DROPS: Final = 20
SUGGESTED: Final = 500

router = console_router()
Id = Annotated[str, Query(max_length=MAX_ID)]
Said = Annotated[str, Query(max_length=MAX_NAME)]
Weights = Annotated[str, Query(max_length=500)]


class Cause(Struct, frozen=True):
    """Why candidates were left out: how many for this reason, and some of them with their titles."""

    stage: str
    reason: str
    count: int
    drops: list[tuple[Dropped, str]]


class Side(Struct, frozen=True):
    """One dry request."""

    pool_id: str
    shown: Shown
    causes: list[Cause]


@router.get("/lab")
async def lab(
    visit: Viewer,
    pool: Id = "",
    user: Id = "",
    device: Id = "",
    query: Said = "",
    city: Said = "",
    triggers: Annotated[str, Query(max_length=4_000)] = "",
    size: Annotated[int, Query(ge=1, le=MAX_SIZE)] = 10,
    pool_b: Id = "",
    weights: Weights = "",
    weights_b: Weights = "",
) -> Response:
    """The form, and what came of it."""
    typed = {"pool": pool, "user": user, "device": device, "triggers": triggers, "size": size, "query": query, "city": city}
    typed |= {"pool_b": pool_b, "weights": weights, "weights_b": weights_b}
    sides: list[Side] = []
    problems: list[Problem] = []
    try:
        context = Context(city=city.strip() or None, query=query.strip() or None)
        asked = Asked(Identity(user or None, device or None), size, read_triggers(triggers), context)
        if pool:
            sides.append(await _side(visit, pool, weights, asked))
            if pool_b or weights_b:
                sides.append(await _side(visit, pool_b or pool, weights_b or weights, asked))
    except Refused as error:
        problems = list(error.problems)
    except SmallpoolError as error:
        problems = [Problem("pool", shown(pool), str(error))]
    refresh(visit.parts.recaller.ports.catalogue)
    pools = [known.pool for known in visit.parts.recaller.ports.catalogue.all() if visit.may_see(known.pool.pool_id)][:SUGGESTED]
    values: dict[str, Any] = {"typed": typed, "sides": sides, "problems": problems, "pools": pools, "weighed": WEIGHED}
    places = [{line.item_id: place for place, line in enumerate(side.shown.page.items, start=1)} for side in sides]
    return visit.page("lab.html", 422 if problems else 200, here="lab", places=places, **values)


async def _side(visit: Visit, pool_id: str, weights: str, asked: Asked) -> Side:
    visit.check_pool(pool_id)
    catalogue = visit.parts.recaller.ports.catalogue
    refresh(catalogue)
    known = catalogue.get(pool_id)
    changed = read_weights(weights)
    if changed:
        known = varied(catalogue, known, ordering=structs.replace(known.pool.ordering, weights=dict(known.pool.ordering.weights) | changed))
    found = await dry_page(visit.parts.recaller, known, asked)
    drops = [] if found.page.trace.drops is UNSET else found.page.trace.drops
    return Side(pool_id, found, await _causes(visit, drops))


def read_weights(text: str) -> dict[str, float]:
    """Weights as they are written, `match=1 quality=0.5`; raises `Refused` with every mistake."""
    found: dict[str, float] = {}
    problems: list[Problem] = []
    for word in text.replace(",", " ").replace("，", " ").split():
        name, _, value = word.partition("=")
        try:
            weight = float(value)
        except ValueError:
            weight = -1.0
        if name in WEIGHED and 0 <= weight <= MAX_WEIGHT:
            found[name] = weight
        else:
            problems.append(
                Problem("weights", shown(word), f"NAME=WEIGHT is allowed, NAME one of {', '.join(WEIGHED)}, WEIGHT 0 to {MAX_WEIGHT:g}")
            )
    if problems:
        raise Refused(problems)
    return found


async def _causes(visit: Visit, drops: list[Dropped]) -> list[Cause]:
    counted = Counter((drop.stage, drop.reason) for drop in drops)
    some = {cause: [drop for drop in drops if (drop.stage, drop.reason) == cause][:SHOWN_DROPS] for cause in counted}
    titles = _titles(await get_items(visit.parts.recaller.ports.reader, {drop.item_id for few in some.values() for drop in few}))
    return [
        Cause(stage, reason, count, [(drop, titles.get(drop.item_id, "")) for drop in some[stage, reason]])
        for (stage, reason), count in counted.most_common()
    ]


def _titles(items: Mapping[str, WideItem]) -> dict[str, str]:
    return {item_id: item.given.title for item_id, item in items.items() if item.given is not None}
