"""How far groups are behind, and since when: asked of brokers now and then, answered from memory in between.

In: the readers that somebody asks about. Out: their lags, how long the oldest item event waits, and whether brokers answer at all.
"""

import time
from collections.abc import Callable

from msgspec import Struct

from smallpool_core.errors import StoreError
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.places import behind
from smallpool_core.ports import Topic
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.oldest import OldestRecord
from smallpool_stores.kafka.settings import KafkaSettings

Reader = tuple[Topic, str]

ITEMS: Reader = ("item-events", INDEXER_GROUP)
TRUSTED_MS = 2_000
"""How long a word of the brokers, such as that a tail stands at the end, holds without a new one."""
SILENT_S = 10.0
"""After so long without an answer nothing that brokers said before counts. A question itself may take half of it."""


class Answered(Struct, frozen=True):
    """What brokers said: records that each reader has not passed, when the oldest item event of them was appended (ms), and when
    they said so on the clock that never jumps (s).
    """

    lags: dict[Reader, int]
    oldest_item: int | None
    at_s: float


class Lags:
    """What brokers said last. One thread calls `refresh`, about once a second; any may ask, and nobody waits."""

    def __init__(self, settings: KafkaSettings, offsets: Offsets, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._offsets = offsets
        self._monotonic_s = monotonic_s
        self._readers: dict[Reader, None] = {ITEMS: None, ("user-events", BEHAVIOUR_GROUP): None}
        self._oldest = OldestRecord(settings, "item-events")
        self._answered: Answered | None = None
        self._failure: str | None = None
        self._came_round_s = monotonic_s()

    def refresh(self) -> None:
        """Asks brokers; raises `StoreError` where they do not answer, and from then on nothing is known until they do."""
        try:
            self._answered = self._asked()
            self._failure = None
        except StoreError as error:
            self._failure = str(error)
            raise
        finally:
            self._came_round_s = self._monotonic_s()

    def of(self, topic: Topic, group: str) -> int | None:
        """Records that the group has not passed; None while that is not known."""
        self._readers.setdefault((topic, group))
        return None if self.failure() is not None or self._answered is None else self._answered.lags.get((topic, group))

    def waiting_ms(self, now: int) -> int | None:
        """How long the oldest item event that was not taken in has waited as of `now` (ms), 0 where none does; None before brokers were
        first asked. What they say counts for `TRUSTED_MS`; after that it is counted on from when they said it.
        """
        said = self._answered
        if said is None:
            return None
        since = int((self._monotonic_s() - said.at_s) * 1000)
        if said.oldest_item is None:
            return 0 if since <= TRUSTED_MS else since
        return max(0, now - said.oldest_item - (since if since <= TRUSTED_MS else 0))

    def failure(self) -> str | None:
        """What is wrong with the brokers, as a sentence; None while they answer."""
        if self._failure is not None:
            return self._failure
        if self._answered is None:
            return f"Kafka at {self._settings.bootstrap} has not been asked yet: wait a moment"
        silent_s = self._monotonic_s() - self._answered.at_s
        if silent_s > SILENT_S:
            return f"Kafka at {self._settings.bootstrap} has not answered for {silent_s:.0f} s: see that the brokers run and can be reached"
        return None

    def silent_s(self) -> float:
        """For how long no `refresh` has ended, well or not."""
        return self._monotonic_s() - self._came_round_s

    def close(self) -> None:
        """Lets go of the connection to the records themselves."""
        self._oldest.close()

    def _asked(self) -> Answered:
        lags: dict[Reader, int] = {}
        oldest: int | None = None
        for topic, group in list(self._readers):
            # Ends before places: what is taken in between the two questions is then no lag at all.
            ends = self._offsets.ends(topic)
            passed = self._offsets.committed(topic, group)
            lags[topic, group] = behind(passed, ends)
            if (topic, group) == ITEMS:
                oldest = self._oldest.after(passed, ends)
        return Answered(lags, oldest, self._monotonic_s())
