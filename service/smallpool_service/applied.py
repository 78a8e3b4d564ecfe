"""Waits until events have had their effect here: items recallable, behaviour in the triggers.

In: what was put on the log. Out: whether its effect was seen in time; waiting itself changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from smallpool_core.events import BEHAVIOUR_GROUP
from smallpool_core.pools import HOME
from smallpool_core.ports import EventLog
from smallpool_service.run import ReadPorts

LOOK_EVERY_S = 0.002
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
    """Returns once the live view knows each of the items, by id, at its version or a higher one."""
    waiting = list(versions)
    while waiting:
        asked = waiting[:LOOKED_AT_ONCE]
        known = ports.live.look(asked, HOME, ports.clock.now_ms())
        late = [item_id for item_id, live in zip(asked, known, strict=True) if live is None or live.version < versions[item_id]]
        waiting = late + waiting[LOOKED_AT_ONCE:]
        await asyncio.sleep(LOOK_EVERY_S if late else 0)


async def users_applied(offsets: Sequence[int], log: EventLog) -> None:
    """Returns once the consumer of user events has passed the offsets."""
    last = max(offsets, default=-1)
    # The consumer may be another process, so there is no event here to wait for.
    while log.committed("user-events", BEHAVIOUR_GROUP) < last:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
