"""Waits until events have had their effect here: items recallable, behaviour in the triggers.

In: what was put on the log. Out: whether its effect was seen in time; waiting itself changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from smallpool_core.errors import StoreError
from smallpool_core.events import BEHAVIOUR_GROUP
from smallpool_core.pages import Query
from smallpool_core.places import Places
from smallpool_core.pools import BANNED, HOME
from smallpool_core.ports import EventLog
from smallpool_service.run import ReadPorts

LOOK_EVERY_S = 0.005
LOOKED_AT_ONCE = 100


async def within(wait_ms: int, effect: Awaitable[None]) -> bool:
    """Whether the effect came within `wait_ms`, by the process's own clock."""
    try:
        async with asyncio.timeout(wait_ms / 1000):
            await effect
    except TimeoutError:
        return False
    return True


async def items_applied(versions: Mapping[str, int], ports: ReadPorts) -> None:
    """Returns once the live view knows each of the items, by id, at its version or a higher one, and those on sale are recallable."""
    waiting = list(versions)
    while waiting:
        asked = waiting[:LOOKED_AT_ONCE]
        late = await _late(asked, versions, ports)
        waiting = late + waiting[LOOKED_AT_ONCE:]
        await asyncio.sleep(LOOK_EVERY_S if late else 0)


async def _late(asked: Sequence[str], versions: Mapping[str, int], ports: ReadPorts) -> list[str]:
    """Which of these items a page would not yet know at their versions. A wide index that fails is as one that is late."""
    now = ports.clock.now_ms()
    known = dict(zip(asked, ports.live.look(asked, BANNED, now), strict=True))
    late = [item_id for item_id, live in known.items() if live is None or live.version < versions[item_id]]
    # What is banned is recalled nowhere, so knowing it is all there is to it.
    recalled = [item_id for item_id, live in known.items() if live is not None and live.is_on_sale and not live.in_pool]
    listed = [item_id for item_id in recalled if item_id not in late]
    if not listed:
        return late
    everything = Query(ports.catalogue.get(HOME).scope, frozenset(), len(listed), len(listed), now)
    try:
        found = {hit.item_id: hit.version for hit in (await ports.reader.pick(everything, listed)).hits}
    except StoreError:
        return list(asked)
    return late + [item_id for item_id in listed if found.get(item_id, -1) < versions[item_id]]


async def users_applied(places: Places, log: EventLog) -> None:
    """Returns once the consumer of user events has passed these places."""
    # The consumer may be another process, so there is no event here to wait for.
    while not await log.has_passed("user-events", BEHAVIOUR_GROUP, places):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
