"""What a bucket changes of a page, and what a page and its record say of it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import NOW
from read_rig import World, in_pool, request, shelf
from smallpool_core.errors import Refused, StoreUnavailable
from smallpool_core.experiments import Bucket, ExperimentDraft
from smallpool_core.pages import Opening, SourceFailure
from smallpool_core.users import Identity
from smallpool_service.experiments.placing import Experiments
from smallpool_service.page import Page
from smallpool_service.served import ServedPage
from smallpool_service.settings import ReadSettings
from smallpool_service.why import why
from smallpool_stores.sqlite.experiments import SqliteExperimentStore
from smallpool_stores.sqlite.schema import open_database

CONTROL = Bucket("control", 0.5)


async def never(*_: object) -> Opening:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


class Lab(World):
    """A world in which experiments run: thirty items, ten of each category, at most three of one on a page."""

    def __init__(self, folder: Path) -> None:
        super().__init__(*shelf(30, per_category=10))
        self.database = open_database(folder / "smallpool.db")
        self.store = SqliteExperimentStore(self.database)
        self.recaller.experiments = Experiments(self.store, self.ports.catalogue, self.recaller.settings)

    def put(self, experiment_id: str = "caps", expected: int | None = None, **draft: Any) -> None:
        asyncio.run(self.store.put(experiment_id, ExperimentDraft(**draft), expected, "me", "", NOW))

    def run(self, experiment_id: str = "caps", treated: Bucket | None = None, **draft: Any) -> None:
        """An experiment of two halves, by default of one with more of a category."""
        other = treated or Bucket("wide", 0.5, settings={"max_per_category": 9})
        self.put(experiment_id, **{"buckets": (CONTROL, other), "state": "running"} | draft)

    def pages(self, people: int = 20, **asked: Any) -> list[Page]:
        return [self.recall(identity=Identity(f"u{number}", None), **asked) for number in range(people)]

    def served(self) -> list[ServedPage]:
        return [msgspec.json.decode(value, type=ServedPage) for topic, _, value in self.log.records if topic == "served"]


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    made = Lab(tmp_path)
    yield made
    made.database.close()


def test_each_person_gets_what_their_bucket_says_and_page_trace_and_record_name_it(lab: Lab) -> None:
    lab.run()
    pages = lab.pages()
    assert {page.bucket["main"]: len(page.items) for page in pages} == {"caps:control": 9, "caps:wide": 10}
    assert [page.trace.bucket for page in pages] == [page.bucket for page in pages] == [record.bucket for record in lab.served()]
    assert not any(record.forced for record in lab.served())


def test_a_person_stays_in_their_bucket_and_a_page_comes_again_as_it_was(lab: Lab) -> None:
    lab.run()
    for number in range(10):
        first, again = (lab.recall(identity=Identity(f"u{number}", None), request_id="r") for _ in range(2))
        assert again.replayed is True
        assert (again.items, again.bucket) == (first.items, first.bucket)
        assert lab.recall(identity=Identity(f"u{number}", None)).bucket == first.bucket


def test_nobody_in_particular_is_in_no_experiment(lab: Lab) -> None:
    lab.run()
    page = lab.recall(identity=Identity(None, None))
    assert page.bucket == {}
    assert len(page.items) == 9


def test_an_experiment_has_only_its_part_of_the_people_and_its_pools(lab: Lab) -> None:
    lab.run(traffic_until=0.3)
    lab.run("elsewhere", layer="other", pools=("q",))
    buckets = [page.bucket for page in lab.pages(60)]
    assert 8 < sum(bucket != {} for bucket in buckets) < 30
    assert not any("other" in bucket for bucket in buckets)


def test_a_draft_and_an_ended_experiment_have_nobody(lab: Lab) -> None:
    lab.run(state="draft")
    assert {str(page.bucket) for page in lab.pages(5)} == {"{}"}
    lab.put(expected=1, state="running")
    assert all(page.bucket for page in lab.pages(5))
    lab.put(expected=2, state="ended")
    assert {str(page.bucket) for page in lab.pages(5)} == {"{}"}


def test_experiments_of_two_layers_change_one_page_together(lab: Lab) -> None:
    lab.run()
    lab.run("order", Bucket("old_first", 0.5, ordering={"weights": {"freshness": 0.0, "quality": 0.0}}), layer="order")
    buckets = {tuple(sorted(page.bucket.items())) for page in lab.pages(40)}
    assert len(buckets) == 4


def test_pins_and_conditions_of_an_order_are_overridden(lab: Lab) -> None:
    order = {"pins": ["i029"], "boost": [{"condition": {"field": "item_id", "op": "eq", "value": "i012"}, "factor": 4.0}]}
    lab.run(treated=Bucket("all", 0.5, ordering=order))
    treated, control = (lab.page(buckets=(f"caps:{name}",), dry_run=True) for name in ("all", "control"))
    assert treated[:2] == ["i029", "i012"]
    assert "i029" not in control
    assert control[0] != "i012"


def test_quotas_that_a_bucket_overrides_hold_on_its_pages_alone(lab: Lab) -> None:
    few = {"condition": {"field": "item_id", "op": "in", "value": ["i000", "i001", "i002"]}, "at_most": 1}
    lab.run(treated=Bucket("few", 0.5, ordering={"quotas": [few]}))
    treated, control = (lab.page(buckets=(f"caps:{name}",), dry_run=True) for name in ("few", "control"))
    assert [len({"i000", "i001", "i002"} & set(page)) for page in (treated, control)] == [1, 3]


def test_settings_of_the_read_path_are_overridden_down_to_the_sources(lab: Lab) -> None:
    lab.run(treated=Bucket("few", 0.5, read={"source_shares": {"popular": 0.1, "newest": 0.1}, "candidates_per_item": 1}))
    limits = {}
    for name in ("few", "control"):
        lab.reader.queries.clear()
        lab.recall(buckets=(f"caps:{name}",), dry_run=True, size=10)
        limits[name] = {query.limit for query in lab.reader.queries[:1]}
    # Of ten items: one wanted for each, a tenth of these from the popular ones; else ten for each, of which a quarter.
    assert limits == {"few": {1}, "control": {25}}


def test_what_a_bucket_says_of_one_source_leaves_what_the_site_and_other_layers_say_of_others(lab: Lab) -> None:
    site = ReadSettings(source_weights={"terms": 7.0}, source_shares={"popular": 0.9}, source_times={"x2i": 0.1})
    experiments = Experiments(lab.store, lab.ports.catalogue, site)
    read = {"source_weights": {"x2i": 2.0}, "source_shares": {"newest": 0.5}, "source_times": {"terms": 0.4}}
    lab.run(treated=Bucket("one", 0.5, read=read))
    lab.run("more", Bucket("two", 0.5, read={"source_weights": {"newest": 3.0}}), layer="more")
    experiments.refresh()
    lab.ports.catalogue.refresh()
    known = lab.ports.catalogue.get("p")
    placed = experiments.place("", known, ("caps:one", "more:two")).settings
    assert placed.source_weights == site.source_weights | {"x2i": 2.0, "newest": 3.0}
    assert placed.shares == site.shares | {"newest": 0.5}
    assert placed.times == site.times | {"terms": 0.4}


def test_a_tester_gets_the_bucket_that_they_ask_for_and_the_record_says_so(lab: Lab) -> None:
    lab.run(state="draft")
    for name, length in (("control", 9), ("wide", 10)):
        page = lab.recall(identity=Identity(f"t-{name}", None), buckets=(f"caps:{name}",))
        assert (page.bucket, len(page.items)) == ({"main": f"caps:{name}"}, length)
    assert all(record.forced for record in lab.served())


def test_what_a_tester_asks_for_is_no_part_of_what_a_request_is_known_by(lab: Lab) -> None:
    lab.run()
    assert request().fingerprint == request(buckets=("caps:wide",)).fingerprint
    first = lab.recall(request_id="r", buckets=("caps:wide",))
    assert lab.recall(request_id="r").items == first.items


@pytest.mark.parametrize("asked", ["caps:nothing", "nothing:wide", "caps", ""])
def test_a_bucket_that_is_not_there_is_refused_without_a_word_of_others(lab: Lab, asked: str) -> None:
    lab.run()
    with pytest.raises(Refused, match="has not ended is allowed") as error:
        lab.recall(buckets=(asked,))
    assert "control" not in str(error.value)


def test_a_bucket_of_other_pools_is_refused_and_so_are_two_of_one_layer(lab: Lab) -> None:
    lab.run(pools=("q",))
    lab.run("everywhere", layer="other")
    with pytest.raises(Refused, match="in this pool"):
        lab.recall(buckets=("caps:wide",))
    with pytest.raises(Refused, match="one bucket of each layer"):
        lab.recall(buckets=("everywhere:wide", "everywhere:control"))
    assert lab.recall(buckets=("everywhere:wide",)).bucket == {"other": "everywhere:wide"}


def test_why_is_asked_of_the_page_that_the_person_would_get(lab: Lab) -> None:
    lab.run(treated=Bucket("none", 0.5, ordering={"pins": ["i029"]}))
    answers = {}
    for number in range(20):
        identity = Identity(f"u{number}", None)
        bucket = lab.recall(identity=identity, dry_run=True).bucket["main"]
        answers[bucket] = asyncio.run(why(lab.recaller, "i029", "p", identity)).served
    assert answers == {"caps:control": False, "caps:none": True}


def test_while_the_store_is_down_the_last_copy_serves(lab: Lab) -> None:
    lab.run()
    before = [page.bucket for page in lab.pages(5)]

    def down(_: int) -> Any:
        raise StoreUnavailable("could not read the experiments: it is down; bring it up")

    lab.store.since = down  # type: ignore[method-assign]
    assert [page.bucket for page in lab.pages(5)] == before


def test_an_experiment_that_cannot_be_read_any_more_runs_for_nobody_and_no_page_fails(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.run(treated=Bucket("of_later", 0.5, read={"warp": 9}))
    assert {str(page.bucket) for page in lab.pages(5)} == {"{}"}
    assert "runs for nobody" in caplog.text


def test_what_a_bucket_may_not_override_is_told_with_its_path(lab: Lab) -> None:
    assert lab.recaller.experiments is not None
    condition = {"condition": {"field": "nothing", "op": "eq", "value": 1}, "factor": 2}
    wrong = (
        Bucket("a", 0.2, read={"timeout_ms": 1, "claim_floor_ms": 5}),
        Bucket("b", 0.2, read={"trigger_share": 9}),
        Bucket("c", 0.2, ordering={"boost": [condition]}),
        Bucket("d", 0.4, read={"source_shares": {"newest": 0.5}}),
    )
    paths = [one.path for one in lab.recaller.experiments.check(wrong)]
    of_the_process = [f"buckets[0].read.{name}" for name in ("timeout_ms", "claim_floor_ms")]
    assert paths == [*of_the_process, "buckets[1]", "buckets[2].ordering.boost[0].condition.field"]


def test_a_change_of_the_pool_reaches_its_buckets(lab: Lab) -> None:
    lab.run(treated=Bucket("wide", 0.5, settings={"seen_size": 300}))
    assert len(lab.recall(buckets=("caps:wide",)).items) == 9
    lab.put_pool(max_per_category=1)
    assert len(lab.recall(buckets=("caps:wide",), identity=Identity("other", None)).items) == 3


def test_how_long_a_page_may_open_is_overridden(lab: Lab) -> None:
    lab.run(treated=Bucket("patient", 0.5, read={"opening_share": 0.4}))
    lab.seen.open = never  # type: ignore[method-assign]
    page = lab.recall(buckets=("caps:patient",), dry_run=True)
    assert SourceFailure("seen_list", "no answer in 80 ms") in page.trace.failed


def test_why_goes_by_what_the_bucket_of_the_person_lets_end_too_soon(lab: Lab) -> None:
    ending = in_pool("ending", expires_at=NOW + 5_000)
    lab.items["ending"] = ending
    lab.run(treated=Bucket("strict", 0.5, read={"least_left_s": 9}))
    reasons = {}
    for number in range(20):
        identity = Identity(f"u{number}", None)
        bucket = lab.recall(identity=identity, dry_run=True).bucket["main"]
        reasons[bucket] = asyncio.run(why(lab.recaller, "ending", "p", identity)).reason
    assert reasons == {"caps:control": "served", "caps:strict": "expiring"}
