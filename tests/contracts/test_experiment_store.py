"""The promises of the port `ExperimentStore`, on every adapter."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from builders import HOUR, NOW
from kafka_rig import eventually
from small_indices import small_index
from smallpool_core.errors import NotFound, Refused, RevisionStale
from smallpool_core.experiment_ports import ExperimentStore
from smallpool_core.experiments import Bucket, ExperimentDraft, ExperimentRevision
from smallpool_stores.elasticsearch import experiments
from smallpool_stores.elasticsearch.experiments import ElasticsearchExperimentStore
from smallpool_stores.sqlite.experiments import SqliteExperimentStore
from smallpool_stores.sqlite.schema import open_database

BUCKETS = (Bucket("control", 0.5), Bucket("宽", 0.5, settings={"max_per_category": 9}, ordering={"weights": {"match": 2.0}}))


@contextmanager
def sqlite_stores(folder: Path) -> Iterator[tuple[ExperimentStore, ExperimentStore]]:
    first, second = (open_database(folder / "smallpool.db") for _ in range(2))
    yield SqliteExperimentStore(first), SqliteExperimentStore(second)
    first.close()
    second.close()


@contextmanager
def elasticsearch_stores(_folder: Path) -> Iterator[tuple[ExperimentStore, ExperimentStore]]:
    with small_index(experiments) as connection:
        first, second = (ElasticsearchExperimentStore(connection) for _ in range(2))
        with closing(first), closing(second):
            yield first, second


ADAPTERS = {"sqlite": sqlite_stores, "elasticsearch": elasticsearch_stores}


@pytest.fixture(params=ADAPTERS)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ExperimentStore, ExperimentStore]]:
    """The stores of two processes."""
    with ADAPTERS[request.param](tmp_path) as adapters:
        yield adapters


@pytest.fixture
def store(two: tuple[ExperimentStore, ExperimentStore]) -> ExperimentStore:
    return two[0]


def put(store: ExperimentStore, experiment_id: str = "e", expected: int | None = None, at: int = NOW, **draft: Any) -> ExperimentRevision:
    wanted = ExperimentDraft(**({"buckets": BUCKETS} if expected is None else {}) | draft)
    return asyncio.run(store.put(experiment_id, wanted, expected, "运营 (k1)", f"since {at}", at))


def test_an_experiment_comes_back_as_it_was_put(store: ExperimentStore) -> None:
    made = put(store, name="九个一类", layer="page", pools=("p",), traffic_until=0.25)
    assert made.experiment.buckets == BUCKETS
    assert (made.experiment.revision, made.experiment.epoch, made.author, made.reason, made.at) == (1, 1, "运营 (k1)", f"since {NOW}", NOW)
    assert asyncio.run(store.revisions("e")) == [made]
    assert asyncio.run(store.newest()) == [made]
    assert store.since(0) == [made]


def test_every_change_is_a_revision_that_stays(store: ExperimentStore) -> None:
    first, second = put(store), put(store, expected=1, at=NOW + HOUR, state="running")
    assert second.experiment.started_at == NOW + HOUR
    assert asyncio.run(store.revisions("e")) == [second, first]
    assert asyncio.run(store.newest()) == [second]


def test_changes_are_numbered_over_all_experiments(store: ExperimentStore) -> None:
    made = [put(store, "b"), put(store, "a", layer="other"), put(store, "b", 1, name="again")]
    assert [one.experiment.epoch for one in made] == [1, 2, 3]
    assert store.since(0) == made
    assert store.since(2) == made[2:]
    assert store.since(3) == []
    assert [one.experiment.experiment_id for one in asyncio.run(store.newest())] == ["a", "b"]


def test_more_changes_than_are_read_at_once_are_all_there(store: ExperimentStore) -> None:
    put(store)
    for revision in range(1, 45):
        put(store, expected=revision, name=f"the {revision}th")
    assert [one.experiment.epoch for one in store.since(0)] == list(range(1, 46))
    assert [one.experiment.revision for one in asyncio.run(store.revisions("e"))] == list(range(45, 0, -1))


def test_an_edit_of_an_older_revision_is_refused(store: ExperimentStore) -> None:
    put(store)
    put(store, expected=1, name="second")
    with pytest.raises(RevisionStale):
        put(store, expected=1, name="too late")
    with pytest.raises(RevisionStale):
        put(store, expected=None)
    assert len(asyncio.run(store.revisions("e"))) == 2


def test_what_is_not_there_is_not_found(store: ExperimentStore) -> None:
    with pytest.raises(NotFound):
        asyncio.run(store.revisions("nothing"))
    with pytest.raises(NotFound):
        put(store, "nothing", expected=1)


def test_what_one_process_wrote_the_other_knows_within_a_second(two: tuple[ExperimentStore, ExperimentStore]) -> None:
    first, second = two
    assert second.since(0) == []
    made = put(first)
    eventually(lambda: second.since(0) == [made])
    assert put(second, expected=1, name="mine").experiment.revision == 2
    assert [one.experiment.revision for one in asyncio.run(first.newest())] == [2]


def test_of_two_processes_that_start_experiments_on_the_same_people_one_is_refused(two: tuple[ExperimentStore, ExperimentStore]) -> None:
    def begin(place: int) -> str:
        try:
            put(two[place], f"e{place}", state="running")
        except Refused as error:
            return error.problems[0].code
        return "runs"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(begin, range(2))) == ["experiment.taken", "runs"]
    assert len(asyncio.run(two[0].newest())) == 1
