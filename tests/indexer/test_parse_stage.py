"""Stage parse, and what is kept of what it cannot take."""

from hashlib import sha256

from builders import NOW, item_event
from smallpool_core.events import encode_item_event
from smallpool_core.ports import LogRecord
from smallpool_indexer.dead_letters import KEPT_BYTES
from smallpool_indexer.parse import parse


def record(value: bytes, offset: int = 0, at: int = NOW, key: str = "i1") -> LogRecord:
    return LogRecord("item-events", 2, offset, key, value, at)


def test_events_keep_their_order_and_the_record_they_came_in() -> None:
    events = [item_event("b"), item_event("a", version=2)]
    records = [record(encode_item_event(event), offset, key=event.item_id) for offset, event in enumerate(events)]
    staged = parse(records, NOW)
    assert [(taken.event, taken.record) for taken in staged.out] == list(zip(events, records, strict=True))
    assert staged.letters == []


def test_a_poison_record_becomes_a_dead_letter_with_its_place_and_costs_no_neighbour() -> None:
    staged = parse(
        [
            record(encode_item_event(item_event("a")), key="a"),
            record(b"{not json", 1),
            record(encode_item_event(item_event("b")), 2, key="b"),
        ],
        NOW + 5,
    )
    assert [taken.event.item_id for taken in staged.out] == ["a", "b"]
    [letter] = staged.letters
    assert (letter.topic, letter.partition, letter.offset, letter.key) == ("item-events", 2, 1, "i1")
    assert (letter.value, letter.size, letter.attempts, letter.at) == (b"{not json", 9, 1, NOW + 5)
    assert letter.field == "(event)"
    assert letter.reason.startswith("(event): found '{not json'")


def test_of_a_message_of_5_mb_the_digest_the_size_and_the_first_64_kb_are_kept() -> None:
    message = b"x" * 5_000_000
    [letter] = parse([record(message)], NOW).letters
    assert letter.value == message[:KEPT_BYTES] == message[:65_536]
    assert (letter.size, letter.digest) == (5_000_000, sha256(message).hexdigest())


def test_an_event_under_another_key_than_its_items_is_a_dead_letter() -> None:
    staged = parse([record(encode_item_event(item_event("a")), key="b")], NOW)
    assert staged.out == []
    assert staged.letters[0].field == "(key)"
    assert "must be the item's id, 'a'" in staged.letters[0].reason


def test_an_event_acknowledged_before_the_clock_was_set_back_is_still_good() -> None:
    value = encode_item_event(item_event(at=NOW))
    assert len(parse([record(value, at=NOW)], NOW - 3_600_000).out) == 1


def test_an_event_far_ahead_of_its_arrival_is_a_dead_letter() -> None:
    [letter] = parse([record(encode_item_event(item_event(at=NOW + 300_001)))], NOW).letters
    assert letter.field == "at"


def test_cut_titles_and_unknown_fields_are_counted() -> None:
    value = encode_item_event(item_event()).replace("苹果".encode(), "长".encode() * 1_001).replace(b'"type"', b'"new":1,"type"')
    assert parse([record(value)], NOW).counts == {"title_cut": 1, "unknown_field": 1}
