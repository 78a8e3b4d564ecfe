"""Generations on the real server: what is written while one is filled is in both, whenever the alias moves; one rebuild at a time."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from builders import wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_indices, settings
from loopback_proxy import Call, LoopbackProxy, loopback_proxy
from smallpool_core.errors import Conflict, StoreError
from smallpool_core.fields import Attributes
from smallpool_core.items import Indexed
from smallpool_stores.elasticsearch import lease
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.indices import ItemIndices
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter


class Rig(NamedTuple):
    """Indices as one process has them, and a writer that another has, through a proxy."""

    proxy: LoopbackProxy
    indices: ItemIndices
    writer: ElasticsearchItemWriter

    def just_before(self, part: str, act: Callable[[], object]) -> None:
        """Does this once, before the next call whose path has the part goes on to the server."""
        waiting = [act]

        def plan(call: Call) -> None:
            if part in call.path and waiting:
                waiting.pop()()

        self.proxy.plan = plan

    def held(self, name: str) -> list[str]:
        self.indices.refresh(name)
        return [item_id for item_id, _, _ in self.indices.orders(name)]


@pytest.fixture(scope="module")
def proxy() -> Iterator[LoopbackProxy]:
    with loopback_proxy(settings().url) as running:
        yield running


@pytest.fixture
def rig(proxy: LoopbackProxy) -> Iterator[Rig]:
    with item_indices() as (connection, indices):
        indices.ensure()
        through = Connection(settings(url=proxy.url, prefix=connection.settings.prefix))
        yield Rig(proxy, indices, ElasticsearchItemWriter(through, NO_ATTRIBUTES))
        proxy.plan = lambda _: None
        through.close()


def test_what_is_indexed_while_a_generation_is_filled_is_in_both(rig: Rig) -> None:
    rig.writer.index([wide_item("before")])
    old, new = rig.indices.serving() or "", rig.indices.create()
    assert rig.writer.index([wide_item("a"), wide_item("b")]) == Indexed(2)
    assert (rig.held(old), rig.held(new)) == (["a", "b", "before"], ["a", "b"])


@pytest.mark.parametrize("moment", ["_bulk", "_alias"])
def test_a_generation_that_appears_during_a_write_has_what_was_written(rig: Rig, moment: str) -> None:
    rig.writer.index([wide_item("before")])
    rig.just_before(moment, rig.indices.create)
    assert rig.writer.index([wide_item("a")]) == Indexed(1)
    (new,) = [one.name for one in rig.indices.generations() if one.is_next]
    assert rig.held(new) == ["a"]


@pytest.mark.parametrize("moment", ["items/_bulk", "items-next/_bulk", "_alias"])
def test_a_swap_during_a_write_loses_nothing_of_it(rig: Rig, moment: str) -> None:
    new = rig.indices.create()
    rig.writer.index([wide_item("before")])
    rig.just_before(moment, lambda: rig.indices.serve(new))
    assert rig.writer.index([wide_item("a")]) == Indexed(1)
    assert rig.indices.serving() == new
    assert rig.held(new) == ["a", "before"]


@pytest.mark.parametrize("moment", ["items/_bulk", "items-next/_bulk", "_alias"])
def test_a_generation_that_is_dropped_during_a_write_costs_nothing(rig: Rig, moment: str) -> None:
    new = rig.indices.create()
    rig.writer.index([wide_item("before")])
    rig.just_before(moment, lambda: rig.indices.drop(new))
    assert rig.writer.index([wide_item("a")]) == Indexed(1)
    assert [one.name for one in rig.indices.generations()] == [rig.indices.serving()]
    assert rig.held(rig.indices.serving() or "") == ["a", "before"]


def test_a_refresh_holds_for_whichever_generation_serves_next(rig: Rig) -> None:
    new = rig.indices.create()
    rig.writer.index([wide_item("a")])
    rig.writer.refresh()
    assert [one.documents for one in rig.indices.generations()] == [1, 1]
    rig.indices.serve(new)
    assert set(rig.writer.get(["a"])) == {"a"}


def test_a_generation_that_is_not_the_next_is_refused_to_serve(rig: Rig) -> None:
    old, first = rig.indices.serving(), rig.indices.create()
    rig.indices.leave(first)
    with pytest.raises(StoreError, match="could not make"):
        rig.indices.serve(first)
    assert rig.indices.serving() == old


def test_no_name_of_a_generation_comes_twice(rig: Rig) -> None:
    first = rig.indices.create()
    rig.indices.drop(first)
    assert rig.indices.create() != first


def test_a_generation_of_another_layout_is_not_filled_again(rig: Rig) -> None:
    other = ItemIndices(rig.indices._client, Attributes({"size": "keyword"}))
    with pytest.raises(StoreError, match="laid out otherwise"):
        other.resume(rig.indices.serving() or "")
    assert not any(one.is_next for one in rig.indices.generations())


def test_a_second_rebuild_is_refused_while_one_runs_and_not_after(rig: Rig) -> None:
    with rig.indices.alone(), pytest.raises(Conflict, match="another process is at it"), rig.indices.alone():
        pass
    with rig.indices.alone():
        pass


def test_a_rebuild_that_was_killed_keeps_others_out_for_a_moment_only(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SILENT_S", 0.6)
    with rig.indices.alone():
        killed = lease.Lease(rig.indices._client, "killed")
        with killed.held():
            killed._over.set()
            with lease.Lease(rig.indices._client, "killed").held():
                pass
