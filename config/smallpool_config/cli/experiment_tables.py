"""How experiments look in a terminal.

In: reports and trials. Out: tables and sentences.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from smallpool_config.cli.screen import plain, table, when

if TYPE_CHECKING:
    from smallpool_service.experiments.report import BucketFigure, FigureReport, Report
    from smallpool_service.experiments.simulation import Trials

TITLES = {
    "clicks_per_user": "clicks a person",
    "click_users": "people who click",
    "orders_per_user": "orders a person",
    "bids_per_user": "bids a person",
    "click_rate": "items clicked",
    "bid_rate": "items bid on",
}
SHARES = frozenset({"click_users", "click_rate", "bid_rate"})


def report_of(report: "Report") -> Iterator[RenderableType]:
    """A report: its people, then its figures."""
    yield Text(f"{plain(report.experiment_id)}, {report.state}: pages from {when(report.since)} until {when(report.until)} (UTC)", "bold")
    everybody = sum(report.people.values())
    people = table("bucket", "people", "of all", "wanted", right=("people", "of all", "wanted"))
    for name, count in report.people.items():
        share = f"{count / everybody:.2%}" if everybody else "–"
        people.add_row(plain(name), f"{count:,}", share, f"{report.shares[name]:.2%}")
    yield people
    yield _ratio(report)
    if report.mixed or report.forced_pages:
        yield Text(f"{report.mixed:,} people met in several buckets and {report.forced_pages:,} pages that testers asked for are left out")
    if everybody:
        yield _figures(report.figures, report.level)
        yield _figures(report.by_source, report.level)
        yield Text(
            "an item that several sources gave counts for each of them; intervals are per person, by the delta method", "bright_black"
        )


def trials_table(found: "Trials") -> Iterator[RenderableType]:
    """What simulated experiments found."""
    rows = table("figure", "experiments", "called an effect", right=("experiments", "called an effect"))
    for figure, count in found.by_figure.items():
        rows.add_row(TITLES[figure], f"{len(found.trials):,}", f"{count:,}")
    yield rows
    what = "false positives" if found.effect == 0 else f"an effect of {found.effect:+.0%} was found"
    nominal = f", nominally {1 - found.level:.0%}" if found.effect == 0 else ""
    yield Text(f"{what}: {found.found:,} of {found.judged:,} comparisons, {found.share:.1%}{nominal}; {found.people:,} people each")


def _ratio(report: "Report") -> Text:
    if report.ratio_p is None:
        return Text("nobody was served a page of it yet", "yellow")
    if report.is_whole:
        return Text(f"people are spread as they should be (chi-square, p = {report.ratio_p:.3f})", "green")
    return Text(
        f"sample-ratio mismatch (p = {report.ratio_p:.2g}): people are missing from a bucket; do not believe the figures", "bold red"
    )


def _figures(figures: "list[FigureReport]", level: float) -> RenderableType:
    columns = ("figure", "source", "bucket", "value", f"{level:.0%} interval", "lift", f"{level:.0%} of the lift", "p")
    rows = table(*columns, right=("value", "lift", "p"))
    for one in figures:
        for place, each in enumerate(one.buckets):
            names = (TITLES[one.figure], plain(one.source) or "all") if place == 0 else ("", "")
            rows.add_row(*names, plain(each.bucket), *_cells(each, is_share=one.figure in SHARES))
    return rows


def _cells(one: "BucketFigure", *, is_share: bool) -> tuple[str, str, Text, str, str]:
    form = ".2%" if is_share else ".4f"
    value = "–" if one.value is None else format(one.value, form)
    lift = one.lift
    style = (
        ""
        if lift.p_value is None or lift.low is None or lift.low <= 0 <= (lift.high or 0)
        else "bold green"
        if lift.low > 0
        else "bold red"
    )
    shown = Text("–" if lift.value is None else f"{lift.value:+.1%}", style)
    p_value = "–" if lift.p_value is None else "< .001" if lift.p_value < 0.001 else f"{lift.p_value:.3f}"
    return value, _interval(one.low, one.high, form), shown, _interval(lift.low, lift.high, "+.1%"), p_value


def _interval(low: float | None, high: float | None, form: str) -> str:
    return "–" if low is None or high is None else f"{low:{form}} … {high:{form}}"
