"""What became of pools: how two revisions differ, a way back to an older one, and the audit of all changes.

In: pool ids and revisions. Out: a structured difference; a new revision with an old content; revisions of all pools, newest first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, to_builtins
from msgspec.structs import replace

from smallpool_core.errors import NotFound
from smallpool_core.pools import Pool, PoolDraft, Revision, blank_pool
from smallpool_core.ports import PoolStore
from smallpool_core.rules import RuleDifference, rule_differences
from smallpool_service.operators import Change, Saved, save_pool
from smallpool_service.run import ReadPorts

COMPARED = ("name", "state", "settings", "ordering", "selection", "schedule", "priority")


class FieldDifference(Struct, frozen=True):
    """One value that differs; `field` is its path, such as `settings.seen_size`. A value that is not there is null."""

    field: str
    before: Any
    after: Any


class PoolDifference(Struct, frozen=True):
    """How revision `revision` of a pool differs from revision `against`; 0 is the pool before it was made.

    `rule` has the conditions that differ; conditions in another order are no difference.
    """

    pool_id: str
    revision: int
    against: int
    fields: list[FieldDifference]
    rule: list[RuleDifference]


async def read_revision(store: PoolStore, pool_id: str, number: int) -> Revision:
    """One revision; raises `NotFound` for no such pool or revision."""
    return _numbered(await store.revisions(pool_id), pool_id, number)


async def difference(store: PoolStore, pool_id: str, number: int, against: int | None = None) -> PoolDifference:
    """How a revision differs from another one, by default from the one before it; raises `NotFound` for any that is not there."""
    revisions = await store.revisions(pool_id)
    after = _numbered(revisions, pool_id, number).pool
    compared = number - 1 if against is None else against
    before = blank_pool(pool_id) if compared == 0 else _numbered(revisions, pool_id, compared).pool
    return PoolDifference(pool_id, number, compared, field_differences(before, after), _rule_differences(before, after))


async def rollback(ports: ReadPorts, store: PoolStore, pool_id: str, to: int, change: Change) -> Saved:
    """Writes a new revision with the content of revision `to`, which holds here at once; an empty reason tells where it is from.

    Raises `NotFound` for no such pool or revision, `Refused` where its rule can no longer be read, and what `save_pool` raises.
    """
    draft = await content_of(store, pool_id, to)
    return await save_pool(ports, store, pool_id, draft, replace(change, reason=change.reason or f"back to revision {to}"))


async def content_of(store: PoolStore, pool_id: str, number: int) -> PoolDraft:
    """All that an operator may say of a pool, as this revision says it; raises `NotFound`."""
    older = (await read_revision(store, pool_id, number)).pool
    return PoolDraft(**{name: getattr(older, name) for name in PoolDraft.__struct_fields__})


def field_differences(before: Pool, after: Pool) -> list[FieldDifference]:
    """Every value but the rule that differs, in the order of the pool's fields. Of a list of the selection, which may be long and has no
    order, only the entries that one of the two does not have.
    """
    olds, news = ({name: value for part in COMPARED for name, value in _values(part, getattr(pool, part))} for pool in (before, after))
    return [
        _difference(name, olds.get(name), news.get(name)) for name in {**olds, **news} if olds.get(name, UNSET) != news.get(name, UNSET)
    ]


def _difference(name: str, before: Any, after: Any) -> FieldDifference:
    if not name.startswith("selection."):
        return FieldDifference(name, before, after)
    return FieldDifference(name, *moved(before, after))


def moved(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which entries of a list went, and which came."""
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    return [one for one in old if one not in new], [one for one in new if one not in old]


def _rule_differences(before: Pool, after: Pool) -> list[RuleDifference]:
    # Before its first revision a pool has no rule, not one that somebody wrote.
    return rule_differences(before.rule if before.revision else None, after.rule)


def _values(path: str, value: object) -> list[tuple[str, Any]]:
    """The single values of a part of a pool with their paths."""
    plain = to_builtins(value)
    if not isinstance(plain, Mapping):
        return [(path, plain)]
    return [found for name, inner in plain.items() for found in _values(f"{path}.{name}", inner)]


def _numbered(revisions: list[Revision], pool_id: str, number: int) -> Revision:
    found = next((one for one in revisions if one.pool.revision == number), None)
    if found is None:
        raise NotFound("revision", f"{pool_id}#{number}")
    return found
