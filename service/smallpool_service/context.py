"""The context of one request: where, when and by which words somebody asks, as triggers of this request alone.

In: a city, an hour of the day, a query text. Out: weighted terms beside those of the person. The words of a query are read by the
understander, as those of a search event are, and become terms: whatever they are, no store ever sees them as anything else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from smallpool_core.behaviour import BehaviourSettings, term_shares
from smallpool_core.errors import Problem
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import MAX_NAME
from smallpool_core.row_reader import shown
from smallpool_core.terms import MAX_TRIGGERS, Trigger, term

ReadQuery = Callable[[str], tuple[str, ...]]
"""The terms that the words of a query stand for."""
HOURS: Final = range(24)


class Context(Struct, frozen=True, omit_defaults=True):
    """What is not known is left out. `city` and `query` are triggers; `hour` (0 to 23, of the place where it is shown) is none: it is kept
    with what was served, for whoever learns from that.
    """

    city: str | None = None
    hour: int | None = None
    query: str | None = None


NOT_KNOWN: Final = Context()


def reads_nothing(_: str) -> tuple[str, ...]:
    """The reader of queries where there is none."""
    return ()


def context_problems(context: Context) -> list[Problem]:
    """Every limit that it breaks."""
    texts = {"context.city": context.city, "context.query": context.query}
    problems = [
        Problem(path, shown(text), f"{problem}; leave it out if there is none")
        for path, text in texts.items()
        if text is not None and (problem := text_problem(text, MAX_NAME)) is not None
    ]
    if context.hour is not None and context.hour not in HOURS:
        problems.append(Problem("context.hour", str(context.hour), "a whole number from 0 to 23 is allowed"))
    return problems


def context_shares(
    context: Context, asked: Sequence[str], behaviour: BehaviourSettings, query_share: float, city_share: float
) -> dict[str, float]:
    """What each term of the context weighs, as a share of the person's heaviest trigger: `query_share` for the weightiest term of the
    query (`asked`), the others beside it as in a search event; `city_share` for the city.
    """
    of_query = term_shares(asked, behaviour)
    scale = query_share / max(of_query.values(), default=1.0)
    shares = {name: scale * share for name, share in of_query.items()}
    if context.city is not None:
        shares.setdefault(term("city", context.city), city_share)
    return {name: share for name, share in shares.items() if share > 0}


def with_context(triggers: Sequence[Trigger], shares: Mapping[str, float], now: int) -> list[Trigger]:
    """The triggers of the person and those of the context, which always have their place among the 20 that are asked."""
    heaviest = max((trigger.weight for trigger in triggers), default=1.0)
    of_context = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0].encode()))[:MAX_TRIGGERS]
    others = [trigger for trigger in triggers if trigger.weight > 0 and trigger.term not in shares]
    others.sort(key=lambda trigger: (-trigger.weight, trigger.term.encode()))
    own = {trigger.term: trigger.weight for trigger in triggers}
    asked = [Trigger(name, max(share * heaviest, own.get(name, 0.0)), now) for name, share in of_context]
    return asked + others[: MAX_TRIGGERS - len(asked)]
