"""Whatever is asked of them in whatever order, every `SeenList` answers as the readable reference does."""

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from builders import NOW
from redis_rig import shared_redis
from smallpool_core.errors import RequestIdReused
from smallpool_core.pages import PAGE_KEPT_MS, RESUMABLE_MS, Claimed, ClaimRequest, Entry, Opening
from smallpool_core.ports import SeenList
from smallpool_stores.memory.seen import MemorySeenList
from smallpool_stores.redis.seen import RedisSeenList
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.seen import SqliteSeenList

DEADLINE_MS = 200
IDENTITIES = ("u:u1", "d:d1")
POOLS = ("p1", "home")
REQUESTS = ("r1", "r2", "r3")
STEPS = (1, DEADLINE_MS, RESUMABLE_MS, DEADLINE_MS + RESUMABLE_MS, PAGE_KEPT_MS, PAGE_KEPT_MS + 1, 3 * PAGE_KEPT_MS)

offers = st.lists(
    st.builds(
        Entry,
        item_id=st.sampled_from("abcdefghij"),
        spread_key=st.sampled_from(("phones", "watches")),
        expires_at=st.none() | st.integers(NOW, NOW + 2 * RESUMABLE_MS),
        payload=st.binary(max_size=2),
    ),
    max_size=8,
).map(tuple)


class SeenListAgreement(RuleBasedStateMachine):
    """Claims, erasures and clocks in any order; after each step everything stored is compared."""

    def __init__(self) -> None:
        super().__init__()
        self.open_files = ExitStack()
        self.reference = MemorySeenList()
        self.adapters = self.opened()
        self.run = self.open_files.enter_context(asyncio.Runner()).run
        self.now = self.latest = NOW

    def opened(self) -> dict[str, SeenList]:
        folder = Path(self.open_files.enter_context(tempfile.TemporaryDirectory()))
        database = open_database(folder / "smallpool.db", synchronous="off")
        self.open_files.callback(database.close)
        return {"sqlite": SqliteSeenList(database)}

    def teardown(self) -> None:
        self.open_files.close()

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: int) -> None:
        self.now += step
        self.latest = max(self.latest, self.now)

    @rule(step=st.sampled_from(STEPS))
    def another_server_is_behind(self, step: int) -> None:
        self.now = max(self.now - step, self.latest - PAGE_KEPT_MS)

    @rule(
        # Mostly one person's request in one pool, in the right round and not the last, so that pages grow over rounds.
        identity=st.sampled_from((*IDENTITIES[:1] * 4, *IDENTITIES)),
        pool_id=st.sampled_from((*POOLS[:1] * 4, *POOLS)),
        request_id=st.sampled_from(REQUESTS),
        right_round=st.sampled_from((True, True, True, False)),
        any_round=st.integers(0, 3),
        ordered=offers,
        n=st.integers(1, 5),
        cap=st.integers(1, 3),
        seen_size=st.integers(0, 12),
        allow_seen=st.booleans(),
        final=st.sampled_from((False, False, True)),
        fingerprint=st.sampled_from(("f1",) * 9 + ("f2",)),
        short=st.sampled_from((None, "exhausted", "category_cap", "deadline")),
    )
    def claim(self, right_round: bool, any_round: int, **values: object) -> None:
        where = (values["identity"], values["pool_id"], values["request_id"])
        page = self.run(self.reference.open(*where, self.now)).page  # type: ignore[arg-type]
        round_ = any_round if not right_round else page.rounds if page else 0
        request = ClaimRequest(round=round_, now=self.now, deadline=self.now + DEADLINE_MS, **values)  # type: ignore[arg-type]
        expected = self._claimed(self.reference, request)
        for name, adapter in self.adapters.items():
            assert self._claimed(adapter, request) == expected, name

    @rule(identity=st.sampled_from(IDENTITIES), pool_id=st.none() | st.sampled_from(POOLS))
    def erase(self, identity: str, pool_id: str | None) -> None:
        for seen_list in (self.reference, *self.adapters.values()):
            self.run(seen_list.erase(identity, pool_id))

    @invariant()
    def everything_stored_is_the_same(self) -> None:
        expected = self.run(self._everything(self.reference))
        for name, adapter in self.adapters.items():
            assert self.run(self._everything(adapter)) == expected, name

    async def _everything(self, seen_list: SeenList) -> list[Opening]:
        return [
            await seen_list.open(identity, pool_id, request_id, self.now)
            for identity in IDENTITIES
            for pool_id in POOLS
            for request_id in REQUESTS
        ]

    def _claimed(self, seen_list: SeenList, request: ClaimRequest) -> Claimed | str:
        try:
            return self.run(seen_list.claim(request))
        except RequestIdReused as refusal:
            return str(refusal)


SeenListAgreement.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
test_every_seen_list_answers_as_the_reference = SeenListAgreement.TestCase


class RedisSeenListAgreement(SeenListAgreement):
    """The same against a server, which takes longer."""

    def opened(self) -> dict[str, SeenList]:
        return {"redis": RedisSeenList(self.open_files.enter_context(shared_redis()))}


RedisSeenListAgreement.TestCase.settings = settings(max_examples=12, stateful_step_count=40)
test_the_redis_seen_list_answers_as_the_reference = RedisSeenListAgreement.TestCase
