"""Parts of a title as somebody might type them who looks for that very thing: what a net learns from where nobody told what was meant.

In: a title, a generator. Out: a short text out of it, and what is left of the title (the inverse cloze task of Lee, Chang and Toutanova,
2019): what shares no letter with a part tells more of what it means.
"""

import random
from typing import Final

SHORTEST: Final = 2
_LEAD: Final = 7
"""A title's first characters name the brand more often than not; half of the parts begin there."""


def part_of(title: str, rng: random.Random) -> tuple[str, str]:
    """Its beginning and a run from elsewhere, or one or two runs from anywhere; and the title without them."""
    if rng.random() < 0.5:
        runs = [(0, rng.randint(4, _LEAD)), _run(title, rng, SHORTEST, 7)]
    else:
        runs = [_run(title, rng, 3, 12)]
        if rng.random() < 0.5:
            runs.append(_run(title, rng, SHORTEST, 6))
    taken = {place for start, end in runs for place in range(start, end)}
    left = "".join(" " if place in taken else character for place, character in enumerate(title))
    return " ".join(title[start:end] for start, end in runs), left


def _run(title: str, rng: random.Random, shortest: int, longest: int) -> tuple[int, int]:
    size = rng.randint(shortest, longest)
    start = rng.randint(0, max(0, len(title) - size))
    return start, start + size
