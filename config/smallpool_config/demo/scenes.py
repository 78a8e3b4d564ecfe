"""How the demo looks: each scene is one thing that smallpool does, as text, a table or both.

In: values. Out: a console is printed on; nothing else happens here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import UNSET
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from smallpool_config.cli.experiment_tables import report_of
from smallpool_config.cli.explained import drops_table, funnel_table, interest_text, interests_table
from smallpool_config.cli.page_tables import page_table, verdict
from smallpool_config.cli.pools import rule_text
from smallpool_config.cli.screen import path, plain, span, table, yuan
from smallpool_config.cli.triggers import trigger_row
from smallpool_config.cli.understand import highlighted
from smallpool_config.demo.people import Effect, Person
from smallpool_core.items import THOUSAND, WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pools import Pool
from smallpool_service.experiments.report import Report
from smallpool_service.page import Page, PageItem
from smallpool_service.sources.latent import Latent
from smallpool_service.why import Why

INDENT = (0, 0, 0, 3)
SHOWN_EVENTS = 6
SHOWN_TRIGGERS = 8
DONE = {
    "view": "looked at",
    "click": "clicked",
    "favourite": "kept",
    "cart": "put in the cart",
    "bid": "bid on",
    "purchase": "bought",
}


def heading(console: Console, number: int, text: str, note: str) -> None:
    """The title of a scene, and a line that says what is to be seen."""
    console.print()
    console.print(Text.assemble((f" {number} ", "bold black on cyan"), " ", (text, "bold")))
    said(console, note, "bright_black")
    console.print()


def said(console: Console, text: str, style: str = "") -> None:
    """A sentence under a scene."""
    console.print(Padding(Text(text, style=style), INDENT, expand=False))


def listing(console: Console, item: WideItem, brands: Mapping[str, str]) -> None:
    """One listing as it was understood."""
    title = item.given.title if item.given is not None else item.item_id
    console.print(
        Text.assemble("   ", highlighted(title, item.spans), "  ", (yuan(item.price_cents) if item.price_cents else "free", "bold")),
        soft_wrap=True,
    )
    facts = [path(item.category)]
    facts += [f"brand {plain(brands.get(item.brand, item.brand))}"] if item.brand else []
    facts += [f"points {plain(', '.join(item.points[:5]))}"] if item.points else []
    facts += [item.condition.replace("_", " ")] if item.condition else []
    facts += [f"quality {(item.quality or 0) / THOUSAND:.2f}", item.sale or "fixed"]
    console.print(Text(f"     → {' · '.join(facts)}", style="bright_black"), soft_wrap=True)


def pool_rule(console: Console, pool: Pool) -> None:
    """One pool as its file says."""
    console.print(Text.assemble("   ", (plain(pool.name), "bold"), (f"  {pool.pool_id}", "bright_black")))
    console.print(Padding(Text(rule_text(pool.rule), style="green"), INDENT, expand=False))


def pool_sizes(console: Console, pools: Sequence[Pool], sizes: Mapping[str, int], on_sale: int) -> None:
    """How many items each pool holds."""
    rows = table("pool", "", "holds", right=("holds",))
    for pool in sorted(pools, key=lambda pool: -sizes[pool.pool_id]):
        rows.add_row(pool.pool_id, plain(pool.name), f"{sizes[pool.pool_id]:,} of {on_sale:,}")
    console.print(Padding(rows, INDENT, expand=False))


def behaviour(console: Console, person: Person, items: Mapping[str, WideItem], brands: Mapping[str, str], now: int) -> None:
    """What a person did last, and the triggers that it adds up to."""
    acts = table("what", "when", f"{person.user_id} did last")
    for event in person.events[-SHOWN_EVENTS:]:
        item = items.get(event.item_id or "")
        title = plain(item.given.title) if item is not None and item.given is not None else ""
        acts.add_row(DONE.get(event.type, event.type), f"{span(max(0, now - event.at))} ago", title)
    console.print(Padding(acts, INDENT, expand=False))
    console.print()
    rows = table("trigger", "", "weight", "", right=("weight",))
    for trigger in person.triggers[:SHOWN_TRIGGERS]:
        rows.add_row(*trigger_row(trigger, person.triggers[0].weight, brands))
    console.print(Padding(rows, INDENT, expand=False))


def goes_with(console: Console, item_id: str, others: Sequence[str], items: Mapping[str, WideItem]) -> None:
    """One item, and what people look at beside it."""
    console.print(Text.assemble("   ", (_title(item_id, items), "bold"), (f"  {item_id}", "bright_black")), soft_wrap=True)
    for other in others:
        console.print(Text.assemble("     → ", _title(other, items), (f"  {other}", "bright_black")), soft_wrap=True)


def brought(console: Console, pairs: Sequence[tuple[str, str]], items: Mapping[str, WideItem]) -> None:
    """Lines of pages that came from lists of related items, the first of them with what it goes with."""
    shown, touched = (_title(item_id, items) for item_id in pairs[0])
    text = f"{len(pairs)} of these lines go with an item that their person touched, such as {shown} with {touched}"
    said(console, text, "green")


def interests(console: Console, person: Person, shown: Page, latent: Sequence[PageItem], items: Mapping[str, WideItem]) -> None:
    """A person's interests, and the items of their page that are of a category new to them, each with the interest that led there."""
    if shown.trace.vectors is not UNSET:
        said(console, f"{person.user_id}, by the model {shown.trace.vectors.model}")
        console.print(Padding(interests_table(shown.trace.vectors), INDENT, expand=False))
    console.print()
    for line in latent:
        console.print(Text.assemble("   ", (_title(line.item_id, items), "bold"), (f"  {line.item_id}", "bright_black")), soft_wrap=True)
        for one in line.explain.interests or () if line.explain is not UNSET else ():
            if one.source == Latent.name:
                console.print(
                    Text(f"     → {path(PATH_SEPARATOR.join(line.category))}: {interest_text(one)}", style="magenta"), soft_wrap=True
                )


def _title(item_id: str, items: Mapping[str, WideItem]) -> str:
    item = items.get(item_id)
    return plain(item.given.title) if item is not None and item.given is not None else item_id


def page(console: Console, shown: Page, items: Mapping[str, WideItem], title: str) -> None:
    """One page."""
    console.print(Padding(page_table(shown, items, console.width - 3, title), INDENT, expand=False))
    if shown.short is not None or shown.degraded:
        console.print(Padding(verdict(shown), INDENT, expand=False))
    console.print()


def kept_promises(console: Console, pages: Sequence[Page]) -> None:
    """What held on the pages of one person, counted from the pages themselves."""
    item_ids = [line.item_id for one in pages for line in one.items]
    repeated = len(item_ids) - len(set(item_ids))
    fullest = max((max(Counter(tuple(line.category) for line in one.items).values(), default=0) for one in pages), default=0)
    said(
        console,
        f"{len(item_ids)} items on {len(pages)} pages, {repeated} of them twice; at most {fullest} of one category on a page",
        "green",
    )


def funnel(console: Console, shown: Page) -> None:
    """How one page came about."""
    console.print(Padding(funnel_table(shown.trace), INDENT, expand=False))
    if shown.trace.drops:
        console.print()
        console.print(Padding(drops_table(shown.trace), INDENT, expand=False))


def reasons(console: Console, answers: Sequence[tuple[Why, WideItem | None]]) -> None:
    """Why items were not served."""
    for answer, item in answers:
        title = plain(item.given.title) if item is not None and item.given is not None else answer.item_id
        console.print(Text.assemble("   ", (title, "bold"), (f"  {answer.item_id}", "bright_black")), soft_wrap=True)
        console.print(Text.assemble("     → ", (f"{answer.stage}: {answer.reason}", "yellow"), f", {plain(answer.detail)}"), soft_wrap=True)


def effects(console: Console, found: Sequence[Effect], top: int) -> None:
    """What recall finds in each pool, inside it and site-wide."""
    rows = table(
        "pool",
        "holds",
        f"of the site's best {top}",
        f"inside the pool, up to {top}",
        "found site-wide",
        right=("holds", f"of the site's best {top}", f"inside the pool, up to {top}", "found site-wide"),
    )
    for effect in found:
        share = f"{effect.site_wide / effect.inside:.0%}" if effect.inside else "–"
        rows.add_row(
            f"{plain(effect.name)}  {effect.pool_id}", f"{effect.size:,}", f"{effect.site_wide:.1f}", f"{effect.inside:.1f}", share
        )
    console.print(Padding(rows, INDENT, expand=False))


def report(console: Console, made: Report) -> None:
    """What came of an experiment."""
    for part in report_of(made):
        console.print(Padding(part, INDENT, expand=False))
        console.print()
    said(console, f"smallpool experiments report {made.experiment_id} prints this of a marketplace that is kept", "bright_black")


def how_to_go_on(console: Console, address: str, secret: str, person: Person, pool_id: str) -> None:
    """The key, the documentation, a request to paste."""
    ask = f'{{"user_id": "{person.user_id}", "size": 5}}'
    lines = (
        f"export SMALLPOOL_KEY={secret}",
        f"curl -s -H \"Authorization: Bearer $SMALLPOOL_KEY\" -d '{ask}' {address}/v1/pools/{pool_id}/recall",
    )
    for line in lines:
        console.print(Text(line, style="bold"), soft_wrap=True)
    console.print(Text(f"Console, with that key: {address}/console"), soft_wrap=True)
    console.print(Text(f"API docs: {address}/docs"), soft_wrap=True)
