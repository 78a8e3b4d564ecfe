"""Every API key in memory, at most `FOLLOW_EVERY_S` and one answer behind the store: no request waits for Elasticsearch to be let in.

In: the index of the keys, in the order of its writes. Out: keys by digest; with the store down, as they were last read.
"""

import logging
import threading
from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch
from msgspec import convert

from smallpool_core.access import ApiKey
from smallpool_core.errors import StoreError
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.small_index import checkpoint_of

FOLLOW_EVERY_S = 0.2
PAGE = 1_000
READ = "read the API keys"

log = logging.getLogger("smallpool.keys")


class KeyCopy:
    """The thread begins with `begin`. Any thread may ask."""

    def __init__(self, client: Elasticsearch, index: str) -> None:
        self._client = client
        self._index = index
        self._keys: dict[str, ApiKey] = {}
        self._upto = -1
        self._is_failing = False
        self._reading, self._noting = threading.Lock(), threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="keys", daemon=True)

    def begin(self) -> None:
        """Reads every key and follows what is written from then on; raises `StoreUnavailable` where they cannot be read, and may be
        called again.
        """
        with self._reading:
            if self._thread.ident is None:
                self._advance()
                self._thread.start()

    def find(self, digest: str) -> ApiKey | None:
        """The key as it is known here; begins where nobody did."""
        if self._thread.ident is None:
            self.begin()
        return self._keys.get(digest)

    def note(self, key: ApiKey) -> None:
        """Takes in what this process wrote, or what it read. Nothing of a key changes but that it is revoked, which is for good."""
        with self._noting:
            known = self._keys.get(key.digest)
            if known is None or known.revoked_at is None:
                self._keys[key.digest] = key

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(FOLLOW_EVERY_S):
            try:
                self._advance()
            except StoreError as error:
                if not self._is_failing:
                    log.warning("API keys are those that were last read: %s", error)
                self._is_failing = True
            except Exception:
                log.exception("what was written of the API keys could not be taken in")
            else:
                self._is_failing = False

    def _advance(self) -> None:
        """Takes in what was written since the last time; one cheap question where nothing was."""
        with translated(READ):
            checkpoint = checkpoint_of(self._client, self._index, READ)
            if checkpoint > self._upto:
                self._client.indices.refresh(index=self._index)
                for key in self._written(self._upto + 1, checkpoint):
                    self.note(key)
                self._upto = checkpoint

    def _written(self, first: int, last: int) -> Iterator[ApiKey]:
        """Keys as their last writes left them. One that is written again meanwhile has left its place, and is read the next time."""
        after: dict[str, Any] = {}
        while True:
            answer = self._client.search(
                index=self._index,
                query={"bool": {"filter": [{"range": {"_seq_no": {"gte": first, "lte": last}}}, {"exists": {"field": "created_at"}}]}},
                sort=[{"_seq_no": "asc"}],
                size=PAGE,
                track_total_hits=False,
                allow_partial_search_results=False,
                **after,
            )
            hits = answer["hits"]["hits"]
            yield from (convert(hit["_source"], ApiKey) for hit in hits)
            if len(hits) < PAGE:
                return
            after = {"search_after": hits[-1]["sort"]}
