"""Items that left lose their popularity apart from item intake."""

import asyncio

import pytest

from builders import item_event, user_event
from smallpool_core.errors import StoreUnavailable
from smallpool_indexer.forget import AT_ONCE, MOST_WAITING, Forgetter
from write_rig import Rig


def popular(rig: Rig) -> list[str]:
    return asyncio.run(rig.stats.popular("", 1_000))


def test_what_is_handed_over_is_popular_no_longer_once_the_statistics_answer(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.take(item_event("a"), item_event("b"))
    rig.take(user_event(item_id="a"), user_event(item_id="b"))
    forgetter = Forgetter(rig.stats)
    forgetter.forget(["a"])

    def away(_item_ids: object) -> None:
        raise StoreUnavailable("could not reach the statistics")

    with monkeypatch.context() as patched:
        patched.setattr(rig.stats, "forget", away)
        with pytest.raises(StoreUnavailable):
            forgetter.run_once()
    assert popular(rig) == ["a", "b"]
    assert forgetter.run_once() is False
    assert popular(rig) == ["b"]


def test_many_are_forgotten_some_at_a_time_and_too_many_are_refused(rig: Rig) -> None:
    forgetter = Forgetter(rig.stats)
    forgetter.forget([f"i{number}" for number in range(AT_ONCE + 1)])
    assert [forgetter.run_once() for _ in range(3)] == [True, False, False]
    forgetter.forget(["x"] * MOST_WAITING)
    with pytest.raises(StoreUnavailable):
        forgetter.forget(["one too many"])
