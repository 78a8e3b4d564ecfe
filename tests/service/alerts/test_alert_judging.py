"""When an alert is raised and when it is cleared, minute by minute."""

from collections.abc import Iterable

import pytest

from builders import DAY, HOUR, MINUTE, NOW
from smallpool_core.alerts import Alert, AlertKind
from smallpool_core.pool_hours import Counted
from smallpool_service.alerts.figures import LastHour, came_in, figures_of, usual, wanted_of, wanted_of_days
from smallpool_service.alerts.judge import (
    Sign,
    after_telling,
    judged,
    sign_of_inflow,
    sign_of_page_fill,
    sign_of_size,
    untold,
)
from smallpool_service.alerts.settings import AlertSettings

SETTINGS = AlertSettings(page_fill=0.5, page_fill_pages=20, inflow_hours=3, inflow_usual=5.0, turns=2)
ON_THE_HOUR = NOW // HOUR * HOUR
H = NOW // HOUR
BAD, GOOD, UNKNOWN = Sign(is_bad=True, figure=0.0), Sign(is_bad=False, figure=7.0), Sign(None, 0.0)


def minutes(signs: Iterable[Sign | None], alerts: Iterable[Alert] = (), kind: AlertKind = "empty", turns: int = 2) -> list[list[Alert]]:
    """The alerts of pool p after each minute in which its sign was this; None for a pool that is not live."""
    out = []
    for minute, sign in enumerate(signs):
        alerts = judged(alerts, {} if sign is None else {("p", kind): sign}, NOW + minute * MINUTE, turns)
        out.append(list(alerts))
    return out


def standing(signs: Iterable[Sign | None], turns: int = 2) -> list[bool]:
    """Whether an alert stands after each of these minutes."""
    return [any(one.stands for one in alerts) for alerts in minutes(signs, turns=turns)]


def test_one_bad_minute_raises_nothing_and_two_in_a_row_do() -> None:
    assert standing([BAD, GOOD, BAD, GOOD]) == [False] * 4
    assert standing([BAD, BAD]) == [False, True]


def test_one_good_minute_clears_nothing_and_two_in_a_row_do() -> None:
    assert standing([BAD, BAD, GOOD, BAD, GOOD, GOOD]) == [False, True, True, True, True, False]


def test_with_one_turn_every_minute_counts() -> None:
    assert standing([BAD, GOOD], turns=1) == [True, False]


def test_figures_that_do_not_tell_change_nothing() -> None:
    assert standing([BAD, UNKNOWN, BAD, UNKNOWN, GOOD, UNKNOWN, GOOD]) == [False, False, True, True, True, True, False]
    assert minutes([UNKNOWN]) == [[]]


def test_an_alert_says_since_when_it_is_bad_and_when_it_was_raised_and_cleared() -> None:
    last = minutes([BAD, BAD, GOOD, GOOD])[-1]
    assert last == [Alert("p", "empty", NOW, 1, 7.0, NOW + MINUTE, NOW + 3 * MINUTE, told=False)]


def test_the_id_of_an_alert_stays_from_its_raising_to_its_clearing_and_is_another_the_next_time() -> None:
    raised, _, cleared = [alerts[0].alert_id for alerts in minutes([BAD, BAD, GOOD, GOOD])[1:]]
    assert raised == cleared
    told = after_telling(minutes([BAD, BAD, GOOD, GOOD])[-1], untold(minutes([BAD, BAD, GOOD, GOOD])[-1]))
    again = judged(judged(told, {("p", "empty"): BAD}, NOW + HOUR, 2), {("p", "empty"): BAD}, NOW + HOUR + MINUTE, 2)
    assert again[0].alert_id != raised


def test_what_is_wrong_with_a_pool_that_is_not_live_any_more_is_over_at_once() -> None:
    alerts = minutes([BAD, BAD, None])[-1]
    assert [one.cleared_at for one in alerts] == [NOW + 2 * MINUTE]
    assert minutes([BAD, None]) == [minutes([BAD])[0], []]


def test_raised_and_cleared_are_each_told_once_and_then_what_is_over_is_forgotten() -> None:
    raised = minutes([BAD, BAD])[-1]
    told = after_telling(raised, untold(raised))
    assert untold(told) == []
    gone_on = judged(told, {("p", "empty"): BAD}, NOW + 5 * MINUTE, 2)
    assert untold(gone_on) == []
    cleared = minutes([GOOD, GOOD], gone_on)[-1]
    assert [one.alert_id for one in untold(cleared)] == [raised[0].alert_id]
    assert after_telling(cleared, untold(cleared)) == []


def test_an_alert_that_is_over_before_anybody_was_told_is_told_as_over() -> None:
    cleared = minutes([BAD, BAD, GOOD, GOOD, BAD, BAD])[-1]
    assert [one.cleared_at for one in untold(cleared)] == [NOW + 3 * MINUTE]


def test_first_signs_are_never_told() -> None:
    first = minutes([BAD])[-1]
    assert untold(first) == []
    assert after_telling(first, first) == first


def test_alerts_of_many_pools_come_by_pool_and_kind() -> None:
    signs = {(pool, kind): BAD for pool in ("q", "p") for kind in ("page_fill_low", "empty")}
    found = judged([], signs, NOW, 1)  # type: ignore[arg-type]  # kinds are spelled out above
    assert [(one.pool_id, one.kind) for one in found] == [
        ("p", "empty"),
        ("p", "page_fill_low"),
        ("q", "empty"),
        ("q", "page_fill_low"),
    ]


def last_hour(size: int | None = 10, pages: int = 100, page_fill: float | None = 0.9) -> LastHour:
    return LastHour(size, pages, page_fill, 40.0, 3)


@pytest.mark.parametrize(("size", "is_bad"), [(0, True), (1, False), (None, None)])
def test_a_pool_is_empty_with_nothing_on_sale_and_not_while_its_size_is_unknown(size: int | None, is_bad: bool | None) -> None:
    assert sign_of_size(last_hour(size)).is_bad is is_bad


@pytest.mark.parametrize(
    ("fill", "is_bad"), [(0.0, True), (0.499, True), (0.5, None), (0.549, None), (0.55, False), (1.0, False), (None, False)]
)
def test_page_fill_is_low_below_the_line_and_well_again_only_above_a_higher_one(fill: float | None, is_bad: bool | None) -> None:
    assert sign_of_page_fill(last_hour(page_fill=fill), SETTINGS).is_bad is is_bad


def test_of_few_pages_nothing_is_said() -> None:
    assert sign_of_page_fill(last_hour(pages=19, page_fill=0.1), SETTINGS).is_bad is False
    assert sign_of_page_fill(last_hour(pages=20, page_fill=0.1), SETTINGS).is_bad is True


def test_an_empty_pool_is_one_alert_and_not_two() -> None:
    assert sign_of_page_fill(last_hour(size=0, page_fill=0.0), SETTINGS).is_bad is None
    assert sign_of_page_fill(last_hour(size=1, page_fill=0.0), SETTINGS).is_bad is True


def test_a_line_at_one_can_be_reached_again() -> None:
    strict = AlertSettings(page_fill=1.0)
    assert sign_of_page_fill(last_hour(page_fill=0.99), strict).is_bad is True
    assert sign_of_page_fill(last_hour(page_fill=1.0), strict).is_bad is False


@pytest.mark.parametrize(("listed", "usually", "is_bad"), [(0, 5.0, True), (0, 4.9, False), (1, 50.0, False)])
def test_inflow_has_stopped_only_in_hours_that_usually_bring_listings(listed: int, usually: float, is_bad: bool) -> None:
    assert sign_of_inflow(listed, usually, SETTINGS).is_bad is is_bad


def test_figures_are_of_the_last_sixty_minutes() -> None:
    counts: dict[tuple[Counted, int], int] = {
        ("pages", H): 10,
        ("asked", H): 100,
        ("given", H): 50,
        ("recalled", H): 400,
        ("pages", H - 1): 20,
        ("asked", H - 1): 200,
        ("given", H - 1): 200,
        ("recalled", H - 1): 1600,
        ("listed", H - 1): 8,
    }
    assert figures_of(counts, ON_THE_HOUR, 7) == LastHour(7, 30, round(250 / 300, 3), round(2000 / 30, 1), 8)
    assert figures_of(counts, ON_THE_HOUR + HOUR // 2, 7) == LastHour(7, 20, 0.75, 60.0, 4)
    assert figures_of({}, NOW, None) == LastHour(None, 0, None, None, 0)
    assert counts.keys() <= set(wanted_of(NOW, 3))


def test_inflow_counts_whole_hours_and_the_one_that_has_begun() -> None:
    counts: dict[tuple[Counted, int], int] = {("listed", H - back): 1 for back in range(10)}
    assert came_in(counts, NOW, 3) == 4


def test_usual_inflow_is_that_of_the_same_hours_on_the_days_before() -> None:
    every_day: dict[tuple[Counted, int], int] = {("listed", (NOW - day * DAY) // HOUR - 1): 6 for day in range(1, 8)}
    assert usual(every_day, NOW, 3) == 6.0
    assert every_day.keys() <= set(wanted_of_days(NOW, 3))
    other_hours: dict[tuple[Counted, int], int] = {("listed", (NOW - day * DAY) // HOUR - 8): 60 for day in range(1, 8)}
    assert usual(other_hours, NOW, 3) == 0.0


def test_usual_inflow_of_a_young_pool_is_over_the_days_that_it_has_and_a_pool_of_today_has_none() -> None:
    two_days: dict[tuple[Counted, int], int] = {("listed", (NOW - 2 * DAY) // HOUR - 1): 10, ("listed", (NOW - DAY) // HOUR - 2): 2}
    assert usual(two_days, NOW, 3) == 6.0
    assert usual({("listed", H - 1): 100}, NOW, 3) == 0.0
