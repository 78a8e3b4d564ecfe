"""The full sync over generations in memory: what serves afterwards, what is kept, and what becomes of one that ends early."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from builders import FakeClock, wide_item
from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_core.generations import Generation, digest_of
from smallpool_core.items import Indexed, WideItem
from smallpool_indexer.rebuild import Rebuild, Rebuilt, Sources
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable
from smallpool_stores.sqlite.wide_tail import SqliteWideTail


class Shelf:
    """Generations in memory, and the writer of the next one. `refuses` are ids that no generation takes."""

    def __init__(self, *names: str) -> None:
        self.items: dict[str, dict[str, WideItem]] = {name: {} for name in names}
        self.serving: str | None = names[-1] if names else None
        self.next: str | None = None
        self._made = len(names)
        self.refuses: Collection[str] = ()
        self.while_read: Callable[[], object] = lambda: None

    def alone(self) -> nullcontext[None]:
        return nullcontext()

    def generations(self) -> list[Generation]:
        return [Generation(name, len(self.items[name]), name == self.serving, name == self.next, 0) for name in sorted(self.items)]

    def create(self) -> str:
        self._made += 1
        name = f"g{self._made}"
        self.items[name] = {}
        self.next = name
        return name

    def resume(self, name: str) -> None:
        self.next = name

    def refresh(self, name: str) -> None:
        assert name in self.items

    def orders(self, name: str) -> Iterator[tuple[str, int, int]]:
        self.while_read()
        found = sorted(self.items[name].items(), key=lambda pair: pair[0].encode())
        return iter([(item_id, *item.order) for item_id, item in found])

    def serve(self, name: str) -> None:
        assert name == self.next
        self.serving, self.next = name, None

    def leave(self, name: str) -> None:
        self.next = None

    def drop(self, name: str) -> None:
        assert name != self.serving
        del self.items[name]
        self.next = None if name == self.next else self.next

    def index(self, items: Sequence[WideItem]) -> Indexed:
        assert self.next is not None
        there = self.items[self.next]
        refused = tuple((item.item_id, "never") for item in items if item.item_id in self.refuses)
        for item in items:
            if item.item_id not in self.refuses and (item.item_id not in there or item.order > there[item.item_id].order):
                there[item.item_id] = item
        return Indexed(len(items), refused)


class Rig:
    def __init__(self, table: SqliteWideTable) -> None:
        self.table = table
        self.shelf = Shelf("g1")
        self.shown: list[tuple[int, int]] = []
        self.rebuild = Rebuild(Sources(self.shelf, self.shelf, self._tail, table.end), _never, size=3)

    def run(self, keep: int = 1) -> Rebuilt:
        return self.rebuild.run(keep, lambda done, total: self.shown.append((done, total)))

    def roll_back(self) -> Rebuilt:
        return self.rebuild.roll_back(lambda *_: None)

    @contextmanager
    def _tail(self) -> Iterator[SqliteWideTail]:
        yield SqliteWideTail(self.table)

    def refresh(self) -> None: ...


def _never() -> None:
    raise AssertionError("a tail without a network has something or stands at the end")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    database = open_database(tmp_path / "smallpool.db", synchronous="off")
    yield Rig(SqliteWideTable(database, FakeClock()))
    database.close()


def items(count: int, version: int = 1) -> list[WideItem]:
    return [wide_item(f"{'件é👍a'[number % 4]}{number}", version=version) for number in range(count)]


def test_a_rebuild_serves_of_each_item_the_newest_record(rig: Rig) -> None:
    rig.table.append(items(10))
    rig.table.append(items(5, version=7))
    rebuilt = rig.run()
    assert rig.shelf.serving == rebuilt.serving == "g2"
    assert rig.shelf.items["g2"] == {item.item_id: item for item in [*items(10), *items(5, version=7)]}
    assert rebuilt.digest == rebuilt.replayed_digest == digest_of(rig.shelf.orders("g2"))
    assert (rebuilt.before, rebuilt.items, rebuilt.replayed_items, rebuilt.dropped) == ("g1", 10, 10, [])
    assert rig.shown[-1][0] == rig.shown[-1][1] > 0


def test_a_rebuild_of_nothing_serves_nothing(rig: Rig) -> None:
    rig.shelf.serving = None
    assert (rig.run().items, rig.shelf.serving) == (0, "g2")


def test_records_that_others_write_while_both_sides_are_compared_are_no_difference(rig: Rig) -> None:
    rig.table.append(items(10))

    def meanwhile() -> None:
        news = [*items(2, version=9), wide_item("new")]
        rig.table.append(news)
        rig.shelf.index(news)

    rig.shelf.while_read = meanwhile
    rebuilt = rig.run()
    assert (rebuilt.newer, rebuilt.items, rebuilt.replayed_items) == (3, 11, 11)
    assert rebuilt.digest == rebuilt.replayed_digest


@pytest.mark.parametrize(
    "spoil",
    [
        lambda there: there.pop("a3"),
        lambda there: there.update(a3=wide_item("a3", version=0)),
        lambda there: there.update(a3=wide_item("a3", version=99)),
        lambda there: there.update(stray=wide_item("stray")),
    ],
    ids=["missing", "older", "newer than any record", "of no record"],
)
def test_a_generation_that_differs_from_the_replay_never_serves(rig: Rig, spoil: Callable[[dict[str, WideItem]], object]) -> None:
    rig.table.append(items(10))
    rig.shelf.while_read = lambda: spoil(rig.shelf.items["g2"])
    with pytest.raises(StoreError, match=r"'g2'.*g1 goes on serving"):
        rig.run()
    assert (rig.shelf.serving, list(rig.shelf.items), rig.shelf.next) == ("g1", ["g1"], None)


def test_an_item_that_the_index_refuses_is_counted_and_costs_no_neighbour(rig: Rig) -> None:
    rig.table.append(items(10))
    rig.shelf.refuses = {"a3"}
    rebuilt = rig.run()
    assert (rebuilt.refused, rebuilt.items, rebuilt.replayed_items) == (1, 9, 9)


def test_what_a_killed_rebuild_left_is_dropped_by_the_next(rig: Rig) -> None:
    rig.table.append(items(4))
    left = rig.shelf.create()
    assert rig.run().dropped == [left]
    assert sorted(rig.shelf.items) == ["g1", "g3"]


def test_a_store_that_fails_leaves_the_old_generation_serving(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.table.append(items(4))

    def fail(*_: object) -> Indexed:
        raise StoreUnavailable("away")

    monkeypatch.setattr(rig.shelf, "index", fail)
    with pytest.raises(StoreUnavailable):
        rig.run()
    assert (rig.shelf.serving, list(rig.shelf.items)) == ("g1", ["g1"])


@pytest.mark.parametrize(("keep", "kept"), [(0, ["g4"]), (1, ["g3", "g4"]), (2, ["g2", "g3", "g4"])])
def test_so_many_generations_are_kept_as_are_asked_for(rig: Rig, keep: int, kept: list[str]) -> None:
    rig.table.append(items(2))
    for _ in range(2):
        rig.run(keep=9)
    rig.run(keep)
    assert sorted(rig.shelf.items) == kept


def test_going_back_brings_the_generation_before_up_to_date_first(rig: Rig) -> None:
    rig.table.append(items(4))
    rig.run()
    rig.table.append([*items(2, version=5), wide_item("new")])
    rebuilt = rig.roll_back()
    assert (rebuilt.serving, rebuilt.before, rig.shelf.serving) == ("g1", "g2", "g1")
    assert rig.shelf.items["g1"]["new"] == wide_item("new")
    assert rebuilt.digest == rebuilt.replayed_digest
    assert sorted(rig.shelf.items) == ["g1", "g2"]


def test_the_generation_that_served_last_is_kept_whatever_its_age(rig: Rig) -> None:
    rig.table.append(items(2))
    rig.run()
    rig.roll_back()
    rig.run(keep=1)
    assert sorted(rig.shelf.items) == ["g1", "g3"]


def test_there_is_no_going_back_before_the_first_generation(rig: Rig) -> None:
    with pytest.raises(StoreError, match="none was made before"):
        rig.roll_back()


def test_going_back_that_fails_leaves_both_as_they_are(rig: Rig) -> None:
    rig.table.append(items(4))
    rig.run()
    rig.shelf.while_read = rig.shelf.items["g1"].clear
    with pytest.raises(StoreError, match="g2 goes on serving"):
        rig.roll_back()
    assert (rig.shelf.serving, rig.shelf.next, sorted(rig.shelf.items)) == ("g2", None, ["g1", "g2"])
