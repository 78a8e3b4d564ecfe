"""When a pool is open, by windows of local time."""

from datetime import UTC, datetime

import pytest

from smallpool_core.schedule import Schedule, Window, check_schedule, is_open, next_opening


def at(text: str) -> int:
    """UTC, in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


DAY = Schedule(windows=(Window("2026-11-11T00:00", "2026-11-12T00:00"), Window("2026-12-12T20:00", "2026-12-12T22:00")))


def test_without_windows_it_is_always_open() -> None:
    assert is_open(Schedule(), 0)
    assert next_opening(Schedule(), 0) is None


def test_a_window_holds_from_its_beginning_until_before_its_end_by_the_clocks_of_its_zone() -> None:
    begins, ends = at("2026-11-10T16:00"), at("2026-11-11T16:00")
    assert [is_open(DAY, now) for now in (begins - 1, begins, ends - 1, ends)] == [False, True, True, False]


def test_the_next_opening_is_told_as_it_was_written() -> None:
    first, second = next_opening(DAY, at("2026-11-01T00:00")), next_opening(DAY, at("2026-11-10T16:00"))
    assert first is not None
    assert second is not None
    assert (first.at, first.written) == (at("2026-11-10T16:00"), "2026-11-11T00:00 (Asia/Shanghai)")
    assert second.at == at("2026-12-12T12:00")
    assert next_opening(DAY, at("2027-01-01T00:00")) is None


def test_a_zone_with_summer_time_is_followed_through_it() -> None:
    berlin = Schedule("Europe/Berlin", (Window("2026-03-28T12:00", "2026-03-29T12:00"),))
    assert is_open(berlin, at("2026-03-28T11:00"))
    assert not is_open(berlin, at("2026-03-29T10:00"))


@pytest.mark.parametrize(
    ("schedule", "path"),
    [
        (Schedule("Asia/Nowhere"), "schedule.timezone"),
        (Schedule(""), "schedule.timezone"),
        (Schedule("../etc"), "schedule.timezone"),
        (Schedule(windows=(Window("2026-11-12T00:00", "2026-11-11T00:00"),)), "schedule.windows[0].until"),
        (Schedule(windows=(Window("2026-11-12T00:00", "2026-11-12T00:00"),)), "schedule.windows[0].until"),
        (Schedule(windows=(Window("tomorrow", "2026-11-12T00:00"),)), "schedule.windows[0].from"),
        (Schedule(windows=(Window("2026-11-12", "2026-11-13T00:00"),)), "schedule.windows[0].from"),
        (Schedule(windows=(Window("2026-11-12T00:00", "2026-11-13T00:00Z"),)), "schedule.windows[0].until"),
        (Schedule("Europe/Berlin", (Window("2026-03-29T02:30", "2026-03-30T00:00"),)), "schedule.windows[0].from"),
        (Schedule(windows=(Window("0001-01-01T00:00", "9999-12-31T23:59"),)), "schedule.windows[0].from"),
        (Schedule(windows=DAY.windows * 51), "schedule.windows"),
    ],
)
def test_what_is_no_window_of_a_zone_is_refused_with_its_path(schedule: Schedule, path: str) -> None:
    [problem] = check_schedule(schedule)
    assert problem.path == path
    assert "allowed" in problem.message or "ends after it begins" in problem.message


def test_a_zone_that_is_known_no_more_closes_what_has_windows_of_it() -> None:
    assert not is_open(Schedule("Asia/Nowhere", DAY.windows), at("2026-11-11T00:00"))
