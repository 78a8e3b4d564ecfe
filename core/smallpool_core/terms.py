"""Terms: what a wide item has and a trigger asks for, `(kind, key)` held as one string `kind:key`."""

from typing import Literal, get_args

from msgspec import Struct

from smallpool_core.normalise import normalise

TermKind = Literal["category", "tag", "brand", "point", "seller", "price_band", "city", "item"]
TERM_KINDS: tuple[str, ...] = get_args(TermKind)
MAX_TERMS_PER_ITEM = 32
"""A wide item keeps at most this many terms, in the order in which they are made."""

EXACT_KINDS = frozenset({"seller", "item"})


def term(kind: TermKind, key: str) -> str:
    """The term `(kind, key)` as it is stored and matched; ids stay exact, all else is normalised."""
    return f"{kind}:{key if kind in EXACT_KINDS else normalise(key)}"


def kind_of(term_text: str) -> str:
    """The kind of a stored term, `"brand:apple"` -> `"brand"`."""
    return term_text.partition(":")[0]


def key_of(term_text: str) -> str:
    """The key of a stored term, `"brand:apple"` -> `"apple"`."""
    return term_text.partition(":")[2]


class Trigger(Struct, frozen=True):
    """A weighted term of a person: what their behaviour asks for, as of `at` (ms)."""

    term: str
    weight: float
    at: int


MAX_TRIGGERS = 20


def integer_weights(triggers: list[Trigger]) -> dict[str, int]:
    """Weights of term recall: `max(1, round(1024 · weight / largest))` over at most 20 triggers.

    Integer weights make the sum exact in every adapter (below 2^24, so also in float32). Where a term comes
    twice the larger weight counts. Non-positive weights are left out.
    """
    best: dict[str, float] = {}
    for trigger in triggers:
        if trigger.weight > 0:
            best[trigger.term] = max(trigger.weight, best.get(trigger.term, 0.0))
    chosen = sorted(best.items(), key=lambda pair: (-pair[1], pair[0].encode()))[:MAX_TRIGGERS]
    if not chosen:
        return {}
    largest = chosen[0][1]
    return {name: max(1, round(1024 * weight / largest)) for name, weight in chosen}
