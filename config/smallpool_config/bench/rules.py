"""Made-up rules over real listings: what a marketplace with many pools asks of the rule index.

In: understood items to take values from, a seed. Out: rules of 2 to 8 leaves, each made around one of the items: leaves that
hold for it are added until no other item of a sample is left, so that an item ends in some ten of ten thousand pools. A fifth
of the rules has no equality, a twentieth only negatives.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from smallpool_core.fields import Attributes
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.rules import compiled, parse_rule

NO_EQUALITY = 0.20
NEGATIVE_ONLY = 0.05
SAMPLE = 400
FEWEST, MOST = 2, 8
Leaf = dict[str, Any]


def made_up_rules(items: Sequence[WideItem], count: int, seed: int, attributes: Attributes) -> list[dict[str, Any]]:
    """`count` rules, each an `all` of 2 to 8 leaves, one in three of them with one leaf in an `any` of two."""
    random = Random(seed)  # noqa: S311, it makes load and guards nothing
    sample = random.sample(items, min(SAMPLE, len(items)))
    return [_rule(random, random.choice(items), sample, attributes) for _ in range(count)]


def _rule(random: Random, item: WideItem, sample: Sequence[WideItem], attributes: Attributes) -> dict[str, Any]:
    kind = random.random()
    if kind < NEGATIVE_ONLY:
        leaves = _negatives(random, item)
    elif kind < NO_EQUALITY:
        leaves = _ranges(random, item)
    else:
        leaves = _equalities(random, item)
        random.shuffle(leaves)
        leaves = [*leaves[:3], *_ranges(random, item), *leaves[3:]]
    return {"all": _narrowed(random, leaves[:MOST], sample, attributes)}


def _narrowed(random: Random, leaves: list[Leaf], sample: Sequence[WideItem], attributes: Attributes) -> list[Leaf]:
    """The first leaves, as many as leave at most one item of the sample."""
    left: Sequence[WideItem] = sample
    for taken, leaf in enumerate(leaves, 1):
        holds = compiled(parse_rule(leaf, attributes))
        left = [item for item in left if holds(item, 0)]
        if len(left) <= 1 and taken >= FEWEST:
            leaves = leaves[:taken]
            break
    if len(leaves) > FEWEST and random.random() < 1 / 3:
        other = {"field": "city", "op": "eq", "value": f"city {random.randint(1, 1000)}"}
        leaves = [*leaves[:-1], {"any": [leaves[-1], other]}]
    return leaves


def _equalities(random: Random, item: WideItem) -> list[Leaf]:
    leaves: list[Leaf] = [{"field": "category", "op": "prefix", "value": item.category.split(PATH_SEPARATOR)}]
    leaves += [{"field": name, "op": "eq", "value": value} for name in ("brand", "city", "condition") if (value := getattr(item, name))]
    leaves += [{"field": "points", "op": "has", "value": point} for point in item.points[:3]]
    if item.title_words:
        leaves.append({"field": "title_words", "op": "contains_any", "value": [random.choice(item.title_words)]})
    return leaves


def _ranges(random: Random, item: WideItem) -> list[Leaf]:
    """Narrowing in this order; bounds lie near the item's values."""
    price, quality, images = item.price_cents or 0, item.quality or 0, item.image_count or 0
    return [
        {"field": "price_cents", "op": "between", "value": [int(price * random.uniform(0.8, 1)), int(price * random.uniform(1, 1.3)) + 1]},
        {"field": "quality", "op": "between", "value": [max(0, quality - random.randint(0, 40)) / 1000, min(1000, quality + 20) / 1000]},
        {"field": "image_count", "op": "gte", "value": images},
        {"field": "image_count", "op": "lte", "value": images},
        {"field": "quality", "op": "between", "value": [quality / 1000, min(1000, quality + 3) / 1000]},
        {"field": "price_cents", "op": "lte", "value": price + 1},
        {"field": "price_cents", "op": "gte", "value": price},
    ]


def _negatives(random: Random, item: WideItem) -> list[Leaf]:
    price, quality, images = item.price_cents or 0, item.quality or 0, item.image_count or 0
    bounds: list[Leaf] = [
        {"field": "price_cents", "op": "lt", "value": int(price * random.uniform(0.9, 1))},
        {"field": "price_cents", "op": "gt", "value": int(price * random.uniform(1, 1.1)) + 1},
        {"field": "quality", "op": "lt", "value": max(0, quality - 10) / 1000},
        {"field": "quality", "op": "gt", "value": min(1000, quality + 10) / 1000},
        {"field": "image_count", "op": "gt", "value": images},
        {"field": "image_count", "op": "lt", "value": images},
        {"field": "sale", "op": "in", "value": [sale for sale in ("fixed", "auction", "free", "live") if sale != item.sale]},
        {"field": "city", "op": "eq", "value": "city that nobody lives in"},
    ]
    return [{"not": leaf} for leaf in bounds]
