"""What is packed comes back as it was, to the last bit, and small."""

import random
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DAY, NOW, user_event
from smallpool_core.users import USER_EVENT_TYPES, Exposed, Touched, TriggerState, Weighted
from smallpool_stores.redis.marks import Marks
from smallpool_stores.redis.states import pack_state, unpack_state

WEEK_S = 7 * 86_400
times = st.integers(0, 2**53)
prices = st.none() | st.integers(0, 2**40)
weights = st.dictionaries(st.text(max_size=8), st.builds(Weighted, st.floats(allow_nan=False), times), max_size=6)
touched = st.lists(st.builds(Touched, st.text(max_size=4), st.sampled_from(USER_EVENT_TYPES), times), max_size=6)  # type: ignore[arg-type]
priced = st.lists(
    st.builds(Touched, st.text(max_size=4), st.sampled_from(USER_EVENT_TYPES), times, prices, st.text(max_size=3)),  # type: ignore[arg-type]
    max_size=6,
)
bought = st.lists(
    st.builds(
        Touched,
        st.text(max_size=4),
        st.sampled_from(USER_EVENT_TYPES),  # type: ignore[arg-type]
        times,
        terms=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    ),
    max_size=6,
)
exposed = st.lists(st.builds(Exposed, st.text(max_size=4), st.integers(0, 2**40), times), max_size=6)
states = st.builds(TriggerState, weights, weights, bought, priced, touched, exposed, times)


@given(states)
def test_a_state_comes_back_as_it_was_packed(state: TriggerState) -> None:
    again = unpack_state(pack_state(state))
    assert again == state
    assert [*again.short, *again.long] == [*state.short, *state.long]


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_state_that_was_packed_before_prices_or_its_beginning_or_what_was_bought_were_kept_comes_back_without_any(missing: int) -> None:
    state = full_state()
    state.recent = [Touched("i1", "click", NOW)]
    columns = msgspec.msgpack.decode(zlib.decompress(pack_state(state)))
    assert unpack_state(zlib.compress(msgspec.msgpack.encode(columns[:-missing]))) == state


@pytest.mark.parametrize("packed", [b"", b"x", pack_state(TriggerState())[:-1]])
def test_bytes_that_are_no_state_are_refused_as_undecodable(packed: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        unpack_state(packed)


def full_state(seed: int = 7) -> TriggerState:
    """64 terms on both horizons and 100 purchases, with nothing in them that repeats."""
    chance = random.Random(seed)
    terms = [f"point:{''.join(chance.choices('手机电脑相机镜头手表耳机平板键盘', k=5))}{number}" for number in range(64)]
    horizons = [{term: Weighted(chance.random(), NOW - chance.randrange(14 * DAY)) for term in terms} for _ in range(2)]
    items = ["".join(chance.choices("0123456789abcdef", k=12)) for _ in range(100)]
    return TriggerState(*horizons, [Touched(item, "purchase", NOW - chance.randrange(90 * DAY)) for item in items])


def test_64_terms_on_both_horizons_and_100_purchases_take_less_than_4_kib() -> None:
    assert len(pack_state(full_state())) < 4096


def marked(count: int, first: int = 0) -> Marks:
    marks = Marks(b"")
    for number in range(first, first + count):
        assert marks.add(user_event(at=NOW + number))
    return marks


def test_a_mark_takes_twelve_bytes() -> None:
    assert len(marked(100).packed(NOW, WEEK_S, 2_000)) == 1_200


def test_marks_that_were_packed_are_known_again() -> None:
    marks = Marks(marked(10).packed(NOW, WEEK_S, 2_000))
    assert [marks.add(user_event(at=NOW + number)) for number in (0, 9, 10, 10)] == [False, False, True, False]


def test_marks_older_than_they_are_kept_go_with_the_next_write() -> None:
    packed = marked(10).packed(NOW, WEEK_S, 2_000)
    assert len(Marks(packed).packed(NOW + 7 * DAY, WEEK_S, 2_000)) == 120
    assert Marks(packed).packed(NOW + 7 * DAY + 1_000, WEEK_S, 2_000) == b""


def test_beyond_the_most_the_oldest_marks_go_and_never_a_fresh_one() -> None:
    stored = marked(10).packed(NOW, WEEK_S, 10)
    marks = Marks(stored)
    assert all(marks.add(user_event(at=NOW + number)) for number in range(10, 14))
    again = Marks(marks.packed(NOW, WEEK_S, 10))
    assert [again.add(user_event(at=NOW + number)) for number in (0, 3, 4, 13)] == [True, True, False, False]
    assert len(marked(14).packed(NOW, WEEK_S, 10)) == 14 * 12
