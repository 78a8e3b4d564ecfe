"""The rule builder: a form with a rule in it, what is wrong with it beside the field, and what it would hold.

In: the fields of a form. Out: a `Draft` for the templates; the rule as JSON where it is sound.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from smallpool_core.errors import Problem, RuleRefused
from smallpool_core.items import WideItem
from smallpool_core.pools import PoolDraft
from smallpool_core.rules import AllOf, Not, Rule, RuleWarning
from smallpool_service.console.desk import Visit
from smallpool_service.console.tree import ROOT, WHOLE, Node, Written, written
from smallpool_service.items import get_items
from smallpool_service.operators import Preview, drafted_rule, parse_rule, preview_rule

SAMPLE = 8
MOVED = 4


class Moved(Struct, frozen=True):
    """What a rule holds beyond another one: how many, and a few of them."""

    count: int
    items: list[WideItem]


class Seen(Struct, frozen=True):
    """What a rule would hold: the preview with whole items; what comes and what goes compared with the rule that is live."""

    preview: Preview
    items: list[WideItem]
    plus: Moved | None = None
    minus: Moved | None = None


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
                visit.words("value.at", path=problem.path, message=f"{problem.message} ({problem.found})")
            )


async def look(visit: Visit, draft: Draft, pool_id: str | None) -> None:
    """Asks what the draft would hold of the pool, with its lists, and what that changes of what it holds; None for a pool not there yet."""
    if draft.rule is None:
        return
    ports = visit.parts.recaller.ports
    rule = drafted_rule(ports.catalogue, pool_id, PoolDraft(rule=draft.json))
    live = None if pool_id is None else ports.catalogue.get(pool_id).rule
    preview = await preview_rule(ports, pool_id, rule, SAMPLE)
    items = await _whole(visit, [item.item_id for item in preview.items])
    plus = minus = None
    if live is not None and live != rule:
        plus = await _moved(visit, rule, live)
        minus = await _moved(visit, live, rule)
    draft.seen = Seen(preview, items, plus, minus)


def warned_of(preview: Preview) -> RuleWarning | None:
    """The warning for which the console asks before it saves: that the rule matches nothing, or everything."""
    return next((one for one in preview.warnings if one.path == "$" and one.code in {"matches_nothing", "matches_everything"}), None)


def focus_of(node_id: str) -> str:
    """The id of the input of a node; the outermost group has the button that adds to it."""
    return f"{node_id}-add" if node_id == ROOT else f"{node_id}-first"


async def _moved(visit: Visit, holds: Rule, holds_not: Rule) -> Moved:
    both = Rule.of(AllOf((holds.expression, Not(holds_not.expression))))
    count, item_ids = await visit.parts.recaller.ports.reader.preview(both, visit.parts.now(), MOVED)
    return Moved(count, await _whole(visit, item_ids))


async def _whole(visit: Visit, item_ids: Sequence[str]) -> list[WideItem]:
    found = await get_items(visit.parts.recaller.ports.reader, item_ids) if item_ids else {}
    return [found[item_id] for item_id in item_ids if item_id in found]
