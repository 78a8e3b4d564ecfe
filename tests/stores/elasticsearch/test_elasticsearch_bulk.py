"""What becomes of each item of a bulk request, and what is tried again."""

import json
from collections.abc import Iterator

import pytest

from builders import wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_indices, settings
from loopback_proxy import Call, LoopbackProxy, Reply, loopback_proxy
from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_core.items import Indexed
from smallpool_stores.elasticsearch.bulk import pauses_s
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.indices import ItemIndices
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter

BUSY = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
FLOOD = {"type": "cluster_block_exception", "reason": "disk usage exceeded flood-stage watermark"}


class Rig:
    """A writer that reaches its index through a proxy; `pauses` are those that it took."""

    def __init__(self, proxy: LoopbackProxy, connection: Connection, index: str) -> None:
        self.proxy = proxy
        self.pauses: list[float] = []
        self.writer = ElasticsearchItemWriter(connection, NO_ATTRIBUTES, index, self.pauses.append)

    def answers(self, *replies: Reply | None) -> None:
        """The next bulk requests are answered so, or passed on where None; those after them are passed on."""
        waiting = list(replies)
        self.proxy.calls.clear()
        self.proxy.plan = lambda call: waiting.pop(0) if "_bulk" in call.path and waiting else None

    def sent(self) -> list[list[str]]:
        """The ids of each bulk request."""
        return [ids_of(call) for call in self.proxy.calls if "_bulk" in call.path]


def ids_of(call: Call) -> list[str]:
    return [json.loads(line)["index"]["_id"] for line in call.body.splitlines()[::2]]


def judged(*statuses: int, error: dict[str, str] = BUSY) -> Reply:
    """An answer that gives each item of a request its status."""
    results = [{"index": {"status": status} | ({"error": error} if status > 300 else {})} for status in statuses]
    return Reply(200, json.dumps({"items": results}).encode())


@pytest.fixture(scope="module")
def proxy() -> Iterator[LoopbackProxy]:
    with loopback_proxy(settings().url) as running:
        yield running


@pytest.fixture
def rig(proxy: LoopbackProxy) -> Iterator[Rig]:
    with item_indices(url=proxy.url, retry_ms=1_000) as (connection, indices):
        yield Rig(proxy, connection, indices.ensure())
        proxy.plan = lambda _: None


def test_what_is_too_much_for_the_cluster_is_sent_again_and_nothing_else(rig: Rig) -> None:
    rig.writer.index([wide_item("older", version=7)])
    rig.answers(judged(429, 503, 409, 201))
    indexed = rig.writer.index([wide_item(item_id) for item_id in ("busy", "away", "older", "newer")])
    assert rig.sent() == [["busy", "away", "older", "newer"], ["busy", "away"]]
    assert (indexed, len(rig.pauses)) == (Indexed(3), 1)


def test_case_05_a_conflict_is_a_success_only_where_what_is_stored_is_as_new(rig: Rig) -> None:
    rig.writer.index([wide_item("newer", version=7), wide_item("same", version=4), wide_item("older", version=3)])
    rig.answers(judged(409, 409, 409, 409))
    ids = ("newer", "same", "older", "absent")
    assert rig.writer.index([wide_item(item_id, version=4) for item_id in ids]) == Indexed(2), "what was there is not counted as new"
    assert rig.sent() == [list(ids), ["older", "absent"]]
    assert {item_id: item.version for item_id, item in rig.writer.get(ids).items()} == dict(zip(ids, (7, 4, 4, 4), strict=True))


def test_what_the_index_refuses_costs_no_neighbour(rig: Rig) -> None:
    rig.writer.index([wide_item("old", version=7)])
    bad = [wide_item("bad", price_cents=2**63), wide_item("worse", category="›".join("123456789"))]
    indexed = rig.writer.index([wide_item("old", version=6), *bad, wide_item("new")])
    assert indexed.newer == 1
    assert [item_id for item_id, _ in indexed.refused] == ["worse", "bad"]
    assert "9 elements" in indexed.refused[0][1]
    assert "price_cents" in indexed.refused[1][1]
    assert set(rig.writer.get(["old", "bad", "worse", "new"])) == {"old", "new"}


def test_a_cluster_that_stays_busy_is_unavailable_when_the_time_for_trying_is_used_up(rig: Rig) -> None:
    rig.answers(*[judged(429)] * 100)
    with pytest.raises(StoreUnavailable, match="could not index 1 items"):
        rig.writer.index([wide_item()])
    assert sum(rig.pauses) == pytest.approx(1.0)
    assert rig.pauses[0] <= 0.1


def test_a_whole_request_that_fails_is_sent_again(rig: Rig) -> None:
    rig.answers(Reply(503, b"{}"), Reply(429, b"{}"))
    assert rig.writer.index([wide_item()]) == Indexed(1)
    assert len(rig.sent()) == 3


@pytest.mark.parametrize("status", [403, 429])
def test_a_disk_that_is_full_is_said_at_once(rig: Rig, status: int) -> None:
    rig.answers(judged(status, error=FLOOD))
    with pytest.raises(StoreFull, match="flood-stage"):
        rig.writer.index([wide_item()])
    assert rig.pauses == []


def test_requests_are_cut_to_their_bound_and_one_long_item_goes_alone(proxy: LoopbackProxy) -> None:
    with item_indices(url=proxy.url, bulk_bytes=10_000) as (connection, indices):
        rig = Rig(proxy, connection, indices.ensure())
        rig.answers()
        long = wide_item("long", title_words=("手" * 900,) * 20)
        assert rig.writer.index([*(wide_item(f"i{number}") for number in range(50)), long, wide_item("last")]).newer == 52
        lengths = [len(call.body) for call in proxy.calls if "_bulk" in call.path]
        assert ["long"] in rig.sent()
        assert all(length <= 10_000 for length, ids in zip(lengths, rig.sent(), strict=True) if ids != ["long"])


def test_no_index_is_made_by_writing(proxy: LoopbackProxy) -> None:
    with item_indices(url=proxy.url) as (connection, _):
        writer = ElasticsearchItemWriter(connection, NO_ATTRIBUTES)
        with pytest.raises(StoreError, match="index_not_found_exception"):
            writer.index([wide_item()])
        assert ItemIndices(connection, NO_ATTRIBUTES).serving() is None


def test_pauses_double_with_jitter_and_add_up_to_the_budget() -> None:
    for budget_ms in (1, 1_000, 60_000):
        pauses = list(pauses_s(budget_ms))
        assert sum(pauses) == pytest.approx(budget_ms / 1000)
        assert all(pause <= 5 for pause in pauses)
