"""A made-up marketplace of ready-made wide items: sizes of pools and frequencies of terms follow Zipf's law.

In: how many items and pools, a seed. Out: the same items, pools and people for the same seed. Pools are drawn at random
from all items, so a pool holds every kind of item: the worst case for recall inside it, where a real rule narrows.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_core.items import WideItem
from smallpool_core.normalise import top_category
from smallpool_core.users import Touched, TriggerState, Weighted

LARGEST_POOL = 10_000
POOLS_PER_ITEM = 10
HOUR_MS = 3_600_000


class Kinds(Struct, frozen=True):
    """How many distinct keys each kind of term has, and how many of them one item bears."""

    categories: int = 2_000
    brands: int = 5_000
    points: int = 50_000
    points_per_item: int = 5
    tags: int = 200
    tags_per_item: int = 2
    sellers: int = 200_000
    price_bands: int = 10
    cities: int = 300


class Marketplace:
    """`items` items in `pools` pools as of `now` (ms)."""

    def __init__(self, items: int, pools: int, seed: int, now: int, kinds: Kinds | None = None) -> None:
        self.items = items
        self.pools = pools
        self.now = now
        self._kinds = kinds or Kinds()
        self._seed = seed

    def item_id(self, number: int) -> str:
        """Twelve characters, as marketplaces have them."""
        return f"it{number:010d}"

    def number_of(self, item_id: str) -> int:
        """The number of the item with this id."""
        return int(item_id.removeprefix("it"))

    def pool_id(self, number: int) -> str:
        """Pools are numbered by size, the largest first."""
        return f"pool-{number:05d}"

    @cached_property
    def pool_sizes(self) -> NDArray[np.int64]:
        """(pools,) sizes by Zipf's law, cut at 10,000 and at half of all items, adding up to ten pools an item."""
        ranks = np.arange(1, self.pools + 1, dtype=np.float64)
        most, wanted = min(LARGEST_POOL, self.items // 2), self.items * POOLS_PER_ITEM
        low, high = 0.0, float(wanted) * self.pools
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if np.minimum(middle / ranks, most).sum() < wanted else (low, middle)
        return np.maximum(np.minimum(high / ranks, most), 1).astype(np.int64)

    @cached_property
    def _members(self) -> list[NDArray[np.int32]]:
        """Row numbers of each pool's items, distinct, in random order."""
        rng = np.random.default_rng((self._seed, 1))
        return [rng.choice(self.items, size, replace=False, shuffle=False).astype(np.int32) for size in self.pool_sizes.tolist()]

    def members(self, pool: int, count: int) -> list[str]:
        """Ids of the first `count` items of a pool."""
        return [self.item_id(number) for number in self._members[pool][:count].tolist()]

    def member_numbers(self, pool: int) -> NDArray[np.int32]:
        """Numbers of a pool's items, (n,), distinct, in random order."""
        return self._members[pool]

    def wide_items(self) -> Iterator[WideItem]:
        """Every item, by id."""
        pools_of, ends = self._pools_of_items()
        start = 0
        for first in range(0, self.items, 10_000):
            block = self._block(first, min(10_000, self.items - first))
            for offset in range(len(block["category"])):
                end = int(ends[first + offset])
                yield self._wide_item(first + offset, pools_of[start:end], block, offset)
                start = end

    def _pools_of_items(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Pools of all items one after another, and where each item's end."""
        flat = np.concatenate(self._members)
        numbers = np.repeat(np.arange(self.pools, dtype=np.int32), self.pool_sizes)
        pools_of = numbers[np.argsort(flat, kind="stable")]
        return pools_of, np.cumsum(np.bincount(flat, minlength=self.items))

    def _block(self, first: int, count: int) -> dict[str, list[int]]:
        kinds, rng = self._kinds, np.random.default_rng((self._seed, 2, first))
        return {
            "category": zipf(rng, kinds.categories, count).tolist(),
            "brand": zipf(rng, kinds.brands, count).tolist(),
            "points": zipf(rng, kinds.points, (count, kinds.points_per_item)).tolist(),
            "tags": zipf(rng, kinds.tags, (count, kinds.tags_per_item)).tolist(),
            "seller": zipf(rng, kinds.sellers, count).tolist(),
            "band": rng.integers(0, kinds.price_bands, count).tolist(),
            "city": zipf(rng, kinds.cities, count).tolist(),
            "price": np.exp(rng.normal(9.5, 1.4, count)).astype(np.int64).tolist(),
            "quality": rng.integers(200, 1000, count).tolist(),
            "age": rng.integers(0, 72 * HOUR_MS, count).tolist(),
        }

    def _wide_item(self, number: int, pools: NDArray[np.int32], block: dict[str, list[int]], at: int) -> WideItem:
        category, published = category_key(block["category"][at]), self.now - block["age"][at]
        tags = tuple(dict.fromkeys(f"tag{tag}" for tag in block["tags"][at]))  # type: ignore[attr-defined]
        points = tuple(dict.fromkeys(f"point{point}" for point in block["points"][at]))  # type: ignore[attr-defined]
        pool_ids = tuple(self.pool_id(pool) for pool in pools.tolist())
        brand, seller, city, band = f"brand{block['brand'][at]}", f"s{block['seller'][at]}", f"city{block['city'][at]}", block["band"][at]
        return WideItem(
            item_id=self.item_id(number),
            version=1,
            enrich=0,
            state="on_sale",
            seller_id=seller,
            city=city,
            brand=brand,
            sale="fixed",
            category=category,
            spread_key=category,
            tags=(*tags, *pool_ids),
            points=points,
            price_cents=block["price"][at],
            price_band=band,
            quality=block["quality"][at],
            seller_score=500,
            published_at=published,
            expires_at=self.now + 240 * HOUR_MS,
            pools=pool_ids,
            terms=(
                f"category:{category}",
                f"brand:{brand}",
                *(f"point:{point}" for point in points),
                *(f"tag:{tag}" for tag in tags),
                f"category:{category.partition('›')[0]}",
                f"seller:{seller}",
                f"price_band:{band}",
                f"city:{city}",
            ),
            static_score=block["quality"][at] * 511 // 1000,
        )

    def rule(self, pool: int) -> dict[str, str]:
        """The rule of a pool, of which every member's tags hold the proof."""
        return {"field": "tags", "op": "has", "value": self.pool_id(pool)}

    def requested_pools(self, count: int) -> list[int]:
        """Pools by Zipf's law over their sizes' order, so that the largest are asked most; cold ones come too."""
        return zipf(np.random.default_rng((self._seed, 3)), self.pools, count).tolist()  # type: ignore[no-any-return]

    def behaviour(self, person: int) -> TriggerState:
        """A person with a taste of 12 terms for long and 12 for now, of all kinds, by the same frequencies as the items', and with a score
        of items that they clicked in the last hour.
        """
        kinds, rng = self._kinds, np.random.default_rng((self._seed, 4, person))
        terms = [f"category:{category_key(number)}" for number in zipf(rng, kinds.categories, 6).tolist()]
        terms += [f"brand:brand{number}" for number in zipf(rng, kinds.brands, 5).tolist()]
        terms += [f"point:point{number}" for number in zipf(rng, kinds.points, 8).tolist()]
        terms += [f"tag:tag{number}" for number in zipf(rng, kinds.tags, 3).tolist()]
        terms += [f"seller:s{number}" for number in zipf(rng, kinds.sellers, 2).tolist()]
        weights = dict.fromkeys(rng.permutation(terms).tolist())
        half = len(weights) // 2
        short = {name: Weighted(float(rng.uniform(0.5, 6)), self.now - HOUR_MS) for name in list(weights)[:half]}
        long = {name: Weighted(float(rng.uniform(0.5, 30)), self.now - 48 * HOUR_MS) for name in list(weights)[half:]}
        places, tops = rng.integers(self.items, size=20).tolist(), zipf(rng, kinds.categories, 20).tolist()
        clicked = [
            Touched(self.item_id(place), "click", self.now - HOUR_MS, 100 * (top + 1), top_category(category_key(top)))
            for place, top in zip(places, tops, strict=True)
        ]
        return TriggerState(short=short, long=long, recent=clicked)


def zipf(rng: np.random.Generator, distinct: int, shape: int | tuple[int, int]) -> NDArray[np.int64]:
    """Numbers in [0, distinct) with probability proportional to 1 / (number + 1)."""
    cumulative = np.cumsum(1 / np.arange(1, distinct + 1))
    drawn: NDArray[np.int64] = np.searchsorted(cumulative, rng.random(shape) * cumulative[-1])
    return drawn


def category_key(number: int) -> str:
    """A path of two elements: 40 families."""
    return f"family{number % 40}›category{number}"
