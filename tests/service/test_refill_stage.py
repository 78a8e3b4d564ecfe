from read_rig import hit
from smallpool_core.pages import Answer, Dropped, Entry, SourceFailure
from smallpool_service.candidates import Recalled
from smallpool_service.refill import may_hold_more, settled, short_reason
from smallpool_service.room import Limits, Placed, Room


def recalled(*item_ids: str, exhausted: bool = True) -> Recalled:
    return Recalled({"newest": Answer(tuple(hit(item_id, category="书") for item_id in item_ids), exhausted)})


def entries(*item_ids: str) -> list[Entry]:
    return [Entry(item_id, "书", None, b"") for item_id in item_ids]


def room(*item_ids: str) -> Room:
    """A page of ten of which so many are books, which may be three at most."""
    return Room(Limits(10, 3), [Placed("书") for _ in item_ids])


def more(found: Recalled, *on_page: str) -> bool:
    return may_hold_more(found, settled(found, []), entries(*on_page), room(*on_page), None)


def test_what_the_spread_stage_left_out_is_not_dealt_with() -> None:
    assert settled(recalled("a", "b"), [Dropped("b", "spread", "trigger_share")]) == {"a"}


def test_a_source_that_has_more_is_asked_again() -> None:
    assert more(recalled("a", exhausted=False), "a")


def test_a_round_that_dealt_with_nothing_is_the_last() -> None:
    assert not more(recalled(exhausted=False))
    found = recalled("a", exhausted=False)
    assert not may_hold_more(found, settled(found, [Dropped("a", "spread", "trigger_share")]), [], room(), None)


def test_an_exhausted_answer_of_which_all_is_on_the_page_hides_nothing() -> None:
    assert not more(recalled("a", "b"), "a", "b")


def test_an_exhausted_answer_of_which_some_was_left_out_may_hide_rows_behind_it() -> None:
    assert more(recalled("a", "b"), "a")


def test_a_spread_key_that_is_full_on_the_page_hides_nothing_that_fits() -> None:
    assert not more(recalled("d", "e"), "a", "b", "c")


def test_a_page_is_short_for_the_cap_where_more_is_left_under_full_keys() -> None:
    assert short_reason([Placed("书")], [], room("a", "b", "c")) == "category_cap"


def test_a_page_is_short_because_the_pool_has_no_more() -> None:
    assert short_reason([], [], room("a")) == "exhausted"


def test_a_late_source_makes_the_deadline_the_reason() -> None:
    assert short_reason([], [SourceFailure("terms", "late")], room()) == "deadline"


def test_no_reason_is_made_up_where_a_failed_source_may_be_it() -> None:
    assert short_reason([], [SourceFailure("terms", "down")], room()) is None
    assert short_reason(None, [], room()) is None
