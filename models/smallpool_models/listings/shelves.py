"""What may be said of things of one category: the products, brands, models, points and specs that fit it.

In: the knowledge base. Out: one `Shelf` a category, with its share of all listings.
"""

import random
from collections.abc import Sequence
from itertools import accumulate

from msgspec import Struct

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.knowledge import Brand, Category, Entry, KnowledgeBase, ListingGroup, Series
from smallpool_models.understanding.readers import category_key


class Shelf(Struct, frozen=True):
    """One category and all that fits it. `weight` is its share of the listings, all shelves summing to 1."""

    key: str
    category: Category
    group: ListingGroup
    weight: float
    products: tuple[Entry, ...]
    brands: tuple[Brand, ...]
    series: dict[str, tuple[Series, ...]]
    points: dict[str, tuple[Entry, ...]]
    specs: tuple[str, ...]


def make_shelves(knowledge: KnowledgeBase, rng: random.Random) -> tuple[Shelf, ...]:
    """Shelves in the order of the categories; within a group popularity falls as 1/(3 + rank), the ranks drawn by `rng`."""
    groups = {top: group for group in knowledge.listings.groups for top in group.tops}
    specs = {category_key(written): texts for written, texts in knowledge.listings.specs.items()}
    weights = _weights(knowledge, groups, rng)
    shelves = []
    for key, category in knowledge.categories.items():
        colourful = category.path[0] in knowledge.listings.colourful
        shelf = Shelf(
            key=key,
            category=category,
            group=groups[category.path[0]],
            weight=weights[key],
            products=tuple(product for product in knowledge.products if product.categories[0] == key),
            brands=tuple(brand for brand in knowledge.brands if key in brand.categories),
            series=_series(knowledge, key),
            points={kind: _fitting(entries, key, anywhere=colourful) for kind, entries in knowledge.points.items()},
            specs=_specs(specs, key),
        )
        shelves.append(shelf)
    return tuple(shelves)


def _weights(knowledge: KnowledgeBase, groups: dict[str, ListingGroup], rng: random.Random) -> dict[str, float]:
    weights: dict[str, float] = {}
    shares = sum(group.share for group in knowledge.listings.groups)
    for group in knowledge.listings.groups:
        members = [key for key, category in knowledge.categories.items() if groups[category.path[0]] is group]
        rng.shuffle(members)
        falling = [1 / (3 + rank) for rank in range(len(members))]
        weights.update({key: group.share / shares * value / sum(falling) for key, value in zip(members, falling, strict=True)})
    return weights


def _series(knowledge: KnowledgeBase, key: str) -> dict[str, tuple[Series, ...]]:
    here = [line for line in knowledge.series if line.category == key]
    return {brand: tuple(line for line in here if line.brand == brand) for brand in dict.fromkeys(line.brand for line in here)}


def _fitting(entries: Sequence[Entry], key: str, *, anywhere: bool) -> tuple[Entry, ...]:
    """Entries of the category, and those of no category where these are welcome."""
    return tuple(entry for entry in entries if key in entry.categories or (anywhere and not entry.categories))


def _specs(specs: dict[str, tuple[str, ...]], key: str) -> tuple[str, ...]:
    prefixes = accumulate(key.split(PATH_SEPARATOR), lambda head, tail: f"{head}{PATH_SEPARATOR}{tail}")
    return next((specs[prefix] for prefix in reversed(list(prefixes)) if prefix in specs), ())
