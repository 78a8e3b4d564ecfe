"""A new model of vectors takes the place of another while pages are asked for: none fails, each goes by one model from end to end."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from builders import user_event
from encoder_rig import Models, hashed
from smallpool_core.items import VECTORS
from smallpool_indexer.settings import IndexerSettings
from smallpool_service.page import Page
from system_rig import EVERYTHING, Marketplace, listings

ASKED = {"sources": {"vectors": 0.5, "latent": 0.5, "terms": 0.25, "explore": 0.0}}
COUNT = 60
FEW_AT_ONCE = IndexerSettings(batch_size=8, backfill_page=4)
OLD, NEW = "hashed-1", "hashed-2"


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Marketplace]:
    with Marketplace(tmp_path, models=Models(hashed(OLD)), indexer=FEW_AT_ONCE) as market:
        market.put_pool("p", EVERYTHING, settings=ASKED)
        market.take(*listings(COUNT), user_event("click", "i0001", pool_id="p"), user_event("click", "i0030", pool_id="p"))
        yield market


def promote(market: Marketplace) -> None:
    market.system.vector_models.known.append(hashed(NEW))  # type: ignore[union-attr, attr-defined]


def model_of(page: Page) -> str:
    assert page.trace.vectors
    return page.trace.vectors.model


def embedded_by(market: Marketplace) -> list[str]:
    return [item.versions[VECTORS] for item in market.stored().values()]


def test_pages_go_by_the_model_before_until_every_listing_is_embedded_anew(market: Marketplace) -> None:
    assert model_of(market.recall(dry_run=True)) == OLD
    promote(market)
    seen = []
    while market.system.write_path.turn():
        done = embedded_by(market).count(NEW)
        page = market.recall(dry_run=True)
        assert page.degraded == []
        assert any({"vectors", "latent"} & set(item.sources) for item in page.items)
        seen.append((done, model_of(page)))
    assert {model for done, model in seen if done < COUNT} == {OLD}
    assert any(0 < done < COUNT for done, _ in seen), "the change must not be over in one turn, or the test shows nothing"
    assert embedded_by(market) == [NEW] * COUNT
    assert model_of(market.recall(dry_run=True)) == NEW


def test_whoever_asks_all_the_while_is_answered_each_time_and_by_one_model_a_page(market: Marketplace) -> None:
    pages: list[Page] = []
    failures: list[Exception] = []
    is_over = Event()

    def ask() -> None:
        while not is_over.is_set():
            try:
                pages.append(market.recall(dry_run=True, explain=True))
            except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
                failures.append(error)

    asking = Thread(target=ask)
    asking.start()
    try:
        promote(market)
        market.settle()
    finally:
        is_over.set()
        asking.join()
    pages.append(market.recall(dry_run=True, explain=True))
    assert failures == []
    assert {what for page in pages for what in page.degraded} == set()
    models = [model_of(page) for page in pages]
    assert models == sorted(models), "no page goes back to the model before"
    assert models[-1] == NEW


def test_a_request_that_began_by_the_model_before_is_answered_by_it_after_the_change(market: Marketplace) -> None:
    recall = market.system.reader.recall
    was_changed = []

    async def changing(*asked: object) -> object:
        if not was_changed:
            was_changed.append(True)
            promote(market)
            market.settle()
        return await recall(*asked)  # type: ignore[arg-type]

    market.system.reader.recall = changing  # type: ignore[method-assign, assignment]
    page = market.recall(dry_run=True)
    assert was_changed
    assert (model_of(page), page.degraded) == (OLD, [])
    assert any("vectors" in item.sources for item in page.items)
    assert model_of(market.recall(dry_run=True)) == NEW
