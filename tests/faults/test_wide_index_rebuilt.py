"""The wide index made anew from `item-wide` on the real servers: while it is read and written, and killed while it is at it."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from builders import NOW, FakeClock, wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_indices
from kafka_rig import eventually
from market import RULES, tagged
from rebuild_rig import Installation
from smallpool_core.pages import Query, Scope
from smallpool_indexer.rebuild import Rebuilt
from smallpool_indexer.settings import IndexerSettings
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter
from system_rig import EVERYTHING, Marketplace, listings, sold
from two_wirings import distributed, on_servers

ITEMS = 240
SWAPS = 12
ASKERS = 4
LONG_KILLS = 20
LOOKS = 300
"""A rebuild of these items lasts for about so many questions about what generations there are, from its first write to its last word."""


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Marketplace]:
    """A marketplace on the real servers, whose rebuild takes many small steps, with the pool `p` of everything."""
    settings = replace(on_servers(tmp_path / "state"), indexer=IndexerSettings(tail_size=10))
    with distributed(tmp_path, FakeClock(NOW), settings=settings) as made:
        made.put_pool("p", EVERYTHING)
        made.take(*listings(ITEMS, per_category=4))
        assert len(made.glance(size=50)) == 50
        yield made


def installed(market: Marketplace) -> Installation:
    return Installation(market, market.system.settings)


def test_case_29_every_question_is_answered_by_one_generation_while_the_alias_moves() -> None:
    with item_indices() as (connection, indices):
        indices.ensure()
        generations = [indices.serving() or "", indices.create()]
        for price, name in enumerate(generations):
            writer = ElasticsearchItemWriter(connection, NO_ATTRIBUTES, name)
            # Half are of one category, so that a question for few of each takes a second trip.
            categories = ["full" if number % 2 else f"k{number}" for number in range(120)]
            writer.index([tagged(wide_item(f"i{n:03}", category=category, price_cents=price)) for n, category in enumerate(categories)])
            writer.refresh()
        reader = ElasticsearchItemReader(connection, lambda _: 20)
        query = Query(Scope("all", RULES["all"], trusted=True), frozenset(), 3, 60, NOW)
        seen: set[frozenset[int | None]] = set()
        is_over = asyncio.Event()

        async def ask() -> None:
            while not is_over.is_set():
                hits = (await reader.browse(query, "static")).hits
                assert len(hits) > 20, "one trip would not have brought so many"
                seen.add(frozenset(hit.price_cents for hit in hits))

        async def swap() -> None:
            for turn in range(SWAPS):
                await asyncio.to_thread(_move, turn)
            is_over.set()

        def _move(turn: int) -> None:
            if turn:
                indices.resume(generations[1 - turn % 2])
            indices.serve(generations[1 - turn % 2])

        async def all_at_once() -> None:
            await asyncio.gather(swap(), *(ask() for _ in range(ASKERS)))

        asyncio.run(all_at_once())
    assert seen == {frozenset({0}), frozenset({1})}


@pytest.mark.parametrize("kills", [2, pytest.param(LONG_KILLS, marks=pytest.mark.faults_long)])
def test_case_29_a_rebuild_killed_at_any_point_leaves_one_whole_generation_serving(market: Marketplace, tmp_path: Path, kills: int) -> None:
    here, random = installed(market), Random(kills)
    digest, page, first = here.digest(), market.glance(size=50), here.serving
    half_filled = 0
    for kill in range(kills):
        known = {one.name for one in here.indices.generations()}
        with here.process(tmp_path, "rebuild", "--keep", "99") as process:
            assert eventually(lambda known=known: {one.name for one in here.indices.generations()} - known)
            # The first is killed as soon as its generation is there, so that at least one leaves a half-filled one.
            for _ in range(int((kill + random.random()) / kills * LOOKS) if kill else 0):
                here.indices.generations()
            process.kill()
        half_filled += any(one.is_next for one in here.indices.generations())
        assert here.digest() == digest
        assert market.glance(size=50) == page
    assert half_filled > 0
    market.take(sold(page[0]))
    rebuilt = here.run(tmp_path, "rebuild", "--keep", "0", "--json")
    assert rebuilt["digest"] == rebuilt["replayed_digest"] == here.digest() == here.recorded_digest()
    assert here.serving == rebuilt["serving"] != first
    assert here.others() == []
    after = market.glance(size=50)
    assert len(after) == len(page)
    assert page[0] not in after


def test_case_38_a_replay_into_a_fresh_index_while_events_flow_comes_to_the_same_digest(market: Marketplace) -> None:
    here, random = installed(market), Random(38)
    old, page, done = here.serving, market.glance(size=50), list[Rebuilt]()
    rebuild = threading.Thread(target=lambda: done.append(here.system.rebuild.run(1, lambda *_: None)))
    rebuild.start()
    sent = asked = 0
    turn = market.system.whole_turn()
    while rebuild.is_alive():
        market.send(*listings(ITEMS + sent + 1, per_category=4)[-1:], sold(f"i{random.randrange(ITEMS):04}", version=2))
        turn()
        sent += 1
        assert len(market.glance(size=50)) == len(page)
        asked += 1
    rebuild.join()
    market.settle()
    assert done[0].digest == done[0].replayed_digest
    assert (here.serving, here.others()) == (done[0].serving, [old])
    assert here.digest() == here.recorded_digest()
    assert len(market.glance(size=50)) == len(page)
    assert min(sent, asked) > 3, "events and pages came while it ran"
