"""The sources of candidates by name: what share of the wanted candidates each is asked for, and which go first when time is short.

In: shares as settings or a pool give them. Out: the share of each source; every mistake.
"""

from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import Final, Literal

from smallpool_core.errors import Problem
from smallpool_core.messages import problem

SourceName = Literal["terms", "vectors", "latent", "x2i", "x2i_pool", "popular", "newest", "explore"]
DEFAULT_SHARES: Final[Mapping[SourceName, float]] = MappingProxyType(
    {"terms": 1.0, "vectors": 0.0, "latent": 0.0, "x2i": 0.5, "x2i_pool": 0.5, "popular": 0.25, "newest": 0.25, "explore": 0.05}
)
"""Of the candidates that a page wants; 0 is off. Those of `explore` and `latent` are also the shares of a page's places that they are sure
of; `latent` has twice its share for somebody whose last items are all of one kind. The sources that go by vectors wait for whoever wants
them: they cost a page nearly as much computing again as all else (design, section 9).
"""
DEFAULT_TIMES: Final[Mapping[SourceName, float]] = MappingProxyType(
    {"terms": 1.0, "vectors": 0.7, "latent": 0.7, "x2i": 0.7, "x2i_pool": 0.7, "popular": 0.9, "newest": 1.0, "explore": 0.6}
)
"""Of the time that the sources have, side by side: what a page can best go without is given up first."""
SHED_ORDER: Final = (("explore",), ("vectors", "latent"), ("x2i", "x2i_pool"), ("popular",))
"""What a page goes without when time is short, first to last. `terms` and `newest` are asked in any case: what a person asks for, and what
there is for somebody who asked for nothing.
"""


def share_problems(path: str, shares: Mapping[str, float]) -> list[Problem]:
    """What is wrong with shares by source: a name that no source has, or a number outside [0, 1]."""
    problems = []
    for name, share in shares.items():
        place = f"{path}.{name}"
        if name not in DEFAULT_SHARES:
            problems.append(problem(place, repr(share), "pool.source", names=", ".join(DEFAULT_SHARES)))
        elif not isfinite(share) or not 0 <= share <= 1:
            problems.append(problem(place, repr(share), "pool.share"))
    return problems
