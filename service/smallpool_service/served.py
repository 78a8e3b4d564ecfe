"""The log `served`: what was returned to whom, from where and with which scores, for learning from later.

In: the closed page. Out: its record, on its way to the log; what is wrong with the log.
"""

import asyncio

import msgspec
from msgspec import Struct

from smallpool_core.ports import EventLog
from smallpool_core.users import Identity
from smallpool_service.context import NOT_KNOWN, Context
from smallpool_service.experiments.placing import Placement
from smallpool_service.page import PageItem

MOST_WAITING = 1_000
"""Pages whose records brokers have not acknowledged; a log that falls further behind gets no more."""
WAIT_S = 5.0
"""So long is the outcome of a record waited for; what is sent may still arrive."""
_ENCODER = msgspec.json.Encoder()


class ServedItem(Struct, frozen=True):
    """One line of a page; `features` are what a ranker reads of it (`smallpool_core.ranking`), each that is not nought; there are
    none of a line that an interrupted call had claimed.
    """

    item_id: str
    sources: list[str]
    score: float
    features: dict[str, float]


class ServedPage(Struct, frozen=True):
    """One page that was returned; `at` in epoch ms, `context` as the request gave it. `forced` says that a tester asked for the bucket,
    so no experiment counts the page.
    """

    request_id: str
    pool_id: str
    user_id: str | None
    device_id: str | None
    bucket: dict[str, str]
    items: list[ServedItem]
    at: int
    context: Context = NOT_KNOWN
    forced: bool = False


def served_record(
    identity: Identity,
    request_id: str,
    pool_id: str,
    items: list[PageItem],
    features: dict[str, dict[str, float]],
    at: int,
    context: Context = NOT_KNOWN,
    placement: Placement | None = None,
) -> tuple[str, bytes]:
    """The record of a page, keyed by its person."""
    bucket, forced = ({}, False) if placement is None else (placement.bucket, placement.forced)
    lines = [ServedItem(item.item_id, item.sources, item.score, features.get(item.item_id, {})) for item in items]
    page = ServedPage(request_id, pool_id, *identity, bucket, lines, at, context, forced)
    return identity.key, _ENCODER.encode(page)


class ServedLog:
    """Hands records to the log and lets the reply go: that a page was served stands in the seen list already, so nobody waits for the
    log of it. A log in this process is written before `take` returns; of one behind a network the outcome is told with a later page, and
    while it fails one record at a time tries.
    """

    def __init__(self, log: EventLog, most_waiting: int = MOST_WAITING) -> None:
        self._log = log
        self._most_waiting = most_waiting
        self._under_way: set[asyncio.Task[None]] = set()
        self._failure: str | None = None
        self._untold: str | None = None

    async def take(self, record: tuple[str, bytes], at: int) -> str | None:
        """Why records are lost: this one, or one that no page has told of yet, as far as is known; else None."""
        if self._failure is not None and self._under_way:
            return self._failure
        if len(self._under_way) >= self._most_waiting:
            return f"{len(self._under_way)} pages wait for the log already, so this one is not in it"
        task = asyncio.create_task(self._append(record, at))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.sleep(0)  # so that it has begun, and a log that does not wait is through with it
        told, self._untold = self._untold or self._failure, None
        return told

    async def settled(self) -> None:
        """Waits for the records that are under way on this loop, some seconds at most."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*[task for task in self._under_way if task.get_loop() is loop])

    async def _append(self, record: tuple[str, bytes], at: int) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                await self._log.append("served", [record], at)
        except TimeoutError:
            self._failure = self._untold = f"no answer in {WAIT_S:g} s"
        except Exception as error:  # noqa: BLE001  nobody awaits this task: whatever it is, a page must tell of it
            self._failure = self._untold = str(error) or type(error).__name__
        else:
            self._failure = None
