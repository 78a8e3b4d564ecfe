"""A page as a table that a person enjoys, and how it came about: the funnel of its stages, what was dropped and why.

In: a page, the items on it. Out: tables.
"""

from collections import Counter
from collections.abc import Mapping

from msgspec import UNSET
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from smallpool_config.cli.screen import bar, brief, path, plain, table, yuan
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.terms import key_of
from smallpool_service.page import Explained, Page, TraceReport

SHORT = {
    "exhausted": "the pool holds no more that this person has not seen",
    "category_cap": "what is left is of categories that the page already has enough of",
    "seller_cap": "what is left is of sellers of whom the page already has enough",
    "quota": "what is left is of kinds of which the page already has as many as its quotas allow",
    "deadline": "the time was up",
}
SHOWN_TRIGGERS = 3
NARROW = 110
"""Columns below which a page leaves out what can be had by `--json`."""


def page_table(page: Page, items: Mapping[str, WideItem], width: int, title: str | None = None) -> Table:
    """Rank, id, title, category, price, score, sources of each line, and with an explanation the triggers that it matched."""
    is_explained = any(line.explain is not UNSET for line in page.items)
    is_wide = width >= NARROW
    columns = ["#", *(["item"] if is_wide else []), "title", "category", "price", "score", *(["sources"] if is_wide else [])]
    rows = table(*columns, *(["matched"] if is_explained else []), title=title, right=("#", "price", "score"))
    for rank, line in enumerate(page.items, start=1):
        item = items.get(line.item_id)
        cells: list[RenderableType] = [
            str(rank),
            Text(plain(line.item_id), style="bright_black"),
            Text(brief(item.given.title) if item is not None and item.given is not None else "–"),
            Text(brief(path(PATH_SEPARATOR.join(line.category))), style="cyan"),
            yuan(item.price_cents if item is not None else None),
            f"{line.score:.3f}",
            Text(" ".join(line.sources), style="bright_black"),
        ]
        if not is_wide:
            del cells[6], cells[1]
        if is_explained:
            cells.append(_matched(line.explain) if isinstance(line.explain, Explained) else Text())
        rows.add_row(*cells)
    return rows


def verdict(page: Page) -> Text:
    """What there is to say of a page besides its items: replayed, short, degraded."""
    said = Text(f"{len(page.items)} items, request {page.request_id}", style="bright_black")
    if page.replayed is True:
        said.append("; the same page as before, replayed", style="yellow")
    if page.short is not None:
        said.append(f"; short: {page.short}, {SHORT[page.short]}", style="yellow")
    if page.degraded:
        said.append(f"; degraded: {', '.join(page.degraded)}", style="red")
    return said


def funnel_table(trace: TraceReport, title: str | None = None) -> Table:
    """What came into and went out of each stage, and how long it took."""
    rows = table("stage", "in", "out", "ms", "", title=title, right=("in", "out", "ms"))
    longest = max((stage.ms for stage in trace.stages), default=0.0)
    for stage in trace.stages:
        rows.add_row(stage.stage, str(stage.came_in), str(stage.came_out), f"{stage.ms:.2f}", bar(stage.ms / longest if longest else 0.0))
    return rows


def drops_table(trace: TraceReport) -> Table:
    """How many candidates were left out, by stage and reason; empty where no explanation was asked for."""
    drops = [] if trace.drops is UNSET else trace.drops
    counted = Counter((drop.stage, drop.reason) for drop in drops)
    rows = table("left out by", "because", "candidates", right=("candidates",))
    for (stage, reason), count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])):
        rows.add_row(stage, reason, str(count))
    return rows


def _matched(explain: Explained) -> Text:
    heaviest = sorted(explain.triggers, key=lambda term: (-explain.triggers[term], term))
    return Text(", ".join(plain(key_of(term)) for term in heaviest[:SHOWN_TRIGGERS]), style="green")
