"""A page as a table, and what there is to say of it in one line; `explained.py` has the pages that say how they came about.

In: a page, the items on it. Out: tables.
"""

from collections.abc import Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from smallpool_config.cli.screen import brief, path, plain, table, yuan
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_service.page import Page

SHORT = {
    "exhausted": "the pool holds no more that this person has not seen",
    "category_cap": "what is left is of categories that the page already has enough of",
    "seller_cap": "what is left is of sellers of whom the page already has enough",
    "quota": "what is left is of kinds of which the page already has as many as its quotas allow",
    "deadline": "the time was up",
}
NARROW = 110
"""Columns below which a page leaves out what can be had by `--json`."""


def page_table(page: Page, items: Mapping[str, WideItem], width: int, title: str | None = None) -> Table:
    """Rank, id, title, category, price, score, sources of each line."""
    is_wide = width >= NARROW
    columns = ["#", *(["item"] if is_wide else []), "title", "category", "price", "score", *(["sources"] if is_wide else [])]
    rows = table(*columns, title=title, right=("#", "price", "score"))
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
    for failure in page.trace.failed:
        said.append(f"\n  {failure.source}: {plain(failure.reason)}", style="red")
    return said
