"""Experiments in Elasticsearch beyond their port: answers that are lost, a store that goes away, what lies in the index."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from elasticsearch import ConflictError
from msgspec.structs import replace

from builders import NOW
from harm_rig import await_that
from loopback_proxy import Cut, Reply, loopback_proxy
from small_indices import small_index
from smallpool_core.errors import RevisionStale, StoreError, StoreUnavailable
from smallpool_core.experiments import Bucket, ExperimentDraft, ExperimentRevision
from smallpool_stores.elasticsearch import experiments
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.experiments import FOLLOW_EVERY_S, ElasticsearchExperimentStore

DRAFT = ExperimentDraft(buckets=(Bucket("a", 0.5), Bucket("b", 0.5)))


@pytest.fixture
def connection() -> Iterator[Connection]:
    with small_index(experiments) as made:
        yield made


def put(store: ElasticsearchExperimentStore, expected: int | None = None, **draft: Any) -> ExperimentRevision:
    wanted = ExperimentDraft(**draft) if draft else DRAFT
    return asyncio.run(store.put("e", wanted, expected, "me", "", NOW))


def test_a_write_whose_answer_was_lost_is_known_again_and_not_made_twice(connection: Connection) -> None:
    creations = 0

    def lose_the_first(call: Any) -> Cut | None:
        nonlocal creations
        if "/_create/" not in call.path:
            return None
        creations += 1
        return Cut(after=True) if creations == 1 else None

    with loopback_proxy(connection.settings.url) as line:
        line.plan = lose_the_first
        behind = Connection(replace(connection.settings, url=line.url))
        with closing(ElasticsearchExperimentStore(behind)) as store:
            assert put(store).experiment.revision == 1
        behind.close()
    assert creations == 2
    with closing(ElasticsearchExperimentStore(connection)) as other:
        assert len(asyncio.run(other.revisions("e"))) == 1


def test_who_finds_no_index_is_told_how_it_is_made(connection: Connection) -> None:
    elsewhere = Connection(replace(connection.settings, prefix=f"{connection.settings.prefix}-nowhere"))
    told = pytest.raises(StoreError, match="run `smallpool stack init` first")
    with closing(elsewhere), closing(ElasticsearchExperimentStore(elsewhere)) as store, told:
        store.since(0)


def test_while_the_store_is_away_who_asks_is_told_and_afterwards_all_is_taken_in(connection: Connection) -> None:
    with loopback_proxy(connection.settings.url) as line:
        behind = Connection(replace(connection.settings, url=line.url))
        with closing(ElasticsearchExperimentStore(behind)) as follower, closing(ElasticsearchExperimentStore(connection)) as other:
            assert follower.since(0) == []
            line.plan = lambda _: Reply(503, b"{}")
            made = put(other)

            def is_told() -> bool:
                try:
                    follower.since(0)
                except StoreUnavailable:
                    return True
                return False

            await_that(is_told, "the failure is told")
            with pytest.raises(StoreError):
                put(follower, 1, name="no")
            line.plan = lambda _: None
            await_that(lambda: not is_told() and follower.since(0) == [made], "what was written meanwhile is known")
        behind.close()
    assert FOLLOW_EVERY_S <= 0.5, "what another process does is asked for well within the second that is promised"


def test_of_many_changes_of_one_revision_at_once_one_stands(connection: Connection) -> None:
    async def race(store: ElasticsearchExperimentStore) -> list[object]:
        changes = [store.put("e", ExperimentDraft(name=f"n{n}"), 1, "me", "", NOW) for n in range(8)]
        return await asyncio.gather(*changes, return_exceptions=True)

    with closing(ElasticsearchExperimentStore(connection)) as store:
        put(store)
        outcomes = asyncio.run(race(store))
        assert sum(isinstance(one, ExperimentRevision) for one in outcomes) == 1
        assert sum(isinstance(one, RevisionStale) for one in outcomes) == 7


def test_a_revision_is_a_document_that_nobody_can_write_again(connection: Connection) -> None:
    with closing(ElasticsearchExperimentStore(connection)) as store:
        put(store)
    with pytest.raises(ConflictError):
        connection.sync.create(index=experiments.index_of(connection.settings), id="1", document={"experiment_id": "e"})


def test_a_process_without_the_index_is_told_to_make_it(connection: Connection) -> None:
    elsewhere = Connection(replace(connection.settings, prefix=f"{connection.settings.prefix}-none"))
    with closing(ElasticsearchExperimentStore(elsewhere)) as store, pytest.raises(StoreError):
        store.since(0)
    elsewhere.close()
