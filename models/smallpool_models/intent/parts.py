"""Parts of a title as somebody might type them who looks for that very thing: what a net learns from where nobody told what was meant.

In: a title, a generator. Out: a short text out of it.
"""

import random
from typing import Final

SHORTEST: Final = 2
_LEAD: Final = 7
"""A title's first characters name the brand more often than not; half of the parts begin there."""


def part_of(title: str, rng: random.Random) -> str:
    """Its beginning and a run from elsewhere, or one or two runs from anywhere."""
    if rng.random() < 0.5:
        return f"{title[: rng.randint(4, _LEAD)]} {_run(title, rng, SHORTEST, 7)}"
    first = _run(title, rng, 3, 12)
    return f"{first} {_run(title, rng, SHORTEST, 6)}" if rng.random() < 0.5 else first


def _run(title: str, rng: random.Random, shortest: int, longest: int) -> str:
    size = rng.randint(shortest, longest)
    start = rng.randint(0, max(0, len(title) - size))
    return title[start : start + size]
