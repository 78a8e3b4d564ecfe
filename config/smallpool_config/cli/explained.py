"""A page and how it came about, as `smallpool recall --explain` shows it: triggers, items with the parts of their scores, sources, stages.

In: a page with its explanation, the items on it, names of what has keys alone. Out: tables, readable at 100 columns and without colours.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import UNSET, Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from smallpool_config.cli.screen import bar, brief, path, plain, table, yuan
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Dropped
from smallpool_core.pools import Pool
from smallpool_core.terms import key_of, kind_of
from smallpool_service.page import Explained, ItemInterest, Page, PageItem, TraceReport, VectorTrace
from smallpool_service.sources.latent import Latent

TOLERANCE = 1e-4
"""Scores are rounded to six places, and their parts too."""
SHOWN_TRIGGERS = 8
SHOWN_OF_ITEM = 4
SHOWN_EXAMPLES = 2
HEADINGS = {"freshness": "fresh", "price_fit": "price", "popularity": "popular"}
ORIGINS = {
    "behaviour": "what they did",
    "prior": "what people do here, for nothing is known of this person",
    "context": "the words and the place of this request alone",
    "none": "nothing: only the sources that need no triggers bring items",
}
STAGES = {
    "open": "what the person saw, did and is",
    "rewrite": "how many are wanted, what is left out from the start",
    "triggers": "terms to ask by",
    "interests": "what the person is after, as vectors",
    "recall": "sources asked, candidates given",
    "spread": "caps by category and by trigger, for each source",
    "filter": "what may not be shown to this person, or not now",
    "merge": "each item once, whoever brought it",
    "score": "the parts, added up by the pool's weights",
    "order": "what the pool boosts, buries and pins",
    "claim": "the best that may stand together, in one step",
    "served": "the page, in the log",
}


class Names(Struct, frozen=True):
    """What people call what has a key: brands by key, items as they are stored by id."""

    brands: Mapping[str, str]
    items: Mapping[str, WideItem]

    def of_term(self, term: str) -> str:
        """A term by its kind and name."""
        return f"{kind_of(term).replace('_', ' ')} {self.key(term)}"

    def key(self, term: str) -> str:
        """A term's key as people say it."""
        kind, key = kind_of(term), key_of(term)
        if kind == "category":
            return path(key)
        if kind == "price_band":
            top, _, band = key.rpartition(":")
            return plain(f"{top} {band}")
        return plain(self.brands.get(key, key) if kind == "brand" else key)

    def title(self, item_id: str) -> str:
        """An item's title, or its id."""
        item = self.items.get(item_id)
        return brief(item.given.title) if item is not None and item.given is not None else plain(item_id)


def headline(page: Page, pool: Pool | None, who: str, names: Names) -> Group:
    """Whose page this is, and what it was asked by."""
    name = plain(pool.name) if pool is not None and pool.name != page.pool_id else ""
    title = Text.assemble(
        (name or plain(page.pool_id), "bold"), (f"  {plain(page.pool_id)}" if name else "", "bright_black"), f"  for {who}"
    )
    lines: list[RenderableType] = [title]
    trace = page.trace
    if trace.triggers is not UNSET and trace.origin is not UNSET:
        lines.append(Text(f"asked by {ORIGINS.get(trace.origin, trace.origin)}", style="bright_black"))
        if trace.triggers:
            lines += ["", triggers_table(trace.triggers, names)]
    if trace.vectors is not UNSET and trace.vectors.interests:
        lines += ["", interests_table(trace.vectors)]
    return Group(*lines, "")


def interests_table(traced: VectorTrace) -> Table:
    """The interests that the page was asked by, with the categories here that are nearest to each."""
    rows = table("interest", "nearest here", "of what they did", "", right=("interest", "of what they did"))
    for number, one in enumerate([] if traced.interests is UNSET else traced.interests, start=1):
        rows.add_row(str(number), categories_text(one.categories) or "–", f"{one.share:.0%}", bar(one.share))
    return rows


def categories_text(categories: Sequence[str]) -> str:
    """What an interest is about: the last element of each path, which says most in the least room."""
    return ", ".join(plain(key.rpartition(PATH_SEPARATOR)[2]) for key in categories)


def interest_text(one: ItemInterest) -> str:
    """Which interest brought an item; of one of a category that is new to the person, that it is."""
    about = f": {categories_text(one.categories)}" if one.categories else ""
    brought = f"interest {one.interest}{about}"
    return f"latent, a category new to them beside {brought}" if one.source == Latent.name else brought


def triggers_table(triggers: Mapping[str, int], names: Names) -> Table:
    """The heaviest triggers that the page was asked by."""
    heaviest = sorted(triggers.items(), key=lambda pair: (-pair[1], pair[0].encode()))
    rows = table("asked for", "", "weight", "", right=("weight",))
    for term, weight in heaviest[:SHOWN_TRIGGERS]:
        rows.add_row(kind_of(term).replace("_", " "), names.key(term), str(weight), bar(weight / heaviest[0][1]))
    if len(heaviest) > SHOWN_TRIGGERS:
        rows.add_row(Text(f"and {len(heaviest) - SHOWN_TRIGGERS} more", style="bright_black"), "", "", "")
    return rows


def explained_table(page: Page, names: Names, weights: Mapping[str, float]) -> Table:
    """Each item with what it is, which sources brought it, what it matched, and what its score is the sum of."""
    rows = table("#", "item", "price", "score", right=("#", "price", "score"))
    for rank, line in enumerate(page.items, start=1):
        item = names.items.get(line.item_id)
        price = yuan(item.price_cents if item is not None else None)
        rows.add_row(str(rank), Text("\n").join(_lines(line, names, weights)), price, Text(f"{line.score:.3f}", style="bold"))
    return rows


def _lines(line: PageItem, names: Names, weights: Mapping[str, float]) -> Iterator[Text]:
    explain = line.explain if isinstance(line.explain, Explained) else Explained({}, {}, {})
    ranks = [f"{source} #{rank}" for source, rank in explain.sources.items()] or list(line.sources)
    yield Text(names.title(line.item_id), style="bold")
    yield Text(" · ".join([path(PATH_SEPARATOR.join(line.category)), *ranks, plain(line.item_id)]), style="bright_black")
    heaviest = sorted(explain.triggers.items(), key=lambda pair: (-pair[1], pair[0].encode()))
    if heaviest:
        matched = ", ".join(f"{names.of_term(term)} {weight}" for term, weight in heaviest[:SHOWN_OF_ITEM])
        more = f" and {len(heaviest) - SHOWN_OF_ITEM} more" if len(heaviest) > SHOWN_OF_ITEM else ""
        yield Text(f"matched {matched}{more}", style="green")
    for one in explain.interests or ():
        yield Text(interest_text(one), style="magenta")
    if explain.score:
        yield Text(parts_text(explain, line.score, weights))


def parts_text(explain: Explained, score: float, weights: Mapping[str, float]) -> str:
    """What the score is the sum of: each part by its weight, times what the pool boosts or buries by. Where that is not how the score was
    made, the parts as they are.
    """
    total = sum(weights.get(name, 0.0) for name in explain.score)
    named = {HEADINGS.get(name, name): (value, weights.get(name, 0.0)) for name, value in explain.score.items()}
    given = {name: value * weight / total for name, (value, weight) in named.items()} if total else {}
    if abs(sum(given.values()) * explain.factor - score) > TOLERANCE:
        return ", ".join(f"{name} {value:.2f}" for name, (value, _) in named.items())
    summed = " + ".join(f"{name} {_short(value)}" for name, value in given.items())
    if explain.factor == 1:
        return summed
    return f"({summed}) × {explain.factor:g}, which the pool {'boosts' if explain.factor > 1 else 'buries'} it by"


def _short(value: float) -> str:
    """A value below one without its nought."""
    return f"{value:.2f}".removeprefix("0")


def sources_table(trace: TraceReport) -> Table:
    """How far the candidates of each source came, and what failed."""
    failed = {failure.source: failure.reason for failure in trace.failed}
    steps = ("asked", "returned", "in pool", "after caps", "after filters", "on the page")
    rows = table("source", *steps, "", right=steps)
    most = max((one.page for one in trace.sources), default=0)
    for one in trace.sources:
        counts = (one.asked, one.returned, one.in_pool, one.spread, one.filtered, one.page)
        last = Text(f"failed: {plain(failed[one.source])}", "red") if one.source in failed else bar(one.page / most if most else 0)
        rows.add_row(one.source, *(f"{count:,}" for count in counts), last)
    return rows


def funnel_table(trace: TraceReport, title: str | None = None) -> Table:
    """What came into and went out of each stage, what it does, and how long it took."""
    rows = table("stage", "in", "out", "", "ms", "", title=title, right=("in", "out", "ms"))
    most = max((stage.came_out for stage in trace.stages), default=0)
    for stage in trace.stages:
        does = Text(STAGES.get(stage.stage, ""), style="bright_black")
        rows.add_row(
            stage.stage, f"{stage.came_in:,}", f"{stage.came_out:,}", bar(stage.came_out / most if most else 0), f"{stage.ms:.2f}", does
        )
    return rows


def drops_table(trace: TraceReport, names: Names | None = None) -> Table:
    """How many candidates were left out, by stage and reason, with some of them; empty where no explanation was asked for."""
    by_cause: dict[tuple[str, str], list[Dropped]] = {}
    for drop in [] if trace.drops is UNSET else trace.drops:
        by_cause.setdefault((drop.stage, drop.reason), []).append(drop)
    rows = table("left out by", "because", "candidates", "such as", right=("candidates",))
    for (stage, reason), drops in sorted(by_cause.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        rows.add_row(stage, reason.replace("_", " "), f"{len(drops):,}", Text("\n").join(_examples(drops, names)))
    return rows


def examples_of(trace: TraceReport) -> set[str]:
    """Ids of the items that `drops_table` names."""
    by_cause: dict[tuple[str, str], list[str]] = {}
    for drop in [] if trace.drops is UNSET else trace.drops:
        by_cause.setdefault((drop.stage, drop.reason), []).append(drop.item_id)
    return {item_id for ids in by_cause.values() for item_id in ids[:SHOWN_EXAMPLES]}


def _examples(drops: Sequence[Dropped], names: Names | None) -> Iterator[Text]:
    for drop in drops[:SHOWN_EXAMPLES]:
        named = plain(drop.item_id) if names is None else names.title(drop.item_id)
        yield Text.assemble(named, (f"  {plain(drop.detail)}" if drop.detail else "", "bright_black"))
