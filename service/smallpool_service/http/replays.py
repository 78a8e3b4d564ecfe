"""A day of a pool served again, dry, by a draft of it.

In: a pool, a day, what the draft changes. Out: a `Replay`.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from smallpool_core.access import ApiKey
from smallpool_core.errors import Problem, Refused
from smallpool_core.pools import BANNED, HOME, PoolDraft
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.bodies import Strict, body_of
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import Parts
from smallpool_service.http.pool_bodies import OrderingBody, RuleJson, SelectionBody, SettingsBody, draft_of
from smallpool_service.http.recall import PoolId
from smallpool_service.http.replies import documented, reply
from smallpool_service.replay import MAX_SAMPLE, Replay, Wanted, replay

NEEDS = Needs("operator")
LINE: Final[dict[str, Any]] = {"item_id": "i-52", "title": "苹果手机 九成新", "category": ["数码", "手机"], "sources": ["terms"]}
OTHER: Final = LINE | {"item_id": "i-87", "sources": ["newest"]}
REPLAY: Final[dict[str, Any]] = {
    "pool_id": "digital-bargains",
    "revision": 3,
    "day": "2026-11-27",
    "served": 812,
    "replayed": 200,
    "size": 10,
    "totals": {"changed": 0.62, "overlap": 0.81, "then_fill": 0.97, "now_fill": 0.96, "draft_fill": 0.98, "sold": 0.34},
    "sources": [{"key": "terms", "now": 1204, "draft": 1290}],
    "categories": [{"key": "数码 › 手机", "now": 1410, "draft": 1302}],
    "more": [{"key": "i-87", "now": 3, "draft": 61}],
    "less": [{"key": "i-52", "now": 70, "draft": 12}],
    "pages": [
        {
            "request_id": "r-7f3a",
            "user_id": "u-1001",
            "device_id": None,
            "at": 1795780800000,
            "then": [LINE],
            "now": [LINE],
            "draft": [OTHER],
            "overlap": 0.0,
            "comes_in": ["i-87"],
            "falls_out": ["i-52"],
            "sold": 0,
        }
    ],
}

router = APIRouter(tags=["pools"], prefix="/v1/pools")


class ReplayBody(Strict):
    """A day, and what the draft changes of the pool: what is left out stays as it is."""

    day: Annotated[str, Field(description="A day in the time zone of the pool's schedule.", examples=["2026-11-27"])]
    sample: Annotated[int, Field(ge=1, le=MAX_SAMPLE, description="How many requests to replay at most.")] = MAX_SAMPLE
    rule: RuleJson | None = None
    settings: SettingsBody | None = None
    ordering: OrderingBody | None = None
    selection: SelectionBody | None = None

    def draft(self) -> PoolDraft:
        """As a change of a pool."""
        return draft_of(rule=self.rule, settings=self.settings, ordering=self.ordering, selection=self.selection)


@router.post(
    "/{pool_id}/replay",
    **documented(
        name="replayPool",
        summary="What a draft would have changed on a day",
        reply=Replay,
        example=REPLAY,
        needs=NEEDS,
        problems=(400, 404, 413),
        body=ReplayBody,
        body_example={"day": "2026-11-27", "sample": 200, "ordering": {"weights": {"match": 1, "freshness": 1}}},
    ),
)
async def replay_pool(
    request: Request,
    parts: Parts,
    key: Annotated[ApiKey, Depends(NEEDS)],
    body: Annotated[ReplayBody, Depends(body_of(ReplayBody))],
    pool_id: PoolId,
) -> Response:
    """Requests that the pool served on that day are made again, dry, today: by the rule that holds and by the draft."""
    check_pool(key, pool_id)
    check_replayed(pool_id)
    wanted = Wanted(pool_id=pool_id, draft=body.draft(), day=body.day, sample=body.sample, until=deadline_of(request))
    return reply(await replay(parts.recaller, wanted))


def check_replayed(pool_id: str) -> None:
    """Raises `Refused` for the reserved pools, which nobody drafts a change of or is served from."""
    if pool_id in {BANNED, HOME}:
        raise Refused([Problem("pool_id", repr(pool_id), "a pool of your own is replayed; choose another one")])
