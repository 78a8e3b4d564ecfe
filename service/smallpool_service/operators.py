"""What operators do to pools: check a change, write its revision, and say what the rule would hold.

In: drafts. Out: the pool as it stands, how many items its rule holds right now, and warnings; a refused change is not written.
"""

from collections.abc import Sequence
from contextlib import suppress

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from smallpool_core.catalogue import NOTHING, Catalogue, KnownPool
from smallpool_core.cuts import Cut, within
from smallpool_core.errors import NotFound, Problem, Refused, RuleRefused, StoreError
from smallpool_core.messages import problem
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import (
    BANNED,
    HOME,
    MAX_NAME,
    Ordering,
    Pool,
    PoolDraft,
    PoolSettings,
    blank_pool,
    check_priority,
    check_reserved,
    check_settings,
    drafted,
)
from smallpool_core.ports import ItemReader, PoolStore
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_core.rules import Rule, RuleWarning, warnings
from smallpool_service.items import get_items
from smallpool_service.page import path_of
from smallpool_service.run import ReadPorts

WHOLE = "$"


class SampleItem(Struct, frozen=True):
    """One item that a rule holds for, as much of it as tells an operator what it is."""

    item_id: str
    title: str
    category: list[str]
    price_cents: int | None


class Preview(Struct, frozen=True):
    """How many of the `on_sale` items a rule holds for right now, None where that could not be counted, some of them by item_id, and
    what is odd about the rule.
    """

    count: int | None
    on_sale: int
    items: list[SampleItem]
    warnings: list[RuleWarning]


class Change(Struct, frozen=True):
    """Who changes a pool, why, and when (ms). `expected` is the revision that they know, None for a new pool."""

    author: str
    reason: str
    at: int
    expected: int | None


class Saved(Struct, frozen=True):
    """The new revision, and what its rule holds."""

    pool: Pool
    preview: Preview


def check_draft(catalogue: Catalogue, pool_id: str, draft: PoolDraft) -> Rule | None:
    """The draft's own rule, None where it has none. Raises `Refused` with every mistake of the draft."""
    problems: list[Problem] = []
    if pool_id == HOME:
        problems.append(problem("pool_id", repr(HOME), "pool.home"))
    problems += _text_problems(("pool_id", pool_id, MAX_ID))
    return _checked(catalogue, pool_id, draft, problems)


def drafted_rule(catalogue: Catalogue, pool_id: str | None, draft: PoolDraft) -> Rule:
    """The effective rule that a pool, saved or (None) not, would have after a draft. Raises `NotFound` and `Refused`."""
    refresh(catalogue)
    before = blank_pool("") if pool_id is None else catalogue.get(pool_id).pool
    _checked(catalogue, before.pool_id, draft, [])
    return catalogue.effective(drafted(before, draft))


def _checked(catalogue: Catalogue, pool_id: str, draft: PoolDraft, problems: list[Problem]) -> Rule | None:
    """What the draft says, checked; its mistakes come after the `problems` that are known."""
    problems += _text_problems(("name", draft.name, MAX_NAME))
    settings = PoolSettings() if draft.settings is UNSET else draft.settings
    problems += check_settings(settings, Ordering() if draft.ordering is UNSET else draft.ordering)
    problems += catalogue.check(draft) + check_reserved(pool_id, draft)
    problems += [] if draft.priority is UNSET else check_priority(draft.priority)
    rule: Rule | None = None
    try:
        rule = None if draft.rule is UNSET else parse_rule(catalogue, draft.rule)
    except RuleRefused as error:
        problems += error.problems
    if rule is not None and rule.is_timed and pool_id == BANNED:
        problems.append(problem("rule", "a condition on now", "pool.banned_timed"))
    if problems:
        raise Refused(problems)
    return rule


def _text_problems(*texts: tuple[str, str | UnsetType, int]) -> list[Problem]:
    """Of texts with their paths and largest lengths, those that may not be taken in."""
    found = ((path, text, text_problem(text, most)) for path, text, most in texts if text is not UNSET)
    return [Problem(path, shown(text), problem) for path, text, problem in found if problem is not None]


def parse_rule(catalogue: Catalogue, rule: object) -> Rule:
    """The rule; raises `RuleRefused` with paths that begin at `rule`, where it stands in what an operator sends."""
    try:
        return catalogue.parse(rule)
    except RuleRefused as error:
        problems = [replace(one, path="rule" + one.path.removeprefix(WHOLE)) for one in error.problems]
        raise RuleRefused(problems) from None


async def save_pool(ports: ReadPorts, store: PoolStore, pool_id: str, draft: PoolDraft, change: Change) -> Saved:
    """Writes the next revision, which holds here at once.

    Raises `Refused`; `NotFound` or `RevisionStale` as `PoolStore.put` says; `StoreError` if the change or its record cannot be
    written. A count that fails is no reason to call the save failed: who then saved again would be told that somebody else had.
    """
    check_draft(ports.catalogue, pool_id, draft)
    revision = await store.put(pool_id, draft, change.expected, change.author, change.reason, change.at)
    # Not read from the revision: of one whose rule an older knowledge base could read there is nothing to hold, and no mistake of now.
    rule = known_rule(ports.catalogue, pool_id)
    try:
        cut = await ports.cuts.found(KnownPool(revision.pool, ports.catalogue.served_rule(pool_id, rule), {}, 1), ports.clock.now_ms())
        return Saved(revision.pool, await preview_rule(ports, pool_id, rule, 0, cut))
    except StoreError:
        return Saved(revision.pool, Preview(None, ports.live.size(HOME, ports.clock.now_ms()), [], list(warnings(rule))))


def refresh(catalogue: Catalogue) -> None:
    """Takes in the newest pools; with the store down the last copy serves."""
    with suppress(StoreError):
        catalogue.refresh()


def known_rule(catalogue: Catalogue, pool_id: str) -> Rule:
    """The effective rule of a pool as it stands; a pool that is not there yet holds nothing."""
    refresh(catalogue)
    try:
        return catalogue.get(pool_id).rule
    except NotFound:
        return catalogue.parse(NOTHING)


async def preview_rule(ports: ReadPorts, pool_id: str | None, rule: Rule, sample: int, cut: Cut | None = None) -> Preview:
    """What the rule holds right now for a pool, saved or (None) not, up to the cut-off, with the first `sample` items; what is banned
    everywhere aside.
    """
    now = ports.clock.now_ms()
    count, item_ids = await ports.reader.preview(within(ports.catalogue.served_rule(pool_id, rule), cut), now, sample)
    items = await samples(ports.reader, item_ids)
    on_sale = ports.live.size(HOME, now)
    return Preview(count, on_sale, items, [*warnings(rule), *_counted(rule, count, on_sale)])


async def samples(reader: ItemReader, item_ids: Sequence[str]) -> list[SampleItem]:
    """The items in the order of their ids, those of them that are there still."""
    found = await get_items(reader, item_ids) if item_ids else {}
    return [
        SampleItem(item_id, item.given.title if item.given is not None else "", path_of(item.category), item.price_cents)
        for item_id in item_ids
        if (item := found.get(item_id)) is not None
    ]


def _counted(rule: Rule, count: int, on_sale: int) -> list[RuleWarning]:
    """What the items on sale say of the rule, where the rule by itself does not say it already."""
    known = {warning.code for warning in warnings(rule) if warning.path == WHOLE}
    if on_sale and count == 0 and known.isdisjoint({"matches_nothing", "contradictory"}):
        return [RuleWarning("matches_nothing", WHOLE, f"the rule holds for none of the {on_sale} items that are on sale now")]
    if on_sale and count >= on_sale and "matches_everything" not in known:
        return [RuleWarning("matches_everything", WHOLE, f"the rule holds for all of the {on_sale} items that are on sale now")]
    return []
