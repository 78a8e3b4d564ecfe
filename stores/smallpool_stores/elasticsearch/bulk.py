"""Bulk requests: documents under external versions, what became of each, and trying again what the cluster was too busy for.

In: documents with their ids and versions. Out: how many were newer than what was there, and those that are refused for good.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_core.items import Indexed
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import kind_of_status, translated

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_CONFLICT, _REFUSED = 409, 400
_SHOWN = 500
_HEADERS = {"content-type": "application/x-ndjson", "accept": "application/json"}


class Write(NamedTuple):
    """One document; `version` is that of its item's record."""

    item_id: str
    version: int
    document: bytes

    @property
    def lines(self) -> bytes:
        """The two lines that a bulk request has of it."""
        action = {"index": {"_id": self.item_id, "version": self.version, "version_type": "external"}}
        return b"%b\n%b\n" % (msgspec.json.encode(action), self.document)


class Attempt(NamedTuple):
    """What one request did: how many were newer, which were not (or so it seems), which wait, which are refused."""

    newer: int
    conflicts: list[Write]
    waiting: list[Write]
    refused: list[tuple[str, str]]


class Bulk:
    """Writes to one index, or to an alias that must be there. A document that is not newer than what is stored is ignored by
    Elasticsearch, so everything here may be repeated. `pause` waits for a number of seconds.
    """

    def __init__(self, connection: Connection, index: str, pause: Callable[[float], None], *, is_alias: bool) -> None:
        self._connection = connection
        self._index = index
        self._pause = pause
        # Without it a cluster that makes indices by itself would make one of another mapping under the alias's name.
        self._require_alias = "true" if is_alias else "false"

    def write(self, writes: Sequence[Write]) -> Indexed:
        """Writes all; raises `StoreUnavailable` where some still wait when the time for trying again is used up, `StoreFull`, or
        `StoreError`.
        """
        parts = [self._write(part) for part in _parts(writes, self._connection.settings.bulk_bytes)]
        return Indexed(sum(part.newer for part in parts), tuple(pair for part in parts for pair in part.refused))

    def _write(self, waiting: list[Write]) -> Indexed:
        newer, refused, was_lost = 0, list[tuple[str, str]](), False
        pauses = pauses_s(self._connection.settings.retry_ms)
        while True:
            try:
                attempt = self._attempt(waiting)
            except StoreUnavailable as exc:
                failure, was_lost = exc, True
            else:
                newer += attempt.newer
                refused += attempt.refused
                waiting = attempt.waiting
                if attempt.conflicts:
                    same, older = self._read_again(attempt.conflicts)
                    newer += same if was_lost else 0  # only then may what is there be our own write
                    waiting = waiting + older
                if not waiting:
                    return Indexed(newer, tuple(refused))
                failure = StoreUnavailable(f"could not index {len(waiting)} items: Elasticsearch is too busy for them; index them again")
            pause = next(pauses, None)
            if pause is None:
                raise failure
            self._pause(pause)

    def _attempt(self, writes: list[Write]) -> Attempt:
        settings = self._connection.settings
        # An answer that was lost must be known to be: the client may not try again by itself.
        client = self._connection.sync.options(max_retries=0)
        params = {
            "filter_path": "items.*.status,items.*.error",
            "timeout": f"{settings.write_timeout_ms // 2}ms",
            "require_alias": self._require_alias,
        }
        with translated(f"index {len(writes)} items"):
            reply = client.perform_request(
                "POST", f"/{self._index}/_bulk", params=params, headers=_HEADERS, body=b"".join([write.lines for write in writes])
            )
        return _judged(writes, [result["index"] for result in reply.body["items"]])

    def _read_again(self, conflicts: list[Write]) -> tuple[int, list[Write]]:
        """A conflict is a success only where what is stored is as new: how many are there in this very version, and which writes find
        something older, or nothing, and are to be made again.
        """
        with translated("read again what is there already"):
            reply = self._connection.sync.mget(index=self._index, ids=[write.item_id for write in conflicts], source=False)
        stored = [document.get("_version", -1) for document in reply["docs"]]
        older = [write for write, version in zip(conflicts, stored, strict=True) if version < write.version]
        return sum(version == write.version for write, version in zip(conflicts, stored, strict=True)), older


def pauses_s(budget_ms: int) -> Iterator[float]:
    """Seconds to wait before each further try: doubling, with jitter, all together at most the budget."""
    left, longest = budget_ms / 1000, _FIRST_PAUSE_S
    while left > 0:
        pause = min(left, random.uniform(longest / 2, longest))  # noqa: S311 - jitter guards nothing
        left -= pause
        longest = min(2 * longest, _LONGEST_PAUSE_S)
        yield pause


def _parts(writes: Sequence[Write], most: int) -> Iterator[list[Write]]:
    part: list[Write] = []
    length = 0
    for write in writes:
        size = len(write.document) + len(write.item_id) + 100
        if part and length + size > most:
            yield part
            part, length = [], 0
        part.append(write)
        length += size
    if part:
        yield part


def _judged(writes: list[Write], results: list[dict[str, Any]]) -> Attempt:
    attempt = Attempt(0, [], [], [])
    newer = 0
    for write, result in zip(writes, results, strict=True):
        status, error = result["status"], result.get("error", {})
        kind = kind_of_status(status, error.get("type", ""))
        if status < 300:
            newer += 1
        elif status == _CONFLICT:
            attempt.conflicts.append(write)
        elif status == _REFUSED:
            attempt.refused.append((write.item_id, _reason(error)))
        elif kind is StoreUnavailable:
            attempt.waiting.append(write)
        elif kind is StoreFull:
            raise StoreFull(f"could not index {write.item_id!r}: Elasticsearch says {_reason(error)}; make room on the nodes' disks")
        else:
            raise StoreError(f"could not index {write.item_id!r}: Elasticsearch says {status} {_reason(error)}; run `smallpool doctor`")
    return attempt._replace(newer=newer)


def _reason(error: dict[str, Any]) -> str:
    cause = error.get("caused_by", {}).get("reason")
    return f"{error.get('type')}: {error.get('reason')}{f' ({cause})' if cause else ''}"[:_SHOWN]
