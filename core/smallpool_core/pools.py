"""A pool: its rule and lists as written, its settings, its ordering, its schedule; every change is a revision with its record."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, Literal, get_args

from msgspec import UNSET, Struct, UnsetType, field, structs

from smallpool_core.adjustments import Adjustment
from smallpool_core.cuts import CUT_BYS, MAX_SIZES, CutBy
from smallpool_core.errors import NotFound, Problem, RevisionStale
from smallpool_core.messages import problem
from smallpool_core.quotas import Quota
from smallpool_core.schedule import Schedule
from smallpool_core.selection import MAX_PINS, Selection, id_problems
from smallpool_core.sources import share_problems

PoolState = Literal["draft", "live", "archived"]
HOME = "home"
"""The reserved pool that is the whole marketplace, but for what is banned."""
BANNED: Final = "banned"
"""The reserved pool of what is served nowhere. Nothing is banned until it is made, and while it is not live."""
MAX_NAME: Final = 200
"""Most characters of a pool's name."""


class PoolSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Recall settings of one pool; the limits are checked by `check_settings`. With a `max_size` it holds the first items by `cut_by`; with
    a `max_per_seller` no page has more of one seller. With `own_relations` lists of related items are made of its items alone, beside
    those of the site. `sources` has the shares of sources where they are not those of the settings; 0 is off.
    """

    max_per_category: int = 3
    seen_size: int = 200
    spread_level: int | None = None
    when_exhausted: Literal["stop", "repeat_oldest"] = "stop"
    max_size: int | None = None
    cut_by: CutBy = "-quality"
    own_relations: bool = False
    sources: dict[str, float] = {}
    max_per_seller: int | None = None


MAX_CAP: Final = 100
"""Largest `max_per_category` and `max_per_seller`; no page holds more items."""
SEEN_SIZES: Final = (100, 2_000)
"""Smallest and largest `seen_size`."""
MAX_SPREAD_LEVEL: Final = 8
"""Largest `spread_level`; no category path has more elements."""
MAX_WEIGHT: Final = 10.0
"""Largest weight of a score dimension; the smallest is 0."""

Dimension = Literal["match", "vector", "rank", "quality", "freshness", "seller", "price_fit", "popularity"]
DIMENSIONS: tuple[str, ...] = get_args(Dimension)
DEFAULT_WEIGHTS = {"match": 0.1, "rank": 3.0, "quality": 0.3, "freshness": 0.3, "seller": 0.15, "price_fit": 0.1, "popularity": 0.3}


class Ordering(Struct, frozen=True, forbid_unknown_fields=True):
    """How a pool orders what was recalled: the weight of each score dimension, each in [0, 10], the conditions by which scores are then
    multiplied, the items that come first, in order, how many of a page may or should be of a kind, and how much what is unlike the rest of
    the page counts against the score, in [0, 1).
    """

    weights: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    pins: tuple[str, ...] = ()
    boost: tuple[Adjustment, ...] = ()
    bury: tuple[Adjustment, ...] = ()
    quotas: tuple[Quota, ...] = ()
    diversity: float = 0.0


PRIORITIES: Final = (0, 9)
"""First and last `priority`: of several changed pools the lower is brought up to date before the higher."""
DEFAULT_PRIORITY: Final = 5


class Pool(Struct, frozen=True):
    """One revision of a pool. `rule` is the expression as JSON values, already checked; what the pool holds is the effective rule, which
    `selection` makes of it. `epoch` orders all revisions of all pools.
    """

    pool_id: str
    name: str
    rule: dict[str, Any]
    revision: int
    state: PoolState
    settings: PoolSettings
    ordering: Ordering
    epoch: int
    selection: Selection = Selection()
    schedule: Schedule = Schedule()
    priority: int = DEFAULT_PRIORITY


class PoolDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator sends to make or change a pool; what is left out keeps its value, or its default when new."""

    name: str | UnsetType = UNSET
    rule: dict[str, Any] | UnsetType = UNSET
    state: PoolState | UnsetType = UNSET
    settings: PoolSettings | UnsetType = UNSET
    ordering: Ordering | UnsetType = UNSET
    selection: Selection | UnsetType = UNSET
    schedule: Schedule | UnsetType = UNSET
    priority: int | UnsetType = UNSET


class Revision(Struct, frozen=True):
    """The audit record of one change, and the change itself: there is no one without the other. `at` in ms."""

    pool: Pool
    author: str
    reason: str
    at: int


class AuditQuery(Struct, frozen=True):
    """Which revisions are asked for: of these pools (None: of all), by this author, made at `since` (ms) or later, with an epoch
    below `before`; at most `limit` of them.
    """

    limit: int
    pool_ids: frozenset[str] | None = None
    author: str | None = None
    since: int | None = None
    before: int | None = None


def blank_pool(pool_id: str) -> Pool:
    """The pool before its first revision. It holds nothing: an operator's slip never shows the whole marketplace."""
    return Pool(pool_id, pool_id, {"any": []}, 0, "live", PoolSettings(), Ordering(), 0)


def revised(pool_id: str, draft: PoolDraft, stored: Revision | None, expected: int | None, epoch: int) -> Pool:
    """The pool after the draft; raises `NotFound` or `RevisionStale` where the draft is of another revision than what is stored."""
    if stored is None and expected is not None:
        raise NotFound("pool", pool_id)
    if stored is not None and expected != stored.pool.revision:
        raise RevisionStale(pool_id, expected or 0, stored.pool.revision)
    before = blank_pool(pool_id) if stored is None else stored.pool
    return structs.replace(drafted(before, draft), revision=before.revision + 1, epoch=epoch)


def drafted(pool: Pool, draft: PoolDraft) -> Pool:
    """The pool with what the draft says, of the same revision still."""
    return structs.replace(pool, **{name: value for name, value in structs.asdict(draft).items() if value is not UNSET})


def check_settings(settings: PoolSettings, ordering: Ordering) -> list[Problem]:
    """Every limit that the settings and the ordering of a pool break; none where they are sound."""
    level = settings.spread_level
    bounds = (
        ("settings.max_per_category", settings.max_per_category, 1, MAX_CAP),
        ("settings.seen_size", settings.seen_size, *SEEN_SIZES),
        ("settings.spread_level", 1 if level is None else level, 1, MAX_SPREAD_LEVEL),
        ("settings.max_per_seller", 1 if settings.max_per_seller is None else settings.max_per_seller, 1, MAX_CAP),
        ("settings.max_size", MAX_SIZES[0] if settings.max_size is None else settings.max_size, *MAX_SIZES),
    )
    problems = [
        problem(path, str(found), "pool.whole", low=low, high=high) for path, found, low, high in bounds if not low <= found <= high
    ]
    if settings.cut_by not in CUT_BYS:
        problems.append(problem("settings.cut_by", repr(settings.cut_by), "pool.cut_by", names=", ".join(CUT_BYS)))
    problems += share_problems("settings.sources", settings.sources)
    for name, weight in ordering.weights.items():
        path = f"ordering.weights.{name}"
        if name not in DIMENSIONS:
            problems.append(problem(path, repr(weight), "pool.dimension", names=", ".join(DIMENSIONS)))
        elif not isfinite(weight) or not 0 <= weight <= MAX_WEIGHT:
            problems.append(problem(path, repr(weight), "pool.weight", most=f"{MAX_WEIGHT:g}"))
    if not 0 <= ordering.diversity < 1:
        problems.append(problem("ordering.diversity", repr(ordering.diversity), "pool.diversity"))
    return problems + _pin_problems(ordering.pins)


def _pin_problems(pins: tuple[str, ...]) -> list[Problem]:
    if len(pins) > MAX_PINS:
        return [problem("ordering.pins", f"a list of {len(pins)}", "pool.pins", most=MAX_PINS)]
    twice = [problem("ordering.pins", repr(one), "pool.pin_twice") for one in dict.fromkeys(pins) if pins.count(one) > 1]
    return id_problems("ordering.pins", pins) + twice


def check_priority(priority: int) -> list[Problem]:
    """What is wrong with a priority; nothing where it is sound."""
    first, last = PRIORITIES
    if first <= priority <= last:
        return []
    return [problem("priority", str(priority), "pool.priority", first=first, last=last)]


def check_reserved(pool_id: str, draft: PoolDraft) -> list[Problem]:
    """What the reserved pool of what is banned may not have; nothing for any other."""
    if pool_id != BANNED:
        return []
    problems = []
    if draft.ordering is not UNSET and draft.ordering.pins:
        problems.append(problem("ordering.pins", f"a list of {len(draft.ordering.pins)}", "pool.banned_shown"))
    if draft.settings is not UNSET and draft.settings.max_size is not None:
        problems.append(problem("settings.max_size", str(draft.settings.max_size), "pool.banned_cut"))
    if draft.schedule is not UNSET and draft.schedule.windows:
        found = f"a list of {len(draft.schedule.windows)}"
        problems.append(problem("schedule.windows", found, "pool.banned_always"))
    return problems


class Tagging(Struct, frozen=True, array_like=True):
    """All records of one partition up to `offset` of `item-wide` carry the tag of the pool's revision with this epoch."""

    epoch: int
    offset: int


class PoolChange(Struct, frozen=True):
    """The newest revision of a pool, and how far its tag is on stored items, by partition, of which there are `partitions`."""

    pool: Pool
    tagged: Mapping[int, Tagging]
    partitions: int
