"""What the live view answers without asking the wide index, what it cannot, and when the wide index is left alone."""

import asyncio

import pytest
from msgspec.structs import replace

from builders import NOW, wide_item
from market import RULES, tagged
from read_rig import FakeReader
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Answer, Query, Scope
from smallpool_stores.memory.live_first import LiveFirstReader, breaker_of
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.recent import RecentIndex
from smallpool_stores.memory.rows import ItemRows

TRUSTED = Query(Scope("all", RULES["all"], trusted=True), frozenset(), 10, 10, NOW)
UNTRUSTED = replace(TRUSTED, scope=Scope("all", RULES["all"], trusted=False))
HOME = replace(TRUSTED, scope=Scope("home", RULES["all"], trusted=False, everything=True))


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
def reader(index: SlowReader) -> LiveFirstReader:
    """The live view knows one item more."""
    rows = ItemRows()
    PackedLiveView(rows).apply([*index.items.values(), tagged(wide_item("c"))])
    return LiveFirstReader(index, LiveItemReader(rows), RecentIndex(), breaker_of("index", after=3, pause_ms=60_000))


def ids(answer: Answer) -> list[str]:
    return [hit.item_id for hit in answer.hits]


@pytest.mark.parametrize("query", [TRUSTED, HOME])
@pytest.mark.parametrize("is_down", [False, True])
def test_browse_and_pick_ask_the_live_view_alone(reader: LiveFirstReader, index: SlowReader, query: Query, *, is_down: bool) -> None:
    index.is_down = is_down
    browsed, picked = asyncio.run(reader.browse(query, "newest")), asyncio.run(reader.pick(query, ["c", "a"]))
    assert (ids(browsed), ids(picked)) == (["a", "b", "c"], ["c", "a"])
    assert index.queries == []


def test_the_rule_of_a_pool_whose_tag_is_not_trusted_is_asked_of_the_wide_index(reader: LiveFirstReader) -> None:
    browsed, picked = asyncio.run(reader.browse(UNTRUSTED, "newest")), asyncio.run(reader.pick(UNTRUSTED, ["c", "a"]))
    assert (ids(browsed), ids(picked)) == (["a", "b"], ["a"])


def test_what_the_live_view_cannot_know_fails_with_the_wide_index(reader: LiveFirstReader, index: SlowReader) -> None:
    index.is_down = True
    questions = reader.browse(UNTRUSTED, "newest"), reader.pick(UNTRUSTED, ["a"]), reader.recall(TRUSTED, {"x": 1}), reader.get(["a"])
    for question in questions:
        with pytest.raises(StoreUnavailable):
            asyncio.run(question)


def test_a_wide_index_that_keeps_failing_is_asked_no_more_for_a_while(reader: LiveFirstReader, index: SlowReader) -> None:
    index.is_down = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            asyncio.run(reader.browse(UNTRUSTED, "newest"))
    index.is_down = False
    with pytest.raises(StoreUnavailable, match=r"could not ask index: it is left alone for \d+ ms more, because 3 calls"):
        asyncio.run(reader.recall(TRUSTED, {"category:数码›手机": 1}))
    assert index.queries == []


def test_a_question_that_its_caller_gives_up_counts_as_one_without_an_answer(reader: LiveFirstReader, index: SlowReader) -> None:
    async def give_up() -> None:
        async with asyncio.timeout(0.001):
            await reader.browse(UNTRUSTED, "newest")

    index.hangs = True
    for _ in range(3):
        with pytest.raises(TimeoutError):
            asyncio.run(give_up())
    index.hangs = False
    with pytest.raises(StoreUnavailable, match="left alone"):
        asyncio.run(reader.browse(UNTRUSTED, "newest"))
