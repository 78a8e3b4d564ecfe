"""Who is in which bucket, and what an operator may change of an experiment."""

from collections import Counter
from math import inf, nan
from typing import Any

import pytest
from msgspec.structs import replace

from builders import NOW
from smallpool_core.errors import NotFound, Refused, RevisionStale
from smallpool_core.experiments import (
    SLOTS,
    Bucket,
    Experiment,
    ExperimentBook,
    ExperimentDraft,
    ExperimentRevision,
    revised_experiment,
    slot,
    with_overrides,
)
from smallpool_core.pools import DEFAULT_WEIGHTS, PoolSettings, blank_pool

HALVES = (Bucket("control", 0.5), Bucket("wide", 0.5, settings={"max_per_category": 9}))
PEOPLE = [f"u:{number}" for number in range(20_000)]


def experiment(**changes: Any) -> Experiment:
    return replace(Experiment("e", "e", "main", "running", HALVES, (), 0.0, 1.0, 1, 1, NOW), **changes)


def saved(book: ExperimentBook, experiment_id: str = "e", expected: int | None = None, **draft: Any) -> ExperimentBook:
    made = revised_experiment(experiment_id, ExperimentDraft(**{"buckets": HALVES} | draft), book, expected, NOW)
    return book.with_changes([ExperimentRevision(made, "me", "", NOW)])


def refused(book: ExperimentBook, experiment_id: str = "e", expected: int | None = None, **draft: Any) -> list[str]:
    with pytest.raises(Refused) as error:
        saved(book, experiment_id, expected, **draft)
    return [one.path for one in error.value.problems]


def test_a_place_in_a_layer_is_the_hash_of_layer_and_person() -> None:
    # The first eight bytes of what `printf 'main:u:1' | sha256sum` prints.
    assert slot("main", "u:1") == 0xC3144EEAE969061E % SLOTS


def test_buckets_get_their_shares_of_people() -> None:
    thirds = experiment(buckets=(Bucket("a", 0.2), Bucket("b", 0.3), Bucket("c", 0.5)))
    counts = Counter(thirds.bucket_of(person).name for person in PEOPLE)
    for name, share in (("a", 0.2), ("b", 0.3), ("c", 0.5)):
        # Four standard deviations of a binomial.
        assert abs(counts[name] / len(PEOPLE) - share) < 4 * (share * (1 - share) / len(PEOPLE)) ** 0.5


def test_layers_split_people_independently() -> None:
    other = experiment(layer="other")
    both = Counter((experiment().bucket_of(person).name, other.bucket_of(person).name) for person in PEOPLE)
    assert len(both) == 4
    assert all(abs(count / len(PEOPLE) - 0.25) < 0.013 for count in both.values())


def test_the_next_experiment_of_a_layer_splits_its_people_anew() -> None:
    after = experiment(experiment_id="after")
    same = sum(experiment().bucket_of(person).name == after.bucket_of(person).name for person in PEOPLE)
    assert abs(same / len(PEOPLE) - 0.5) < 0.015


def test_experiments_side_by_side_in_a_layer_share_nobody_and_widening_one_moves_nobody() -> None:
    first, second = experiment(traffic_until=0.3), experiment(experiment_id="f", traffic_from=0.3)
    assert all(first.holds(person) != second.holds(person) for person in PEOPLE)
    wider = replace(first, traffic_until=0.6)
    assert all(wider.holds(person) and wider.bucket_of(person) == first.bucket_of(person) for person in PEOPLE if first.holds(person))


def test_an_override_changes_what_it_names_and_leaves_the_rest() -> None:
    bucket = Bucket("b", 0.5, settings={"seen_size": 500}, ordering={"weights": {"freshness": 2.0}})
    pool = with_overrides(blank_pool("p"), bucket)
    assert (pool.settings.seen_size, pool.settings.max_per_category) == (500, 3)
    assert pool.ordering.weights == DEFAULT_WEIGHTS | {"freshness": 2.0}


def test_the_share_of_one_source_leaves_those_that_the_pool_gives_to_others() -> None:
    pool = replace(blank_pool("p"), settings=PoolSettings(sources={"newest": 0.9, "popular": 0.0}))
    assert with_overrides(pool, Bucket("b", 0.5, settings={"sources": {"newest": 0.1}})).settings.sources == {"newest": 0.1, "popular": 0.0}


def test_an_experiment_begins_and_ends_once() -> None:
    book = saved(ExperimentBook())
    assert book.experiments["e"].started_at is None
    book = saved(book, expected=1, state="running")
    assert book.experiments["e"].started_at == NOW
    book = saved(book, expected=2, state="ended")
    assert (book.experiments["e"].ended_at, book.experiments["e"].revision, book.epoch) == (NOW, 3, 3)
    assert refused(book, expected=3, state="running") == ["state"]
    assert refused(book, expected=3, name="again") == ["state"]


def test_while_it_runs_its_traffic_may_change_and_nothing_by_which_people_would_change_buckets() -> None:
    book = saved(ExperimentBook(), state="running")
    assert saved(book, expected=1, traffic_until=0.5, name="half").experiments["e"].traffic_until == 0.5
    other = (Bucket("control", 0.4), Bucket("wide", 0.6))
    assert refused(book, expected=1, buckets=other, layer="x", pools=("p",)) == ["layer", "buckets", "pools"]
    assert refused(book, expected=1, state="draft") == ["state"]


def test_two_experiments_of_one_layer_never_have_the_same_people() -> None:
    book = saved(ExperimentBook(), state="running", traffic_until=0.5)
    assert refused(book, "f", state="running", traffic_from=0.4999) == ["traffic_from"]
    assert saved(book, "f", state="running", traffic_from=0.5).experiments["f"].state == "running"
    assert saved(book, "f", state="running", layer="other").experiments["f"].state == "running"
    draft = saved(book, "f")
    assert refused(draft, "f", 1, state="running") == ["traffic_from"]
    assert refused(saved(book, "f", state="running", traffic_from=0.5), "e", 1, traffic_until=0.6) == ["traffic_from"]
    assert saved(saved(book, expected=1, state="ended"), "f", state="running").experiments["f"].state == "running"


def test_a_change_of_another_revision_is_stale() -> None:
    book = saved(ExperimentBook())
    with pytest.raises(RevisionStale, match="experiment 'e' is at revision 1"):
        saved(book, expected=None)
    with pytest.raises(RevisionStale):
        saved(book, expected=2)
    with pytest.raises(NotFound, match="no experiment is named 'x'"):
        saved(book, "x", expected=1)


@pytest.mark.parametrize(
    ("draft", "path"),
    [
        ({"buckets": (Bucket("a", 1.0),)}, "buckets"),
        ({"buckets": (Bucket("a", 0.5), Bucket("b", 0.4))}, "buckets"),
        ({"buckets": (Bucket("a", 0.5), Bucket("a", 0.5))}, "buckets[0].name"),
        ({"buckets": (Bucket("a:b", 0.5), Bucket("b", 0.5))}, "buckets[0].name"),
        ({"buckets": (Bucket("", 0.5), Bucket("b", 0.5))}, "buckets[0].name"),
        ({"buckets": (Bucket("a", 0.50001), Bucket("b", 0.49999))}, "buckets[0].share"),
        ({"buckets": (Bucket("a", nan), Bucket("b", 1.0))}, "buckets[0].share"),
        ({"buckets": (Bucket("a", 0.5, settings={"max_size": 100}), Bucket("b", 0.5))}, "buckets[0].settings.max_size"),
        ({"buckets": (Bucket("a", 0.5, settings={"own_relations": True}), Bucket("b", 0.5))}, "buckets[0].settings.own_relations"),
        ({"buckets": (Bucket("a", 0.5, settings={"max_per_category": 0}), Bucket("b", 0.5))}, "buckets[0].settings.max_per_category"),
        ({"buckets": (Bucket("a", 0.5, settings={"colour": 1}), Bucket("b", 0.5))}, "buckets[0]"),
        ({"buckets": (Bucket("a", 0.5, ordering={"weights": {"luck": 1}}), Bucket("b", 0.5))}, "buckets[0].ordering.weights.luck"),
        ({"traffic_from": 0.5, "traffic_until": 0.5}, "traffic_until"),
        ({"traffic_until": inf}, "traffic_until"),
        ({"traffic_from": -0.1}, "traffic_from"),
        ({"layer": "a,b"}, "layer"),
        ({"name": " "}, "name"),
    ],
)
def test_every_mistake_is_told_with_its_path(draft: dict[str, Any], path: str) -> None:
    assert path in refused(ExperimentBook(), **draft)
