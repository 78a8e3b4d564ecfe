"""The full and the incremental sync of the wide index on the real servers: the same answers afterwards, and the way back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import NOW, FakeClock
from kafka_rig import eventually
from rebuild_rig import Installation
from smallpool_core.errors import StoreError
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.places import has_reached
from system_rig import EVERYTHING, Marketplace, listing, listings, sold
from two_wirings import distributed


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marketplace]:
    """A marketplace on the real servers with the pool `p` of everything. Each test leaves it as it found it, but for its items."""
    folder = tmp_path_factory.mktemp("market")
    with distributed(folder, FakeClock(NOW)) as made:
        made.put_pool("p", EVERYTHING)
        made.take(*listings(40, per_category=4))
        yield made


@pytest.fixture
def here(market: Marketplace) -> Installation:
    return Installation(market, market.system.settings)


def test_a_rebuild_gives_the_same_pages_and_going_back_does_with_what_came_since(
    market: Marketplace, here: Installation, tmp_path: Path
) -> None:
    page, old = market.glance(size=30), here.serving
    rebuilt = here.run(tmp_path, "rebuild", "--json")
    assert (rebuilt["serving"], rebuilt["before"]) == (here.serving, old)
    assert rebuilt["digest"] == rebuilt["replayed_digest"] == here.digest() == here.recorded_digest()
    assert market.glance(size=30) == page
    market.take(sold(page[0]), listing("late", category="晚"))
    since = market.glance(size=30)
    back = here.run(tmp_path, "rebuild", "--rollback", "--json")
    assert (back["serving"], back["before"]) == (here.serving, rebuilt["serving"]) == (old, rebuilt["serving"])
    assert back["digest"] == here.digest() == here.recorded_digest()
    assert market.glance(size=30) == since
    assert "late" in market.glance(size=100)
    assert "none was made before" in here.run(tmp_path, "rebuild", "--rollback", code=1)


def test_a_second_rebuild_is_refused_while_one_runs(here: Installation, tmp_path: Path) -> None:
    with here.indices.alone():
        assert "another process is at it" in here.run(tmp_path, "rebuild", code=1)


def test_records_that_nobody_indexed_are_taken_in_once_by_a_sync(market: Marketplace, here: Installation, tmp_path: Path) -> None:
    market.send(*(listing(f"waits{number}") for number in range(5)))
    log = market.system.log

    def is_recorded() -> bool:
        market.system.indexer.run_once()
        return has_reached(log.committed("item-events", INDEXER_GROUP), log.end("item-events"))

    assert eventually(is_recorded)
    assert here.digest() != here.recorded_digest()
    assert "records taken in" in here.run(tmp_path, "sync", "--once")
    assert here.digest() == here.recorded_digest()
    assert here.run(tmp_path, "sync", "--once").startswith("0 records")


def test_a_sync_from_the_start_restores_what_an_index_has_lost(market: Marketplace, here: Installation, tmp_path: Path) -> None:
    market.settle()
    page = market.glance(size=30)
    here.indices.serve(here.indices.create())
    assert here.digest() != here.recorded_digest(), "of a page only what its terms find comes from the index"
    here.run(tmp_path, "sync", "--once", "--from-start")
    assert here.digest() == here.recorded_digest()
    assert market.glance(size=30) == page


def test_an_index_that_cannot_be_gone_back_to_is_said_before_anything_moves(here: Installation) -> None:
    serving = here.serving
    for name in here.others():
        here.indices.drop(name)
    with pytest.raises(StoreError, match="none was made before"):
        here.system.rebuild.roll_back(lambda *_: None)
    assert here.serving == serving
