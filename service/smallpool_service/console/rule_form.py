"""The rule builder: a form with a rule in it, what is wrong with it beside the field, and what it would hold.

In: the fields of a form. Out: a `Draft` for the templates; the rule as JSON where it is sound.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from smallpool_core.errors import Problem, Refused, RuleRefused
from smallpool_core.pools import PoolDraft
from smallpool_core.rules import Rule, RuleWarning
from smallpool_service.console.desk import Visit
from smallpool_service.console.matched import Card, in_one_line, kept_out, let_in
from smallpool_service.console.tree import ROOT, WHOLE, Node, Written, written
from smallpool_service.items import get_items
from smallpool_service.operators import Preview, drafted_rule, parse_rule
from smallpool_service.previews import RulePreview, Wanted, preview

SAMPLE = 8
MOVED = 4
PATIENCE_MS = 4_000
"""While somebody types, a part that is not done by then is named instead of shown."""


class Excluded(Struct, frozen=True):
    """One condition as people read it, and how many items it keeps out: `alone`, those that all other conditions let in."""

    text: str
    alone: int
    excluded: int


class Seen(Struct, frozen=True):
    """What a rule would do: the preview with cards for its items, and its conditions in words."""

    preview: RulePreview
    some: list[Card]
    plus: list[Card]
    minus: list[Card]
    excluded_by: list[Excluded]


class Draft(Struct):
    """A rule under way. `rule` is None while something is wrong with it; `blank` counts conditions without a value."""

    root: Node
    rule: Rule | None
    json: dict[str, Any]
    blank: int
    seen: Seen | None = None


def drafted(visit: Visit, root: Node, *, skip_blank: bool) -> Draft:
    """The draft that a tree is, each mistake at its node."""
    made = written(root, visit.desk.vocabulary, skip_blank=skip_blank)
    rule: Rule | None = None
    problems: Sequence[Problem] = ()
    try:
        rule = parse_rule(visit.parts.recaller.ports.catalogue, made.rule)
    except RuleRefused as error:
        problems = error.problems
    mark(visit, made, problems)
    blank = sum(node.is_blank for node in root.walk())
    return Draft(root, None if made.untyped else rule, made.rule, blank)


def mark(visit: Visit, made: Written, problems: Sequence[Problem]) -> None:
    """Puts every mistake at its node, with the path that the API gives; what could not be read at all is said in plain words."""
    unread = {path for path, _ in made.untyped}
    for path, key in made.untyped:
        made.node_at(path).errors.append(visit.words("value.at", path=path, message=visit.words(key)))
    for problem in problems:
        if problem.path.startswith(WHOLE) and not any(problem.path.startswith(path) or path.startswith(problem.path) for path in unread):
            made.node_at(problem.path).errors.append(
                visit.words("value.at", path=problem.path, message=f"{visit.words.said(problem)} ({problem.found})")
            )


async def look(visit: Visit, draft: Draft, against: str | None) -> None:
    """Asks what the draft would do with the lists of the pool `against`, where there is one, and what that changes of it; what it gives
    people is left out.
    """
    rule = effective_of(visit, draft, against)
    if rule is None:
        return
    recaller, now = visit.parts.recaller, visit.parts.now()
    found = await preview(recaller, Wanted(rule=rule, against=against, sample=SAMPLE, people=0, until=now + PATIENCE_MS))
    plus, minus = (side.items[:MOVED] if side is not None else [] for side in (found.plus, found.minus))
    shown = [item.item_id for item in (*found.items, *plus, *minus)]
    items = await get_items(recaller.ports.reader, shown) if shown else {}
    some, came, went = ([items[one.item_id] for one in side if one.item_id in items] for side in (found.items, plus, minus))
    t = visit.words
    excluded_by = [Excluded(in_one_line(t, one.condition), one.alone, one.excluded) for one in found.excluded_by or ()]
    draft.seen = Seen(found, let_in(t, rule, some, now), let_in(t, rule, came, now), kept_out(t, rule, went, now), excluded_by)


def effective_of(visit: Visit, draft: Draft, against: str | None) -> Rule | None:
    """What the pool `against`, or a new one, would hold by the draft; None while it could not be saved."""
    if draft.rule is None:
        return None
    try:
        return drafted_rule(visit.parts.recaller.ports.catalogue, against, PoolDraft(rule=draft.json))
    except Refused:
        return None  # said beside the field when it is saved


def warned_of(preview: Preview) -> RuleWarning | None:
    """The warning for which the console asks before it saves: that the rule matches nothing, or everything."""
    return next((one for one in preview.warnings if one.path == "$" and one.code in {"matches_nothing", "matches_everything"}), None)


def focus_of(node_id: str) -> str:
    """The id of the input of a node; the outermost group has the button that adds to it."""
    return f"{node_id}-add" if node_id == ROOT else f"{node_id}-first"
