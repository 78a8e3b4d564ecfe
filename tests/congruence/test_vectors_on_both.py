"""Vectors behind both wirings: the same listings and behaviour give the same pages, by the same interests, before and after a new model."""

from pathlib import Path

from msgspec import UNSET
from msgspec.structs import replace

from builders import NOW, FakeClock, user_event
from encoder_rig import DIMENSIONS, Models, hashed
from smallpool_core.items import VECTORS
from smallpool_service.page import Page
from system_rig import EVERYTHING, Marketplace, listing, sold
from two_wirings import Rested, distributed, embedded, on_servers

ASKED = {"sources": {"terms": 0.5, "vectors": 0.5, "latent": 0.2, "explore": 0.0}}
KINDS = ("手机", "平板", "相机", "耳机", "手表", "键盘")


def filled(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING, settings=ASKED)
    shelf = [listing(f"i{number:02}", f"苹果 {KINDS[number % 6]} #点{number % 5}", KINDS[number % 6]) for number in range(36)]
    market.take(*shelf)
    market.take(user_event("click", "i00", pool_id="p"), user_event("favourite", "i06", pool_id="p", at=NOW - 5_000))
    market.take(sold("i00"))


def told(page: Page) -> list[tuple[str, list[str], list[tuple[str, int, list[str]]]]]:
    """Each line with its sources and the interests that brought it."""
    assert page.degraded == []
    return [
        (line.item_id, line.sources, [(one.source, one.interest, one.categories) for one in line.explain.interests or ()])
        for line in page.items
        if line.explain is not UNSET
    ]


def pages(market: Marketplace, models: Models) -> list[tuple[str, object]]:
    """The page by the first model, and by another once all is embedded anew."""
    filled(market)
    found: list[tuple[str, object]] = []
    for model in ("hashed-1", "hashed-2"):
        if models.version != model:
            models.known.append(hashed(model))
            for _ in range(2):  # sends what has to be embedded anew, then takes it in
                market.system.write_path.settle()
                market.settle()
        page = market.recall(dry_run=True, explain=True, size=12)
        assert page.trace.vectors
        found.append((page.trace.vectors.model, told(page)))
        listed = market.system.items.get([f"i{number:02}" for number in range(1, 36)]).values()
        assert {item.versions[VECTORS] for item in listed} == {model}
    return found


def test_both_wirings_give_the_same_pages_by_the_same_interests(tmp_path: Path) -> None:
    first, second = Models(hashed("hashed-1")), Models(hashed("hashed-1"))
    with embedded(tmp_path / "embedded", FakeClock(NOW), models=first) as market:
        inside = pages(market, first)
    with distributed(tmp_path / "distributed", FakeClock(NOW), models=second) as market:
        on_servers = pages(market, second)
    assert inside == on_servers
    assert [model for model, _ in inside] == ["hashed-1", "hashed-2"]
    assert any("latent" in sources for _, lines in inside for _, sources, _ in lines)  # type: ignore[attr-defined]


def test_a_process_that_only_asks_knows_the_model_of_vectors_that_elasticsearch_holds(tmp_path: Path) -> None:
    servers = on_servers(tmp_path)
    held = replace(servers, elasticsearch=replace(servers.elasticsearch, vector_dimensions=DIMENSIONS))
    with distributed(tmp_path, FakeClock(NOW), settings=held, models=Models(hashed())) as market:
        filled(market)
        with Rested(held, clock=FakeClock(NOW), models=Models(hashed())) as asking:
            page = asking.recall(dry_run=True, explain=True)
    assert page.trace.vectors
    assert page.trace.vectors.model == hashed().items.model
    assert any("vectors" in sources for _, sources, _ in told(page))
