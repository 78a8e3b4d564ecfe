"""Small pools drawn from real items: by category, at random, and of what is newest.

In: the items of a site, a size, a seed. Out: pools; the same for the same arguments.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from msgspec import Struct

from smallpool_models.evaluation.sessions import Session, Site

Kind = Literal["categories", "random", "newest"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class DrawnPool(Struct, frozen=True):
    """`item_ids` in the order in which they were drawn; `share` of the site's items."""

    pool_id: str
    kind: Kind
    item_ids: tuple[str, ...]
    share: float


def draw_pools(site: Site, kind: Kind, size: int, count: int, seed: int) -> list[DrawnPool]:
    """`count` pools of at most `size` items; of the newest there is one.

    By category: whole categories in random order, the last one cut where the pool is full. Newest: by first appearance in training,
    latest first; what never appeared there is newest of all, in random order.
    """
    return [
        DrawnPool(f"{kind}-{size}-{number}", kind, tuple(item_ids), len(item_ids) / len(site.items))
        for number in range(1 if kind == "newest" else count)
        for item_ids in [_drawn(site, kind, random.Random(f"{seed}/{kind}/{size}/{number}"))[:size]]  # noqa: S311, seeded draws
    ]


def _drawn(site: Site, kind: Kind, rng: random.Random) -> list[str]:
    """All items of the site in the order in which they go into the pool."""
    shuffled = rng.sample(sorted(site.items), len(site.items))
    if kind == "random":
        return shuffled
    if kind == "newest":
        first = site.first_seen
        return sorted(shuffled, key=lambda item_id: -first[item_id])
    return [item_id for members in _by_category(site, shuffled).values() for item_id in members]


def _by_category(site: Site, shuffled: Sequence[str]) -> Mapping[tuple[str, ...], list[str]]:
    """Items by category; categories come in the order of their first item in a random order of all, so large ones come early."""
    members: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for item_id in shuffled:
        members[site.items[item_id].category].append(item_id)
    return members


def sampled_sessions(sessions: Sequence[Session], pool: DrawnPool, most: int, seed: int) -> list[Session]:
    """At most `most` sessions whose target is in the pool, drawn without replacement, in the order in which they came."""
    inside = frozenset(pool.item_ids)
    counting = [place for place, session in enumerate(sessions) if session.target in inside]
    rng = random.Random(f"{seed}/{pool.pool_id}")  # noqa: S311, seeded draws
    return [sessions[place] for place in sorted(rng.sample(counting, min(most, len(counting))))]
