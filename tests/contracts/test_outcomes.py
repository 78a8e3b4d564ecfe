"""The promises of the port `Outcomes`, on its adapter."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from builders import HOUR, MINUTE, NOW
from smallpool_core.errors import StoreError
from smallpool_core.events import encode_user_event
from smallpool_core.experiment_ports import Moments, Outcomes, People
from smallpool_core.users import UserEvent
from smallpool_service.served import ServedItem, ServedPage
from smallpool_stores.duckdb.outcomes import open_outcomes


@pytest.fixture
def outcomes() -> Iterator[Outcomes]:
    with open_outcomes() as made:
        yield made


def page(request_id: str, user_id: str | None, bucket: str, *items: str, at: int = NOW, **changes: Any) -> bytes:
    """A served page in layer `main`; an item is written `id/source+source`."""
    lines = [ServedItem(one.partition("/")[0], (one.partition("/")[2] or "terms").split("+"), 0.5, {"match": 0.25}) for one in items]
    made = ServedPage(request_id, "p", user_id, None, {"main": bucket} if bucket else {}, lines, at)
    return msgspec.json.encode(msgspec.structs.replace(made, **changes))


def act(kind: Any, user_id: str, item_id: str, at: int = NOW + MINUTE, request_id: str | None = None) -> bytes:
    return encode_user_event(UserEvent(kind, at, user_id, item_id=item_id, request_id=request_id))


def joined(outcomes: Outcomes, pages: list[bytes], acts: list[bytes], *, window_ms: int = HOUR) -> Outcomes:
    outcomes.add("served", pages)
    outcomes.add("user-events", acts)
    outcomes.attribute(NOW, NOW + HOUR, window_ms)
    return outcomes


def figure(outcomes: Outcomes, name: str, bucket: str = "a", source: str = "") -> Moments:
    [found] = [one for one in outcomes.moments("main", "e") if (one.figure, one.bucket, one.source) == (name, bucket, source)]
    return found


def clicks_by_page(outcomes: Outcomes, folder: Path) -> dict[str, bool]:
    """Whether the item `i` was clicked, by page."""
    return {row["request_id"]: row["clicked"] for row in rows(outcomes, folder) if row["item_id"] == "i"}


def rows(outcomes: Outcomes, folder: Path) -> list[dict[str, Any]]:
    file = folder / "rows.jsonl"
    count = outcomes.export(file, "jsonl")
    found = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert len(found) == count
    return found


def test_an_act_belongs_to_the_page_that_it_names(outcomes: Outcomes, tmp_path: Path) -> None:
    pages = [page("r1", "u", "e:a", "i"), page("r2", "u", "e:a", "i", at=NOW + MINUTE)]
    joined(outcomes, pages, [act("click", "u", "i", NOW + 2 * MINUTE, "r1")])
    assert clicks_by_page(outcomes, tmp_path) == {"r1": True, "r2": False}


def test_without_a_name_it_belongs_to_the_last_page_of_its_person_that_holds_the_item(outcomes: Outcomes, tmp_path: Path) -> None:
    pages = [
        page("r1", "u", "e:a", "i"),
        page("r2", "u", "e:a", "i", at=NOW + 2 * MINUTE),
        page("r3", "u", "e:a", "j", at=NOW + 3 * MINUTE),
        page("r4", "u", "e:a", "i", at=NOW + 9 * MINUTE),
        page("r5", "v", "e:a", "i", at=NOW + 3 * MINUTE),
    ]
    joined(outcomes, pages, [act("click", "u", "i", NOW + 4 * MINUTE)])
    assert clicks_by_page(outcomes, tmp_path) == {"r1": False, "r2": True, "r4": False, "r5": False}


@pytest.mark.parametrize("named", ["r9", "theirs", "other"])
def test_a_name_that_is_no_page_of_theirs_with_the_item_counts_as_none(outcomes: Outcomes, tmp_path: Path, named: str) -> None:
    pages = [page("r1", "u", "e:a", "i"), page("theirs", "v", "e:a", "i"), page("other", "u", "e:a", "j")]
    joined(outcomes, pages, [act("click", "u", "i", request_id=named)])
    assert clicks_by_page(outcomes, tmp_path) == {"r1": True, "theirs": False}


def test_what_comes_after_the_window_or_before_the_page_belongs_to_nothing(outcomes: Outcomes) -> None:
    acts = [act("click", "u", "i", NOW + 10 * MINUTE + 1), act("click", "u", "i", NOW - 1), act("click", "u", "elsewhere")]
    joined(outcomes, [page("r1", "u", "e:a", "i")], acts, window_ms=10 * MINUTE)
    assert figure(outcomes, "clicks_per_user").x == 0


def test_records_that_come_twice_count_once_and_damaged_ones_not_at_all(outcomes: Outcomes) -> None:
    one, clicked = page("r1", "u", "e:a", "i", "j"), act("click", "u", "i")
    joined(outcomes, [one, one, b"{"], [clicked, clicked, b'"no act"'])
    assert figure(outcomes, "clicks_per_user").x == 1
    assert (figure(outcomes, "click_rate").x, figure(outcomes, "click_rate").y) == (1, 2)


def test_people_without_acts_count_among_their_bucket(outcomes: Outcomes) -> None:
    pages = [page(f"r{n}", f"u{n}", "e:a" if n < 3 else "e:b", "i", "j") for n in range(5)]
    joined(outcomes, pages, [act("click", "u0", "i"), act("click", "u0", "j"), act("click", "u1", "j"), act("purchase", "u4", "j")])
    assert outcomes.people("main", "e") == People({"a": 3, "b": 2}, 0, 0)
    clicks = figure(outcomes, "clicks_per_user")
    assert (clicks.people, clicks.x, clicks.xx, clicks.y, clicks.yy) == (3, 3, 5, 3, 3)
    assert (figure(outcomes, "click_users").x, figure(outcomes, "orders_per_user", "b").x) == (2, 1)
    rate = figure(outcomes, "click_rate")
    assert (rate.x, rate.y, rate.xx, rate.yy, rate.xy) == (3, 6, 5, 12, 6)


def test_each_source_counts_the_items_that_it_gave(outcomes: Outcomes) -> None:
    pages = [page("r1", "u", "e:a", "i/terms+newest", "j/newest"), page("r2", "v", "e:a", "k/popular")]
    joined(outcomes, pages, [act("click", "u", "i"), act("bid", "v", "k")])
    newest = figure(outcomes, "click_rate", source="newest")
    assert (newest.people, newest.x, newest.y) == (2, 1, 2)
    assert (figure(outcomes, "click_rate", source="terms").x, figure(outcomes, "bid_rate", source="popular").x) == (1, 1)


def test_pages_of_testers_and_people_of_several_buckets_are_left_out(outcomes: Outcomes) -> None:
    pages = [
        page("r1", "u", "e:a", "i"),
        page("r2", "tester", "e:b", "i", forced=True),
        page("r3", "both", "e:a", "i"),
        page("r4", "both", "e:b", "i"),
        page("r5", None, "e:a", "i"),
        page("r6", "u", "", "i"),
        page("r7", "w", "f:a", "i"),
    ]
    joined(outcomes, pages, [act("click", name, "i") for name in ("u", "tester", "both", "w")])
    assert outcomes.people("main", "e") == People({"a": 1}, 1, 1)
    assert outcomes.people("main", "f") == People({"a": 1}, 0, 0)
    assert outcomes.people("other", "e") == People({}, 0, 0)


def test_pages_outside_the_span_are_left_out(outcomes: Outcomes) -> None:
    pages = [page("r0", "u", "e:a", "i", at=NOW - 1), page("r1", "u", "e:a", "i"), page("r2", "u", "e:a", "i", at=NOW + HOUR)]
    joined(outcomes, pages, [])
    assert figure(outcomes, "click_rate").y == 1


def test_a_row_says_where_an_item_stood_and_what_became_of_it(outcomes: Outcomes, tmp_path: Path) -> None:
    acts = [act("click", "u", "j", NOW + 30_000), act("bid", "u", "j", NOW + 90_000), act("expose", "u", "i", NOW + 1_000)]
    joined(outcomes, [page("r1", "u", "e:a", "i/terms+newest", "j")], acts)
    first, second = rows(outcomes, tmp_path)
    assert (first["position"], first["sources"], first["features"], first["bucket"]) == (
        1,
        ["terms", "newest"],
        {"match": 0.25},
        {"main": "e:a"},
    )
    assert (first["exposed"], first["clicked"], first["seconds"]) == (True, False, None)
    assert (second["position"], second["clicked"], second["bid"], second["purchased"], second["seconds"]) == (2, True, True, False, 30.0)


def test_propensity_is_how_often_a_position_was_shown_where_clients_tell(outcomes: Outcomes, tmp_path: Path) -> None:
    pages = [page(f"r{n}", f"u{n}", "", "i", "j") for n in range(4)]
    acts = [act("expose", f"u{n}", "i", request_id=f"r{n}") for n in range(3)] + [act("expose", "u0", "j", request_id="r0")]
    joined(outcomes, pages, acts)
    found = {row["position"]: (row["propensity"], row["propensity_from"]) for row in rows(outcomes, tmp_path)}
    # Of the three pages whose clients tell: three of three, and one of three; (k + ½) / (n + 1).
    assert found == {1: (3.5 / 4, "exposures"), 2: (1.5 / 4, "exposures")}


def test_propensity_is_one_and_said_to_be_assumed_where_no_client_tells(outcomes: Outcomes, tmp_path: Path) -> None:
    joined(outcomes, [page("r1", "u", "", "i", "j")], [act("click", "u", "i")])
    assert {(row["propensity"], row["propensity_from"]) for row in rows(outcomes, tmp_path)} == {(1.0, "assumed")}


def test_parquet_holds_what_jsonl_does(outcomes: Outcomes, tmp_path: Path) -> None:
    joined(outcomes, [page("r1", "u", "e:a", "i", "j")], [act("click", "u", "j")])
    assert outcomes.export(tmp_path / "it's.parquet", "parquet") == 2
    file = str(tmp_path / "it's.parquet").replace("'", "''")
    found = duckdb.sql(f"SELECT item_id, position, clicked, features['match'], bucket['main'] FROM '{file}' ORDER BY position").fetchall()
    assert found == [("i", 1, False, 0.25, "e:a"), ("j", 2, True, 0.25, "e:a")]


def test_a_file_that_cannot_be_written_says_so(outcomes: Outcomes, tmp_path: Path) -> None:
    joined(outcomes, [page("r1", "u", "e:a", "i")], [])
    with pytest.raises(StoreError, match="could not write"):
        outcomes.export(tmp_path / "nowhere" / "rows.jsonl", "jsonl")


def test_nothing_at_all_is_an_empty_answer(outcomes: Outcomes, tmp_path: Path) -> None:
    joined(outcomes, [], [])
    assert outcomes.moments("main", "e") == []
    assert rows(outcomes, tmp_path) == []


def test_one_request_id_in_two_pools_is_two_pages_of_which_an_act_belongs_to_one(outcomes: Outcomes, tmp_path: Path) -> None:
    pages = [page("r", "u", "e:a", "i", "j"), page("r", "u", "e:a", "i", at=NOW + 2 * MINUTE, pool_id="q")]
    joined(outcomes, [*pages, *pages], [act("click", "u", "i", NOW + MINUTE, "r"), act("bid", "u", "i", NOW + 3 * MINUTE, "r")])
    found = [(row["pool_id"], row["item_id"], row["clicked"], row["bid"]) for row in rows(outcomes, tmp_path)]
    assert found == [("p", "i", True, False), ("p", "j", False, False), ("q", "i", False, True)]
    assert (figure(outcomes, "clicks_per_user").x, figure(outcomes, "click_rate").y) == (1, 3)


def test_whether_clients_tell_is_asked_of_each_pool_s_page(outcomes: Outcomes, tmp_path: Path) -> None:
    pages = [page("r", "u", "", "i"), page("r", "u", "", "j", at=NOW + MINUTE, pool_id="q")]
    joined(outcomes, pages, [act("expose", "u", "i", request_id="r")])
    assert {row["propensity"] for row in rows(outcomes, tmp_path)} == {1.5 / 2}
