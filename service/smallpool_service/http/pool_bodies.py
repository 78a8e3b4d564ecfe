"""What operators send and are shown of pools.

In: JSON as pydantic models. Out: a `PoolDraft`; a `PoolView` with its ETag.
"""

from typing import Annotated, Any, Final, Literal, Self

from msgspec import UNSET, Struct, convert, structs
from msgspec.structs import asdict
from pydantic import Field

from smallpool_core.adjustments import MAX_ADJUSTMENTS, MAX_BOOST, Adjustment
from smallpool_core.alerts import AlertKind
from smallpool_core.catalogue import KnownPool
from smallpool_core.cuts import MAX_SIZES, CutBy
from smallpool_core.errors import NotFound, Problem, Refused
from smallpool_core.pools import (
    BANNED,
    MAX_CAP,
    MAX_SPREAD_LEVEL,
    MAX_WEIGHT,
    PRIORITIES,
    SEEN_SIZES,
    Dimension,
    Ordering,
    Pool,
    PoolDraft,
    PoolSettings,
    PoolState,
)
from smallpool_core.quotas import MAX_OF_PAGE, MAX_QUOTAS, Quota
from smallpool_core.rules import RuleWarning
from smallpool_core.schedule import MAX_WINDOWS, Schedule, is_open, next_opening
from smallpool_core.selection import MAX_LISTED, MAX_PINS, Selection
from smallpool_core.sources import SourceName
from smallpool_service.alerts.board import Board
from smallpool_service.alerts.figures import LastHour
from smallpool_service.http.bodies import Identifier, Line, Strict
from smallpool_service.http.problems import HttpProblem
from smallpool_service.operators import Preview
from smallpool_service.previews import MAX_PEOPLE
from smallpool_service.run import ReadPorts

MAX_SAMPLE = 100
MAX_DIGITS: Final = 15
"""Of a revision in `If-Match`; none is ever longer."""
RuleJson = Annotated[dict[str, Any], Field(description="A typed expression over the fields of an item; see docs/api.md.")]
SampleSize = Annotated[int, Field(ge=0, le=MAX_SAMPLE, description="How many of the items to show.")]


Read = Annotated[Any, Field(description="Only read.")]


class SettingsBody(Strict):
    """Recall settings of a pool; what is left out takes its default."""

    max_per_category: Annotated[int, Field(ge=1, le=MAX_CAP)] = 3
    seen_size: Annotated[int, Field(ge=SEEN_SIZES[0], le=SEEN_SIZES[1])] = 200
    spread_level: Annotated[int, Field(ge=1, le=MAX_SPREAD_LEVEL)] | None = None
    when_exhausted: Literal["stop", "repeat_oldest"] = "stop"
    max_size: Annotated[
        Annotated[int, Field(ge=MAX_SIZES[0], le=MAX_SIZES[1])] | None, Field(description="The pool holds its first so many items.")
    ] = None
    cut_by: Annotated[CutBy, Field(description="What decides which are first; `-` means large values first.")] = "-quality"
    sources: Annotated[
        dict[SourceName, Annotated[float, Field(ge=0, le=1)]],
        Field(default_factory=dict, description="Shares of sources that are not those of the settings; 0 is off."),
    ]
    max_per_seller: Annotated[
        Annotated[int, Field(ge=1, le=MAX_CAP)] | None, Field(description="So many items of one seller may a page hold; null for no limit.")
    ] = None

    def settings(self) -> PoolSettings:
        """As the pool keeps them."""
        return PoolSettings(**self.model_dump())


class AdjustmentBody(Strict):
    """A condition, and what the score of an item for which it holds is multiplied by."""

    condition: RuleJson
    factor: Annotated[float, Field(description=f"A boost: above 1, up to {MAX_BOOST:g}; to bury: above 0, below 1.")]


class QuotaBody(Strict):
    """How many items of a page a condition may hold for at most, or should hold for at least; one of the two or both."""

    condition: RuleJson
    at_most: Annotated[int, Field(ge=0, le=MAX_OF_PAGE)] | None = None
    at_least: Annotated[int, Field(ge=1, le=MAX_OF_PAGE)] | None = None


class OrderingBody(Strict):
    """Weights of the score dimensions: where they are given, one that is left out counts nothing; without them the defaults hold.
    `boost` and `bury` then multiply scores; `pins` come first among what may be served, in their order; `quotas` bound what of a page is of
    a kind; `diversity` sets what is unlike the rest of the page against the score.
    """

    weights: dict[Dimension, Annotated[float, Field(ge=0, le=MAX_WEIGHT)]] | None = None
    pins: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_PINS)]
    boost: Annotated[list[AdjustmentBody], Field(default_factory=list, max_length=MAX_ADJUSTMENTS)]
    bury: Annotated[list[AdjustmentBody], Field(default_factory=list, max_length=MAX_ADJUSTMENTS)]
    quotas: Annotated[list[QuotaBody], Field(default_factory=list, max_length=MAX_QUOTAS)]
    diversity: Annotated[float, Field(ge=0, lt=1, description="The share of what is unlike the rest of the page; 0 for none.")] = 0.0

    def ordering(self) -> Ordering:
        """As the pool keeps it."""
        weights = Ordering().weights if self.weights is None else {str(name): weight for name, weight in self.weights.items()}
        boost, bury = (tuple(Adjustment(one.condition, one.factor) for one in kind) for kind in (self.boost, self.bury))
        quotas = tuple(Quota(one.condition, one.at_most, one.at_least) for one in self.quotas)
        return Ordering(weights, tuple(self.pins), boost, bury, quotas, self.diversity)


class SelectionBody(Strict):
    """Items that the pool holds whatever its rule says; items, sellers and words of titles that it never holds."""

    include: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_LISTED["include"])]
    ban_items: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_LISTED["ban_items"])]
    ban_sellers: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_LISTED["ban_sellers"])]
    ban_words: Annotated[
        list[Identifier], Field(default_factory=list, max_length=MAX_LISTED["ban_words"], description="Each exactly one word.")
    ]

    def selection(self) -> Selection:
        """As the pool keeps it."""
        return convert(self.model_dump(), Selection)


class WindowBody(Strict):
    """From one local time, included, until another, excluded."""

    opens: Annotated[str, Field(alias="from", description="Local date and time.", examples=["2026-11-11T00:00"])]
    closes: Annotated[str, Field(alias="until", description="Local date and time.", examples=["2026-11-12T00:00"])]


class ScheduleBody(Strict):
    """When a live pool is open; without windows it always is."""

    timezone: Annotated[str, Field(description="IANA name of the zone of the windows.")] = Schedule().timezone
    windows: Annotated[list[WindowBody], Field(default_factory=list, max_length=MAX_WINDOWS)]

    def schedule(self) -> Schedule:
        """As the pool keeps it."""
        return convert(self.model_dump(by_alias=True), Schedule)


class PoolBody(Strict):
    """What an operator may say of a pool."""

    name: Line | None = None
    rule: RuleJson | None = None
    state: PoolState | None = None
    settings: SettingsBody | None = None
    ordering: OrderingBody | None = None
    selection: SelectionBody | None = None
    schedule: ScheduleBody | None = None
    priority: Annotated[int, Field(ge=PRIORITIES[0], le=PRIORITIES[1], description="Lower is brought up to date first.")] | None = None
    reason: Annotated[Line | None, Field(description="Why; kept with the revision.")] = None

    def draft(self) -> PoolDraft:
        """The change as the store takes it."""
        content = draft_of(rule=self.rule, settings=self.settings, ordering=self.ordering, selection=self.selection)
        return structs.replace(
            content,
            name=UNSET if self.name is None else self.name,
            state=UNSET if self.state is None else self.state,
            schedule=UNSET if self.schedule is None else self.schedule.schedule(),
            priority=UNSET if self.priority is None else self.priority,
        )


class PoolChange(PoolBody):
    """A change of a pool: what is left out, or null, stays; what is sent is replaced as a whole.

    A pool may be sent back as it was read: what only its reader is told is not looked at, since `If-Match` says which revision is meant.
    """

    pool_id: Annotated[Identifier | None, Field(description="The pool's own id, where it is sent.")] = None
    revision: Read = None
    epoch: Read = None
    tagged: Read = None
    open: Read = None
    opens_at: Read = None
    size: Read = None
    count: Read = None
    on_sale: Read = None
    warnings: Read = None


class NewPool(PoolBody):
    """A pool to be made, live unless said otherwise."""

    pool_id: Identifier
    rule: RuleJson


class ArchiveBody(Strict):
    """Why a pool is archived."""

    reason: Line | None = None


class PreviewBody(Strict):
    """How much to show, and whom to try the rule with: the users named, else some of those whom the newest pages were for."""

    sample: SampleSize = 10
    people: Annotated[int, Field(ge=0, le=MAX_PEOPLE, description="How many people to try the rule with; 0 leaves them out.")] = 10
    users: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_PEOPLE, description="Try it with these users.")]


class RulePreviewBody(PreviewBody):
    """A rule and lists that need not be saved, maybe in place of a pool's."""

    rule: RuleJson
    selection: Annotated[SelectionBody | None, Field(description="Left out: the lists of the pool that is compared with, if any.")] = None
    settings: Annotated[SettingsBody | None, Field(description="Left out: those of the pool that is compared with, if any.")] = None
    against: Annotated[Identifier | None, Field(description="The pool with which, as it stands, to compare.")] = None

    def draft(self) -> PoolDraft:
        """As a change of a pool."""
        return draft_of(rule=self.rule, selection=self.selection, settings=self.settings)


def draft_of(
    *,
    rule: dict[str, Any] | None = None,
    settings: SettingsBody | None = None,
    ordering: OrderingBody | None = None,
    selection: SelectionBody | None = None,
) -> PoolDraft:
    """What was sent of what a pool holds and how it orders that, as a change of it."""
    return PoolDraft(
        rule=UNSET if rule is None else rule,
        settings=UNSET if settings is None else settings.settings(),
        ordering=UNSET if ordering is None else ordering.ordering(),
        selection=UNSET if selection is None else selection.selection(),
    )


class PoolView(Struct, frozen=True, kw_only=True):
    """A pool as it stands. `tagged` says whether every stored item carries this rule's tag; until then the rule alone decides.

    `open` says whether a recall is answered now, and `opens_at` (epoch ms) when a window opens next, null for never.
    `size` counts the items in the pool and on sale here, by their tags: null until every item carries this rule's.
    """

    pool_id: str
    name: str
    rule: dict[str, Any]
    revision: int
    state: PoolState
    settings: PoolSettings
    ordering: Ordering
    epoch: int
    selection: Selection
    schedule: Schedule
    priority: int
    tagged: bool
    open: bool
    opens_at: int | None
    size: int | None

    @classmethod
    def of(cls, pool: Pool, ports: ReadPorts, now: int) -> Self:
        """The pool with what this process knows of it."""
        size: int | None = None
        try:
            known = ports.catalogue.get(pool.pool_id).seen_from(ports.tail.place())
        except NotFound:
            tagged = False
        else:
            tagged = known.is_trusted and known.pool.revision == pool.revision
            size = ports.cuts.size(known, now) if tagged else None
        return cls(**asdict(pool), tagged=tagged, open=is_served(pool, now), opens_at=opens_at(pool, now), size=size)


def is_served(pool: Pool, now: int) -> bool:
    """Whether a recall in the pool is answered at `now` (ms)."""
    return pool.state == "live" and pool.pool_id != BANNED and is_open(pool.schedule, now)


def opens_at(pool: Pool, now: int) -> int | None:
    """When (ms) the next window of its schedule opens, None for never."""
    opening = next_opening(pool.schedule, now)
    return None if opening is None else opening.at


class SavedPool(PoolView, frozen=True, kw_only=True):
    """A pool just saved, with what its rule holds right now of the `on_sale` items (null where the wide index did not say: the change
    stands all the same), and warnings; nothing is refused for them.
    """

    count: int | None
    on_sale: int
    warnings: list[RuleWarning]

    @classmethod
    def saved(cls, view: PoolView, preview: Preview) -> Self:
        """The reply to a change."""
        return cls(**asdict(view), count=preview.count, on_sale=preview.on_sale, warnings=preview.warnings)


class PoolLine(Struct, frozen=True, kw_only=True):
    """A pool in a list. `figures` are as of a minute ago at most, null for a pool that is not live or was not looked at yet; `alerts` are
    the kinds that stand.
    """

    pool_id: str
    name: str
    state: PoolState
    revision: int
    priority: int
    tagged: bool
    open: bool
    opens_at: int | None
    figures: LastHour | None
    alerts: list[AlertKind]

    @classmethod
    def of(cls, known: KnownPool, board: Board, now: int) -> Self:
        """The pool as of `now` (ms), with what this process knows of it."""
        pool = known.pool
        return cls(
            pool_id=pool.pool_id,
            name=pool.name,
            state=pool.state,
            revision=pool.revision,
            priority=pool.priority,
            tagged=known.is_trusted,
            open=is_served(pool, now),
            opens_at=opens_at(pool, now),
            figures=board.figures(pool.pool_id),
            alerts=[one.kind for one in board.alerts(pool.pool_id)],
        )


class PoolList(Struct, frozen=True):
    """Pools by priority, then by id; `next` is what to send as `after` for the ones that follow, null at the end."""

    pools: list[PoolLine]
    next: str | None


class RevisionView(Struct, frozen=True, kw_only=True):
    """One change and its record; `at` in epoch ms."""

    pool: Pool
    author: str
    reason: str
    at: int


class RevisionList(Struct, frozen=True):
    """All revisions of a pool, newest first."""

    revisions: list[RevisionView]


def etag(revision: int) -> dict[str, str]:
    """The header that names a revision, as `If-Match` takes it."""
    return {"ETag": f'"{revision}"'}


def expected_revision(if_match: str | None) -> int:
    """The revision that `If-Match` names; raises a problem of status 428 without it, `Refused` where it names none."""
    if if_match is None:
        raise HttpProblem(428, "if-match-missing", 'send If-Match: "REVISION" with the revision that you read, so that no change is lost')
    text = if_match.strip()
    inner = text.removeprefix('"').removesuffix('"')
    if text != f'"{inner}"' or not inner.isascii() or not inner.isdigit() or len(inner) > MAX_DIGITS:
        raise Refused([Problem("If-Match", repr(text[:40]), 'the revision in double quotes is allowed, such as "3"')])
    return int(inner)
