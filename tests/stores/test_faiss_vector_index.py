"""What FAISS finds of everything on sale, where that is too much to read: allowed rows alone, new ones at once, most of the nearest."""

import asyncio
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from random import Random
from threading import Lock

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from builders import NOW, wide_item
from market import RULES
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.pools import BANNED
from smallpool_core.vectors import PARTS_OF_ONE
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.faiss import vector_index
from smallpool_stores.faiss.vector_index import FaissVectorIndex
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.changed_rows import ChangedRows
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_generation import Products, VectorGeneration
from smallpool_stores.memory.vector_index import NumpyVectorIndex
from smallpool_stores.memory.vectors import VectorColumns
from vector_rig import asking, nearest, of_model

HOME = Query(Scope("home", RULES["all"], trusted=False, everything=True), frozenset(), cap=99, limit=10, now=NOW)
MOST_READ = 100
SIZE = 16
FOUND_WITHIN_S = 60


class Fed:
    """An index of more rows than it reads, and one that reads them all."""

    def __init__(self, seed: int, items: int = 600) -> None:
        self.draw = Random(seed)
        vectors, changed = VectorColumns(), ChangedRows()
        self.changed = changed
        self.rows = ItemRows(vectors, changed, sweep_floor=16)
        self.index = FaissVectorIndex(self.rows, vectors, changed, MOST_READ)
        self.exact = NumpyVectorIndex(self.rows, vectors, 10_000)
        self.versions = dict.fromkeys([f"i{number}" for number in range(items)], 1)
        self.rows.take([self.item(item_id) for item_id in self.versions])
        self.is_built = bool(items) and self.is_asked_for()

    def is_asked_for(self) -> bool:
        """Whether a graph is built once somebody has asked for one."""
        nearest(self.index, HOME, asking(self.axis(), model="m"))
        return self.index.rebuild()

    def axis(self) -> list[float]:
        return [self.draw.gauss(0, 1) for _ in range(SIZE)]

    def item(self, item_id: str, model: str = "m", **changes: object) -> WideItem:
        axis = np.array(self.axis())
        item = wide_item(item_id, version=self.versions.get(item_id, 1), category=f"c{self.draw.randrange(40)}", **changes)
        return of_model(item, np.rint(PARTS_OF_ONE * axis / np.linalg.norm(axis)).astype(int).tolist(), model)

    def change(self) -> None:
        """Some are sold, some listed anew with another vector, some banned, some come."""
        ids = self.draw.sample(list(self.versions), 60)
        for item_id in ids:
            self.versions[item_id] += 1
        sold = [wide_item(one, version=self.versions[one], enrich=ENRICH_SOLD, state="sold", terms=()) for one in ids[:20]]
        new = [self.item(f"n{self.draw.randrange(10**6)}") for _ in range(10)]
        self.versions |= {one.item_id: 1 for one in new}
        banned = [self.item(one, pools=(BANNED,)) for one in ids[20:30]]
        self.rows.take([*sold, *banned, *(self.item(one) for one in ids[30:]), *new])


@pytest.fixture(scope="module")
def fed() -> Iterator[Fed]:
    return Fed(1)


@pytest.mark.parametrize("seed", range(3))
def test_over_a_life_of_changes_nearly_all_of_the_nearest_are_found_and_nothing_else(seed: int) -> None:
    fed, share = Fed(seed), []
    assert fed.is_built
    for turn in range(6):
        fed.change()
        if turn % 3 == 2:
            fed.index.rebuild()
        for _ in range(5):
            asked = asking(fed.axis(), fed.axis(), model="m")
            excluded = frozenset(fed.draw.sample(list(fed.versions), 50))
            query = replace(HOME, excluded=excluded, cap=fed.draw.choice((1, 99)))
            everything = nearest(fed.exact, replace(query, limit=10_000, cap=10_000), asked)
            for found, wanted, allowed in zip(nearest(fed.index, query, asked), nearest(fed.exact, query, asked), everything, strict=True):
                assert set(found) <= set(allowed)
                assert found == sorted(found, key=allowed.index)
                share.append(len(set(found) & set(wanted)) / len(wanted))
    assert sum(share) / len(share) > 0.97


def test_what_came_in_after_the_graph_was_built_is_found_and_what_left_is_not() -> None:
    fed = Fed(5)
    axis = fed.axis()
    [first, *_] = nearest(fed.index, HOME, asking(axis, model="m"))[0]
    unit = np.array(axis) / np.linalg.norm(axis)
    fed.rows.take([of_model(wide_item("new"), np.rint(PARTS_OF_ONE * unit).astype(int).tolist(), "m")])
    fed.rows.take([wide_item(first, version=9, enrich=ENRICH_SOLD, state="sold")])
    found = nearest(fed.index, HOME, asking(axis, model="m"))[0]
    assert found[0] == "new"
    assert first not in found
    [answer] = asyncio.run(fed.index.nearest(HOME, asking(axis, model="m")))
    assert not answer.exhausted


def test_what_changed_since_the_graph_was_built_is_read_once_for_all_vectors_of_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    fed, read, products = Fed(11), list[int](), VectorGeneration.products

    def counted(generation: VectorGeneration, rows: Rows, vectors: NDArray[np.float32]) -> Products:
        read.extend(rows.tolist())
        return products(generation, rows, vectors)

    fed.rows.take([fed.item("new")])
    monkeypatch.setattr(VectorGeneration, "products", counted)
    asked = asking(*(fed.axis() for _ in range(4)), model="m")
    assert len(nearest(fed.index, HOME, asked)) == 4
    assert read.count(fed.rows.row_of("new")) == 1


def test_a_graph_is_built_where_it_is_due_and_for_the_model_in_force_alone() -> None:
    fed = Fed(6)
    assert (fed.is_built, fed.index.rebuild()) == (True, False)
    for _ in range(2):
        fed.change()
    assert fed.index.rebuild()
    asked = asking(fed.axis(), model="next")
    fed.versions = {item_id: version + 1 for item_id, version in fed.versions.items()}
    fed.rows.take([replace(fed.item(item_id, "next"), version=99) for item_id in fed.versions])
    assert fed.index.model == "next"
    assert nearest(fed.index, HOME, asked) == [[]]  # not yet
    assert fed.index.rebuild()
    assert len(nearest(fed.index, HOME, asked)[0]) == HOME.limit


def test_nobody_pays_for_a_graph_who_does_not_ask_for_what_it_finds() -> None:
    fed = Fed(13, 0)
    fed.rows.take([fed.item(f"i{number}", pools=("p",)) for number in range(600)])
    in_pool = replace(HOME, scope=Scope("p", RULES["all"], trusted=True))
    nearest(fed.index, in_pool, asking(fed.axis(), model="m"))
    assert not fed.index.rebuild()
    assert fed.is_asked_for()


def test_where_all_that_had_vectors_left_a_graph_of_nothing_finds_nothing() -> None:
    fed = Fed(10)
    asked = asking(fed.axis(), model="m")
    fed.rows.take([wide_item(item_id, version=9, enrich=ENRICH_SOLD, state="sold") for item_id in fed.versions])
    assert fed.index.rebuild()
    assert nearest(fed.index, HOME, asked) == [[]]
    fed.rows.take([fed.item("new")])
    assert nearest(fed.index, HOME, asked) == [["new"]]


def test_changes_are_remembered_only_where_there_is_a_graph_to_tell_of_them() -> None:
    fed = Fed(12, MOST_READ // 2)
    for version in range(9):
        fed.rows.take([replace(fed.item(item_id), version=version + 2) for item_id in fed.versions])
    assert len(fed.changed) == 0
    fed.rows.take([fed.item(f"n{number}") for number in range(MOST_READ)])
    assert fed.index.rebuild()
    fed.rows.take([fed.item("new")])
    assert len(fed.changed) == 1


class LetsIn:
    """A lock that lets a change come in each time it is free."""

    def __init__(self, change: Callable[[], None]) -> None:
        self.change, self.holds, self.is_changing = change, 0, False

    def __enter__(self) -> None:
        self.holds += not self.is_changing

    def __exit__(self, *_: object) -> None:
        if not self.is_changing:
            self.is_changing = True
            self.change()
            self.is_changing = False


def test_while_vectors_are_copied_for_a_graph_changes_come_in_and_none_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "_COPIED_AT_ONCE", 50)
    fed = Fed(9, 0)
    fed.versions = dict.fromkeys([f"i{number}" for number in range(600)], 1)
    fed.rows.take([fed.item(item_id) for item_id in fed.versions])
    nearest(fed.index, HOME, asking(fed.axis(), model="m"))
    lock = LetsIn(fed.change)
    monkeypatch.setattr(fed.rows, "lock", lock)
    assert fed.index.rebuild()
    assert lock.holds > 600 / 50
    monkeypatch.setattr(fed.rows, "lock", Lock())
    for _ in range(20):
        asked = asking(fed.axis(), model="m")
        [found], [everything] = nearest(fed.index, HOME, asked), nearest(fed.exact, replace(HOME, limit=10_000, cap=10_000), asked)
        assert found == sorted(found, key=everything.index)
        assert found[0] == everything[0]


def test_as_many_as_are_read_need_no_graph() -> None:
    fed = Fed(7, MOST_READ)
    assert not fed.is_built
    asked = asking(fed.axis(), model="m")
    assert nearest(fed.index, HOME, asked) == nearest(fed.exact, HOME, asked)


def test_case_37_a_process_that_forks_after_a_search_can_build_and_search_in_the_child(fed: Fed) -> None:
    asked = asking(fed.axis(), model="m")
    wanted = nearest(fed.index, HOME, asked)

    def in_the_child() -> None:
        again = Fed(8)
        assert again.is_built
        assert nearest(fed.index, HOME, asked) == wanted

    child = get_context("fork").Process(target=in_the_child)
    child.start()
    child.join(FOUND_WITHIN_S)
    is_hanging = child.is_alive()
    child.kill()
    assert (is_hanging, child.exitcode) == (False, 0)
