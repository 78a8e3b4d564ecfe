"""Which short texts may be taken in, wherever they come from."""

import unicodedata

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import NOW
from smallpool_core.events import parse_user_event
from smallpool_core.plain_text import text_problem
from smallpool_core.users import UserEvent

STRANGE = [
    "a\u3000b",
    "a\u200bb",
    "\ufeff",
    "a\u2028b",
    "\u202eabc",
    "👩‍👩‍👧",
    "\u200f\u05d0\u05d1",
    "\u00a0x",
    "\U0010ffff",
    "\ue000",
    "x" * 128,
]


@pytest.mark.parametrize("text", STRANGE)
def test_text_of_any_script_is_sound(text: str) -> None:
    assert text_problem(text, 128) is None


@pytest.mark.parametrize("text", ["", " ", "\u3000", "\n", "x" * 129, "a\x00", "a\x7fb", "a\x85b", "a\tb", "\ud800", "a\udfff"])
def test_text_that_is_blank_too_long_or_cannot_be_kept_is_not(text: str) -> None:
    assert text_problem(text, 128) is not None


@given(st.characters())
def test_control_characters_are_those_of_unicode(character: str) -> None:
    assert (text_problem(f"a{character}b", 3) is None) == (unicodedata.category(character) not in {"Cc", "Cs"})


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=4))
@example("a\u3000b")
@example("a\u200bb")
def test_an_id_of_an_event_is_sound_by_the_same_rule(text: str) -> None:
    event = parse_user_event(msgspec.json.encode({"type": "click", "user_id": text, "item_id": "i", "at": NOW}), NOW)
    assert isinstance(event, UserEvent) == (text_problem(text, 128) is None)
