"""What a seller is worth: smoothed, faded, and each event once."""

import pytest
from msgspec.structs import replace

from builders import DAY, NOW
from smallpool_core.events import encode_seller_event, parse_seller_event
from smallpool_core.row_reader import Rejection
from smallpool_core.sellers import SellerEvent, SellerRecord, SellerSettings, add_event, as_of, score_of

SETTINGS = SellerSettings(half_life_days=10, prior=0.5, prior_strength=4)


def told(*events: SellerEvent) -> SellerRecord:
    record = SellerRecord()
    for offset, event in enumerate(events):
        record = add_event(record, event, 0, offset, SETTINGS)
    return record


def event(kind: str = "completed", at: int = NOW, **more: int) -> SellerEvent:
    return SellerEvent(kind, "s1", at, **more)  # type: ignore[arg-type]


def test_a_new_seller_is_worth_what_the_prior_says() -> None:
    new = score_of(SellerRecord(), NOW, SETTINGS)
    assert new.score == 500
    assert new.parts == {"orders": 0.5, "rating": 0.5, "answers": 0.5}


def test_a_part_is_the_mean_of_the_prior_and_what_was_seen() -> None:
    assert score_of(told(*[event()] * 4), NOW, SETTINGS).parts["orders"] == 0.75  # (4 · .5 + 4) / (4 + 4)
    assert score_of(told(event("rated", stars=5)), NOW, SETTINGS).parts["rating"] == 0.6  # (4 · .5 + 1) / (4 + 1)
    assert score_of(told(event("answered", answer_s=3_600)), NOW, SETTINGS).parts["answers"] == 0.5  # half of one at once


def test_a_dispute_costs_more_than_a_cancelled_order() -> None:
    good = [event()] * 10
    cancelled, disputed = score_of(told(*good, event("cancelled")), NOW, SETTINGS), score_of(told(*good, event("disputed")), NOW, SETTINGS)
    assert disputed.score < cancelled.score < score_of(told(*good), NOW, SETTINGS).score


def test_after_a_half_life_an_order_counts_half_and_in_the_end_the_prior_is_left() -> None:
    record = told(event())
    assert as_of(record, NOW + 10 * DAY, SETTINGS).completed == pytest.approx(0.5)
    assert score_of(record, NOW + 1_000 * DAY, SETTINGS).score == 500


def test_the_order_in_which_events_come_makes_no_difference() -> None:
    events = [event("completed", NOW), event("disputed", NOW - 5 * DAY), event("rated", NOW + DAY, stars=2)]
    one, other = told(*events), told(*reversed(events))
    assert score_of(one, NOW + DAY, SETTINGS) == score_of(other, NOW + DAY, SETTINGS)


def test_an_event_that_comes_again_counts_once() -> None:
    once = add_event(SellerRecord(), event(), 2, 7, SETTINGS)
    assert add_event(once, event(), 2, 7, SETTINGS) is once
    assert add_event(once, event(), 3, 0, SETTINGS).completed == 2


def test_a_clock_that_was_set_back_changes_nothing() -> None:
    record = told(event())
    assert as_of(record, NOW - DAY, SETTINGS) is record


@pytest.mark.parametrize("kind", ["completed", "cancelled", "disputed"])
def test_an_event_is_read_as_it_is_written(kind: str) -> None:
    assert parse_seller_event(encode_seller_event(event(kind)), NOW) == event(kind)


def test_stars_and_answers_come_with_their_events_alone() -> None:
    assert parse_seller_event(encode_seller_event(event("rated", stars=4)), NOW) == event("rated", stars=4)
    assert parse_seller_event(encode_seller_event(event("answered", answer_s=0)), NOW) == event("answered", answer_s=0)
    assert parse_seller_event(encode_seller_event(replace(event(), stars=4)), NOW) == event()


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"{}", "type"),
        (b'{"type":"liked","seller_id":"s","at":1}', "type"),
        (b'{"type":"completed","at":1}', "seller_id"),
        (b'{"type":"completed","seller_id":"s"}', "at"),
        (b'{"type":"completed","seller_id":"s","at":9999999999999}', "at"),
        (b'{"type":"rated","seller_id":"s","at":1}', "stars"),
        (b'{"type":"rated","seller_id":"s","at":1,"stars":0}', "stars"),
        (b'{"type":"rated","seller_id":"s","at":1,"stars":6}', "stars"),
        (b'{"type":"answered","seller_id":"s","at":1}', "answer_s"),
        (b'{"type":"answered","seller_id":"s","at":1,"answer_s":-1}', "answer_s"),
        (b"[]", "(event)"),
        (b"\xff", "(event)"),
    ],
)
def test_what_is_no_event_is_refused_with_its_field(raw: bytes, field: str) -> None:
    rejected = parse_seller_event(raw, NOW)
    assert isinstance(rejected, Rejection)
    assert rejected.field == field
