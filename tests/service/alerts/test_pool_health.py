"""How a pool does is read as counted: totals of the last hour, and means a page by source."""

from pathlib import Path

from builders import HOUR, NOW
from read_rig import World
from smallpool_core.alerts import Alert
from smallpool_core.pool_counts import PoolCounter
from smallpool_service.alerts.health import SourceHealth, read_health, source_names
from smallpool_stores.sqlite.pool_figures import SqlitePoolFigures
from smallpool_stores.sqlite.schema import open_database

SOURCES = ("terms", "x2i", "idle")
STARTED = NOW // HOUR * HOUR


def figures(folder: Path, *pages: int) -> SqlitePoolFigures:
    """Of pages that were asked for at these times."""
    counter, made = PoolCounter(), SqlitePoolFigures(open_database(folder / "smallpool.db"))
    sources = {"asked:terms": 100, "returned:terms": 60, "in_pool:terms": 60, "filtered:terms": 50, "page:terms": 8}
    sources |= {"asked:x2i": 100, "returned:x2i": 90, "in_pool:x2i": 3}
    for at in pages:
        counter.page("p", at, asked=10, given=8, recalled=50, sources=sources)
    made.add(counter.take())
    return made


def test_a_pool_tells_its_page_fill_and_what_each_source_gave_for_a_page(tmp_path: Path) -> None:
    world, store = World(), figures(tmp_path, STARTED, STARTED + 1, STARTED + 2)
    world.recaller.ports.catalogue.refresh()
    [health] = read_health(store, [world.recaller.ports.catalogue.get("p")], {"p": 7}, SOURCES, STARTED + 3)
    assert (health.pool_id, health.state, health.size, health.pages, health.page_fill, health.recalled) == ("p", "live", 7, 3, 0.8, 50)
    assert health.sources == [SourceHealth("terms", 100, 60, 60, 50, 8), SourceHealth("x2i", 100, 90, 3, 0, 0)]
    assert health.alerts == []


def test_of_the_hour_before_the_share_counts_that_the_last_sixty_minutes_reach_into(tmp_path: Path) -> None:
    world, store = World(), figures(tmp_path, *[STARTED - 1] * 4, STARTED)
    world.recaller.ports.catalogue.refresh()
    known = [world.recaller.ports.catalogue.get("p")]
    [half] = read_health(store, known, {}, SOURCES, STARTED + HOUR // 2)
    assert half.pages == 3
    assert half.sources[0] == SourceHealth("terms", 100, 60, 60, 50, 8)
    [later] = read_health(store, known, {}, SOURCES, STARTED + 3 * HOUR)
    assert (later.pages, later.page_fill, later.sources) == (0, None, [])


def test_alerts_that_stand_are_named(tmp_path: Path) -> None:
    world, store = World(), figures(tmp_path)
    world.recaller.ports.catalogue.refresh()
    store.take_turn(NOW, 1)
    store.put_alerts([Alert("p", "empty", NOW, raised_at=NOW), Alert("p", "page_fill_low", NOW), Alert("q", "empty", NOW, raised_at=NOW)])
    [health] = read_health(store, [world.recaller.ports.catalogue.get("p")], {}, SOURCES, NOW)
    assert health.alerts == ["empty"]


def test_every_source_of_the_recaller_is_asked_about() -> None:
    assert source_names(World().recaller) == (
        "pinned",
        "terms",
        "vectors",
        "latent",
        "x2i",
        "popular",
        "newest",
        "explore",
        "x2i_pool",
        "repeats",
    )
