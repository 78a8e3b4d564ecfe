"""What a rule would do before anybody is served by it: what it holds, gains and loses, keeps out, and gives to people.

In: a rule, maybe the pool that it is to replace the rule of, and a time to answer in. Out: a `RulePreview`. Every part beyond the count
has a share of the time that is left when its turn comes, and is named in `left_out` where that was not enough or a store failed.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from smallpool_core.catalogue import KnownPool
from smallpool_core.cuts import Cut, within
from smallpool_core.errors import Problem, Refused, StoreError
from smallpool_core.fields import FieldKind
from smallpool_core.pools import BANNED, HOME, PoolSettings, blank_pool
from smallpool_core.rule_counts import MAX_PARTS, PRICE_BOUNDS, Breakdown, Exclusion, Share
from smallpool_core.rules import AllOf, Expression, Leaf, Not, Rule
from smallpool_core.users import Identity
from smallpool_service.effective import TOP, Effect, effects, mean, recent_people, shoppers_of
from smallpool_service.operators import Preview, SampleItem, known_rule, preview_rule, samples
from smallpool_service.page import path_of
from smallpool_service.prompt import in_time
from smallpool_service.recaller import Recaller

T = TypeVar("T")

PREVIEW_MS = 8_000
"""Time to answer in where the caller sets none."""
MAX_PEOPLE = 50
MOST_FREQUENT = 20
INFLOW_HOURS = 24
UNSAVED = ""
"""What the pool of a rule that belongs to no pool yet is called on the way: an id that no pool can have."""
_WEIGHTS = {"breakdown": 3, "against": 4, "excluded_by": 6, "inflow": 2, "people": 5}
"""By these the time is shared out among the parts, in their order; what one leaves over goes to those after it."""
BEFORE_THE_END = 0.8
"""At this share of its time a part that can end with less than all of it does so."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be previewed: an effective rule.

    `against` is the pool whose rule as it stands is compared, and whose settings and seen lists hold; None for a rule by itself. The
    people are `users`, or else `people` of those that the newest pages were for. `until` (ms) is when an answer comes too late. The
    `settings` are the pool's own where there are none.
    """

    rule: Rule
    against: str | None = None
    settings: PoolSettings | None = None
    sample: int = 10
    people: int = 10
    users: tuple[str, ...] = ()
    until: int | None = None


class CategoryCount(Struct, frozen=True):
    """Items of one category."""

    category: list[str]
    count: int


class SellerCount(Struct, frozen=True):
    """Items of one seller."""

    seller_id: str
    count: int


class PriceCount(Struct, frozen=True):
    """Items at `from_cents` or more and below `to_cents`; null is no bound. Those without a price have null twice and come last."""

    from_cents: int | None
    to_cents: int | None
    count: int


class Spread(Struct, frozen=True):
    """How the matching items are spread: the 20 most frequent top categories, whole categories and sellers; all price bands."""

    top_categories: list[CategoryCount]
    categories: list[CategoryCount]
    sellers: list[SellerCount]
    prices: list[PriceCount]


class Side(Struct, frozen=True):
    """Items that one of two rules holds and the other does not, some of them by item_id."""

    count: int
    items: list[SampleItem]


class ExcludedBy(Struct, frozen=True):
    """What one condition keeps out of the items on sale: `alone` counts those that all other conditions let in."""

    path: str
    condition: dict[str, Any]
    alone: int
    excluded: int


class PeopleEffect(Struct, frozen=True):
    """Means over a sample of real people, of whom there were `people`; `before` by the rule as it stands, null without one."""

    people: int
    top: int
    before: Effect | None
    after: Effect


class LeftOut(Struct, frozen=True):
    """A part of the preview that is not there, and why."""

    part: str
    reason: str


class RulePreview(Preview, frozen=True, kw_only=True):
    """A preview with all its parts; one that is null was left out or not asked for.

    `plus` and `minus` are what the rule gains and loses against the rule as it stands. `excluded_by` has the conditions of the outermost
    `all`, or the rule as one condition. `inflow_per_hour` is an estimate: items on sale that match and were published within the last
    24 hours, by the hour; what came and went meanwhile is not among them.
    """

    breakdown: Spread | None
    plus: Side | None
    minus: Side | None
    excluded_by: list[ExcludedBy] | None
    inflow_per_hour: float | None
    people: PeopleEffect | None
    left_out: list[LeftOut]


async def preview(recaller: Recaller, wanted: Wanted) -> RulePreview:
    """All parts, one after the other. Raises `NotFound` for no such pool, `StoreError` where not even the count is there."""
    parts = await _parts(recaller, wanted)
    return await parts.all(await preview_rule(recaller.ports, wanted.against, wanted.rule, wanted.sample, parts.cut))


async def people_of_preview(recaller: Recaller, wanted: Wanted) -> tuple[PeopleEffect | None, list[LeftOut]]:
    """The part about people by itself, which takes longest, with all the time there is; and why it is not there. Raises `NotFound`."""
    return await (await _parts(recaller, wanted)).people()


async def _parts(recaller: Recaller, wanted: Wanted) -> "_Parts":
    """A preview before its first part is made: the pool as it stands and as it would be, each up to its cut-off."""
    catalogue, cuts, now = recaller.ports.catalogue, recaller.ports.cuts, recaller.ports.clock.now_ms()
    known = None if wanted.against is None else await standing(recaller, wanted.against)
    changed = _changed(wanted, known, catalogue.served_rule(wanted.against, wanted.rule))
    if changed != known:
        changed = replace(changed, cut=await cuts.found(changed, now))
    return _Parts(recaller, wanted, known, changed)


def _changed(wanted: Wanted, known: KnownPool | None, rule: Rule) -> KnownPool:
    """The pool as it would be: none of its items is tagged yet, unless its rule is the one that stands."""
    if known is None or known.pool.pool_id == HOME:
        pool = blank_pool(UNSAVED)
        return KnownPool(pool if wanted.settings is None else replace(pool, settings=wanted.settings), rule, {}, 1)
    if wanted.settings is not None:
        known = replace(known, pool=replace(known.pool, settings=wanted.settings))
    return known if rule == known.rule else replace(known, rule=rule, tagged={})


async def standing(recaller: Recaller, pool_id: str) -> KnownPool:
    """A saved pool as it stands, as recall in it may look: without what is banned, up to its cut-off. Raises `NotFound`."""
    known_rule(recaller.ports.catalogue, pool_id)
    known = recaller.ports.catalogue.get(pool_id)
    # Of a pool that is not live no item carries the tag.
    known = known.seen_from(recaller.ports.tail.place()) if known.pool.state == "live" else replace(known, tagged={})
    known = replace(known, rule=recaller.ports.catalogue.served_rule(pool_id, known.rule))
    return replace(known, cut=await recaller.ports.cuts.found(known, recaller.ports.clock.now_ms()))


class _Parts:
    """One preview while its parts are made."""

    def __init__(self, recaller: Recaller, wanted: Wanted, known: KnownPool | None, changed: KnownPool) -> None:
        self._recaller = recaller
        self._reader = recaller.ports.reader
        self._clock = recaller.ports.clock
        self._wanted = wanted
        self.cut: Cut | None = changed.cut
        self._rule = within(changed.rule, changed.cut)
        self._known = known
        self._changed = changed
        self._now = self._clock.now_ms()
        self._until = self._now + PREVIEW_MS if wanted.until is None else wanted.until
        self._left = dict(_WEIGHTS)
        self._left_out: list[LeftOut] = []

    async def people(self) -> tuple[PeopleEffect | None, list[LeftOut]]:
        """The last part alone."""
        self._left = {"people": 1}
        return await self._in_turn("people", self._people), self._left_out

    async def all(self, counted: Preview) -> RulePreview:
        """Every part in its turn, besides what was counted."""
        breakdown = await self._in_turn("breakdown", self._breakdown)
        plus, minus = await self._in_turn("against", self._sides) or (None, None)
        excluded_by = await self._in_turn("excluded_by", self._excluded_by)
        inflow = await self._in_turn("inflow", self._inflow)
        people = await self._in_turn("people", self._people)
        return RulePreview(
            **asdict(counted),
            breakdown=breakdown,
            plus=plus,
            minus=minus,
            excluded_by=excluded_by,
            inflow_per_hour=inflow,
            people=people,
            left_out=self._left_out,
        )

    async def _in_turn(self, part: str, make: Callable[[int], Awaitable[T]]) -> T | None:
        """The part, in its share of the time; None, and why in `left_out`, where that was not enough."""
        now = self._clock.now_ms()
        budget_ms = max(0, self._until - now) * self._left[part] // sum(self._left.values())
        del self._left[part]
        reason = "no time was left for it"
        if budget_ms > 0:
            try:
                return await in_time(make(now + int(budget_ms * BEFORE_THE_END)), budget_ms / 1000)
            except TimeoutError:
                reason = f"it was not done in {budget_ms} ms"
            except (StoreError, Refused) as error:
                reason = str(error)
        self._left_out.append(LeftOut(part, reason))
        return None

    async def _breakdown(self, _until: int) -> Spread:
        return _spread(await self._reader.breakdown(self._rule, self._now, MOST_FREQUENT))

    async def _sides(self, _until: int) -> tuple[Side, Side] | None:
        if self._known is None:
            return None
        stands = within(self._known.rule, self._known.cut)
        if self._rule == stands:
            return Side(0, []), Side(0, [])
        new, old = self._rule.expression, stands.expression
        return await self._side(new, old), await self._side(old, new)

    async def _side(self, holds: Expression, does_not: Expression) -> Side:
        rule = Rule.of(AllOf((holds, Not(does_not))))
        count, item_ids = await self._reader.preview(rule, self._now, self._wanted.sample)
        return Side(count, await samples(self._reader, item_ids))

    async def _excluded_by(self, _until: int) -> list[ExcludedBy]:
        conditions = conditions_of(self._wanted.rule)
        if len(conditions) > MAX_PARTS:
            raise Refused([Problem("$", f"{len(conditions)} conditions", f"of at most {MAX_PARTS} it is counted what each keeps out")])
        parts = [Rule.of(condition) for _, condition in conditions]
        found: Sequence[Exclusion] = await self._reader.exclusions(parts, self._now)
        return [
            ExcludedBy(path, part.json, each.alone, each.excluded) for (path, _), part, each in zip(conditions, parts, found, strict=True)
        ]

    async def _inflow(self, _until: int) -> float:
        recent = Leaf("published_at", FieldKind.TIME, "within", f"-{INFLOW_HOURS}h")
        count, _ = await self._reader.preview(Rule.of(AllOf((self._rule.expression, recent))), self._now, 0)
        return round(count / INFLOW_HOURS, 2)

    async def _people(self, until: int) -> PeopleEffect | None:
        wanted = self._wanted
        most = len(wanted.users) or wanted.people
        if not most or wanted.against == BANNED:
            return None
        named = [Identity(user_id, None) for user_id in wanted.users]
        shoppers = await shoppers_of(self._recaller, named or await recent_people(self._recaller.ports, most), most)
        changed, known = self._changed, self._known
        found = await effects(self._recaller, shoppers, [changed] if known in (None, changed) else [changed, known], until)
        if not found[0]:
            self._left_out.append(LeftOut("people", "no time was left for it" if shoppers else "nobody is known to try it with"))
            return None
        return PeopleEffect(len(found[0]), TOP, None if known is None else mean(found[-1]), mean(found[0]))


def conditions_of(rule: Rule) -> list[tuple[str, Expression]]:
    """The conditions that must all hold, with their paths: those of the outermost `all`, or the rule as one."""
    whole = rule.expression
    if not isinstance(whole, AllOf):
        return [("$", whole)]
    return [(f"$.all[{place}]", part) for place, part in enumerate(whole.parts)]


def _spread(found: Breakdown) -> Spread:
    ends = (None, *PRICE_BOUNDS, None)
    prices = [PriceCount(low, high, count) for (low, high), count in zip(pairwise(ends), found.prices, strict=True)]
    return Spread(
        _categories(found.top_categories),
        _categories(found.categories),
        [SellerCount(share.key, share.count) for share in found.sellers],
        [*prices, PriceCount(None, None, found.unpriced)],
    )


def _categories(shares: Sequence[Share]) -> list[CategoryCount]:
    return [CategoryCount(path_of(share.key), share.count) for share in shares]
