"""One list of a pool, its pins, its include list or one of its bans, taken as it stands and changed by a few entries.

In: what to add and what to take out. Out: an ordinary revision. What is there already is not added again, what is not there is not missed.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.pools import Pool, PoolDraft
from smallpool_core.ports import PoolStore
from smallpool_service.operators import Change, Saved, save_pool
from smallpool_service.run import ReadPorts

ListName = Literal["pins", "include", "ban_items", "ban_sellers", "ban_words"]
Banned = Literal["items", "sellers", "words"]


class ListEdit(Struct, frozen=True):
    """A change of one list: entries to take out, and entries to add at its end, in this order."""

    name: ListName
    add: Sequence[str]
    remove: Sequence[str]


def ban_list(banned: Banned) -> ListName:
    """The list that bans items, sellers or words of titles."""
    names: dict[Banned, ListName] = {"items": "ban_items", "sellers": "ban_sellers", "words": "ban_words"}
    return names[banned]


def edited(pool: Pool, edit: ListEdit) -> PoolDraft:
    """The draft that makes the change."""
    part = pool.ordering if edit.name == "pins" else pool.selection
    gone = set(edit.remove)
    changed = {edit.name: tuple(dict.fromkeys([*(one for one in getattr(part, edit.name) if one not in gone), *edit.add]))}
    if edit.name == "pins":
        return PoolDraft(ordering=replace(pool.ordering, **changed))
    return PoolDraft(selection=replace(pool.selection, **changed))


async def edit_list(ports: ReadPorts, store: PoolStore, pool_id: str, edit: ListEdit, change: Change) -> Saved:
    """Writes the next revision, which holds here at once; raises `NotFound`, and what `save_pool` raises."""
    pool = (await store.get(pool_id)).pool
    return await save_pool(ports, store, pool_id, edited(pool, edit), change)
