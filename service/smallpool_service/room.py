"""How much room a page has: the caps per spread key and per seller, and the quotas by kind, counted over the whole page.

In: what stands on the page, candidates best first. Out: those that are offered to the claim, and the rest.

The claim itself counts spread keys alone, atomically; sellers and kinds it does not know. They hold all the same over rounds and refills:
a round is offered only what fits beside the page with *everything* else of that offer, so whatever part of it the claim takes fits too, and
a round applies only to the page that was counted (its number says so), else it is counted anew.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from smallpool_core.catalogue import KnownPool
from smallpool_core.pages import Hit
from smallpool_core.quotas import Quota
from smallpool_service.candidates import Scored
from smallpool_service.spread import cut_key

Full = Literal["category_cap", "seller_cap", "quota"]


class Limits(Struct, frozen=True):
    """What a page of `size` may hold: `cap` of a spread key, which is cut to `level`, `per_seller` of a seller, and its quotas."""

    size: int
    cap: int
    level: int | None = None
    per_seller: int | None = None
    quotas: tuple[Quota, ...] = ()

    @classmethod
    def of(cls, known: KnownPool, size: int) -> "Limits":
        """Those of a pool."""
        settings = known.pool.settings
        return cls(size, settings.max_per_category, settings.spread_level, settings.max_per_seller, known.pool.ordering.quotas)

    @property
    def count_more_than_keys(self) -> bool:
        """Whether the spread keys of a page do not say by themselves what it has room for."""
        return self.per_seller is not None or bool(self.quotas)


class Placed(Struct, frozen=True, gc=False):
    """What an item counts as on a page: its spread key as the pool cuts it, its seller, and the quotas that count it."""

    spread_key: str
    seller_id: str | None = None
    kinds: tuple[int, ...] = ()


def placed(hit: Hit, level: int | None, kinds: tuple[int, ...] = ()) -> Placed:
    """What a candidate would count as."""
    return Placed(cut_key(hit.spread_key, level), hit.seller_id, kinds)


class Room:
    """Counts what stands on a page, and what is about to."""

    def __init__(self, limits: Limits, page: Iterable[Placed]) -> None:
        self._limits = limits
        self._more = limits.count_more_than_keys
        self._keys: dict[str, int] = {}
        self._sellers: Counter[str] = Counter()
        self._kinds: Counter[int] = Counter()
        self.seats = limits.size
        for one in page:
            self.take(one)

    def take(self, one: Placed) -> None:
        """One more."""
        self.seats -= 1
        self._keys[one.spread_key] = self._keys.get(one.spread_key, 0) + 1
        if not self._more:
            return
        if one.seller_id is not None:
            self._sellers[one.seller_id] += 1
        for kind in one.kinds:
            self._kinds[kind] += 1

    def full(self, one: Placed) -> Full | None:
        """What there is no room of for one more like this, None where there is."""
        limits = self._limits
        if self._keys.get(one.spread_key, 0) >= limits.cap:
            return "category_cap"
        if not self._more:
            return None
        if limits.per_seller is not None and one.seller_id is not None and self._sellers[one.seller_id] >= limits.per_seller:
            return "seller_cap"
        for kind in one.kinds:
            most = limits.quotas[kind].at_most
            if most is not None and self._kinds[kind] >= most:
                return "quota"
        return None

    def keeps_seats_from(self, one: Placed) -> bool:
        """Whether the seats left are all kept for kinds of which the page should have more, and this is none of them."""
        missing = {kind: least - self._kinds[kind] for kind, quota in enumerate(self._limits.quotas) if (least := quota.at_least)}
        wanted = sum(count for count in missing.values() if count > 0)
        helps = sum(missing.get(kind, 0) > 0 for kind in one.kinds)
        return wanted > 0 and not helps and self.seats <= wanted

    def full_sellers(self) -> frozenset[str]:
        """Sellers of whom the page has as many as it may have."""
        most = self._limits.per_seller
        return frozenset() if most is None else frozenset(seller for seller, count in self._sellers.items() if count >= most)


def offer(ranked: Sequence[Scored], page: Iterable[Placed], limits: Limits, most: int) -> tuple[list[Scored], Sequence[Scored]]:
    """Splits off at most `most` candidates for which a page has room, best first; the rest waits.

    The first of them, as many as there are seats, hold the least of each quota as far as there are candidates for it: seats are kept for
    the best of these, from what ranks lower otherwise.
    """
    room = Room(limits, page)
    offered: list[Scored] = []
    passed: list[int] = []
    kept_from: list[int] = []
    has_least = any(quota.at_least for quota in limits.quotas)
    place = 0
    while place < len(ranked) and (room.seats > 0 or not kept_from) and len(offered) < most:
        one = placed(ranked[place].candidate.hit, limits.level, ranked[place].kinds)
        if room.full(one) is not None:
            passed.append(place)
        elif has_least and room.seats > 0 and room.keeps_seats_from(one):
            kept_from.append(place)
        else:
            room.take(one)
            offered.append(ranked[place])
        place += 1
    for later in kept_from:
        one = placed(ranked[later].candidate.hit, limits.level, ranked[later].kinds)
        if len(offered) < most and room.full(one) is None:
            room.take(one)
            offered.append(ranked[later])
        else:
            passed.append(later)
    if not passed:
        return offered, ranked[place:]
    return offered, [ranked[one] for one in sorted(passed)] + list(ranked[place:])
