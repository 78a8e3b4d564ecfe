"""When the wide index answers, when the live view answers in its place, and when nobody can."""

import asyncio

import pytest
from msgspec.structs import replace

from builders import NOW, FakeClock, wide_item
from market import RULES, tagged
from read_rig import FakeReader
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Answer, Query, Scope
from smallpool_stores.memory.fallback import FallbackReader, breaker_of
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.rows import ItemRows

TRUSTED = Query(Scope("all", RULES["all"], trusted=True), frozenset(), 10, 10, NOW, until=NOW + 20)
UNTRUSTED = replace(TRUSTED, scope=Scope("all", RULES["all"], trusted=False))
UNHURRIED = replace(TRUSTED, until=NOW + 60_000)


class SlowReader(FakeReader):
    """A wide index that may be told never to answer."""

    hangs = False

    async def browse(self, query: Query, by: str) -> Answer:
        if self.hangs:
            await asyncio.Event().wait()
        return await super().browse(query, "newest" if by == "newest" else "static")


@pytest.fixture
def index() -> SlowReader:
    return SlowReader({name: tagged(wide_item(name)) for name in ("a", "b")})


@pytest.fixture
def reader(index: SlowReader) -> FallbackReader:
    """The live view knows one item more."""
    rows = ItemRows()
    PackedLiveView(rows).apply([*index.items.values(), tagged(wide_item("c"))])
    return FallbackReader("index", index, LiveItemReader(rows), breaker_of("index", after=3, pause_ms=60_000), FakeClock())


def ids(answer: Answer) -> list[str]:
    return [hit.item_id for hit in answer.hits]


def test_the_wide_index_answers_while_it_can(reader: FallbackReader) -> None:
    answer = asyncio.run(reader.browse(UNHURRIED, "newest"))
    assert (ids(answer), answer.without) == (["a", "b"], None)


def test_the_live_view_answers_to_browse_and_pick_where_the_wide_index_fails_and_says_so(reader: FallbackReader, index: SlowReader) -> None:
    index.is_down = True
    browsed, picked = asyncio.run(reader.browse(TRUSTED, "newest")), asyncio.run(reader.pick(TRUSTED, ["c", "a"]))
    assert (ids(browsed), ids(picked)) == (["a", "b", "c"], ["c", "a"])
    assert browsed.without is not None
    assert (browsed.without.source, "it is down" in browsed.without.reason) == ("index", True)


def test_the_live_view_answers_in_time_where_the_wide_index_does_not(reader: FallbackReader, index: SlowReader) -> None:
    index.hangs = True
    answer = asyncio.run(reader.browse(TRUSTED, "static"))
    assert ids(answer) == ["a", "b", "c"]
    assert answer.without is not None
    assert "no answer in 10 ms" in answer.without.reason


def test_what_the_live_view_cannot_know_fails(reader: FallbackReader, index: SlowReader) -> None:
    index.is_down = True
    questions = reader.browse(UNTRUSTED, "newest"), reader.pick(UNTRUSTED, ["a"]), reader.recall(TRUSTED, {"x": 1}), reader.get(["a"])
    for question in questions:
        with pytest.raises(StoreUnavailable):
            asyncio.run(question)


def test_a_wide_index_that_keeps_failing_is_asked_no_more_for_a_while(reader: FallbackReader, index: SlowReader) -> None:
    index.is_down = True
    for _ in range(3):
        asyncio.run(reader.browse(UNHURRIED, "newest"))
    index.is_down = False
    assert ids(asyncio.run(reader.browse(UNHURRIED, "newest"))) == ["a", "b", "c"]
    with pytest.raises(StoreUnavailable, match=r"could not ask index: it is left alone for \d+ ms more, because 3 calls"):
        asyncio.run(reader.recall(UNHURRIED, {"category:数码›手机": 1}))
    assert index.queries == []


def test_a_question_that_its_caller_gives_up_counts_as_one_without_an_answer(reader: FallbackReader, index: SlowReader) -> None:
    async def give_up() -> None:
        async with asyncio.timeout(0.001):
            await reader.browse(replace(UNTRUSTED, until=None), "newest")

    index.hangs = True
    for _ in range(3):
        with pytest.raises(TimeoutError):
            asyncio.run(give_up())
    index.hangs = False
    assert asyncio.run(reader.browse(UNHURRIED, "newest")).without is not None
