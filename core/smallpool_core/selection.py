"""What an operator puts into a pool or keeps out of it by hand, beside its rule.

In: a pool's own rule and its lists. Out: the *effective rule*, which is the one answer to the question what a pool holds; or every mistake
in the lists.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.errors import Problem, RuleRefused
from smallpool_core.fields import Attributes
from smallpool_core.messages import problem
from smallpool_core.plain_text import text_problem
from smallpool_core.row_reader import MAX_ID
from smallpool_core.rules import AllOf, AnyOf, Expression, Not, Rule, parse_rule
from smallpool_core.rules.expression import NOTHING
from smallpool_core.rules.values import SplitWords, shown


class Selection(Struct, frozen=True, forbid_unknown_fields=True):
    """Lists of one pool: items that it holds whatever its rule says, and items, sellers and words of titles that it never holds."""

    include: tuple[str, ...] = ()
    ban_items: tuple[str, ...] = ()
    ban_sellers: tuple[str, ...] = ()
    ban_words: tuple[str, ...] = ()


MAX_LISTED: Final = {"include": 1_000, "ban_items": 10_000, "ban_sellers": 10_000, "ban_words": 200}
"""Most entries of each list."""
MAX_PINS: Final = 50
"""Most pinned items of a pool."""
_LEAVES: Final = {
    "include": ("item_id", "in"),
    "ban_items": ("item_id", "in"),
    "ban_sellers": ("seller_id", "in"),
    "ban_words": ("title_words", "contains_any"),
}
_BANS: Final = ("ban_items", "ban_sellers", "ban_words")


def effective_rule(rule: Rule, selection: Selection, attributes: Attributes) -> Rule:
    """The pool's own rule or an included item, and nothing that is banned.

    Conditions of an outermost `all` keep their places, and the bans come after them; with an include list the own rule is the first
    part of an `any`, unless it holds nothing. Without lists it is the own rule itself. Raises RuleRefused for a list that cannot be read.
    """
    if selection == Selection():
        return rule
    holds = rule.expression
    if selection.include:
        included = _leaf("include", selection.include, attributes, None)
        holds = included if holds == NOTHING else AnyOf((holds, included))
    banned = [Not(_leaf(name, listed, attributes, None)) for name in _BANS if (listed := getattr(selection, name))]
    if not banned:
        return Rule.of(holds)
    return Rule.of(AllOf((*(holds.parts if isinstance(holds, AllOf) else (holds,)), *banned)))


def without(rule: Rule, banned: Rule) -> Rule:
    """The rule, less what another one holds."""
    return rule if banned.expression == NOTHING else Rule.of(AllOf((rule.expression, Not(banned.expression))))


def check_selection(selection: Selection, attributes: Attributes, split_words: SplitWords | None) -> list[Problem]:
    """Every mistake of the lists; none where they are sound."""
    problems: list[Problem] = []
    for name, most in MAX_LISTED.items():
        path, listed = f"selection.{name}", getattr(selection, name)
        if len(listed) > most:
            problems.append(problem(path, shown(listed), "pool.listed", most=f"{most:,}"))
        elif name == "ban_words":
            problems += _word_problems(path, listed, attributes, split_words)
        else:
            problems += id_problems(path, listed)
    return problems


def id_problems(path: str, ids: Sequence[str]) -> list[Problem]:
    """Ids of a list that nothing can have; one that nothing has yet is allowed, since the item may come later."""
    found = ((f"{path}[{place}]", one, text_problem(one, MAX_ID)) for place, one in enumerate(ids))
    return [Problem(place, shown(one), message) for place, one, message in found if message is not None]


def _word_problems(path: str, words: Sequence[str], attributes: Attributes, split_words: SplitWords | None) -> list[Problem]:
    try:
        if words:
            _leaf("ban_words", words, attributes, split_words)
    except RuleRefused as error:
        return [replace(one, path=one.path.replace("$.value", path, 1)) for one in error.problems]
    return []


def _leaf(name: str, values: Sequence[str], attributes: Attributes, split_words: SplitWords | None) -> Expression:
    """The condition that a list is."""
    field, op = _LEAVES[name]
    return parse_rule({"field": field, "op": op, "value": list(values)}, attributes, split_words=split_words).expression
