"""Wide items by id, for those who want to see one as it is stored.

In: ids. Out: whole wide items, removed ones included.
"""

from collections.abc import Collection

from smallpool_core.errors import NotFound, Problem, Refused
from smallpool_core.items import WideItem
from smallpool_core.ports import ItemReader

MAX_ITEMS = 1_000


async def get_item(reader: ItemReader, item_id: str) -> WideItem:
    """The item; raises `NotFound`."""
    found = await reader.get([item_id])
    if item_id not in found:
        raise NotFound("item", item_id)
    return found[item_id]


async def get_items(reader: ItemReader, item_ids: Collection[str]) -> dict[str, WideItem]:
    """Those of at most 1,000 items that exist, by id; raises `Refused` for more."""
    if len(item_ids) > MAX_ITEMS:
        raise Refused([Problem("item_ids", f"{len(item_ids)} ids", f"allowed are at most {MAX_ITEMS} in one call")])
    return await reader.get(item_ids)
