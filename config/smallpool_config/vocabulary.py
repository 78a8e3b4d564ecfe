"""What the rule builder of the console suggests, out of the knowledge base.

In: the knowledge base. Out: a `Vocabulary`; keys as rules hold them, with the names by which people know them.
"""

from collections.abc import Iterable

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding import KnowledgeBase
from smallpool_models.understanding.knowledge import GRADES
from smallpool_service.console.vocabulary import Suggestion, Vocabulary


def vocabulary_of(knowledge: KnowledgeBase) -> Vocabulary:
    """Categories with every ancestor, brands, tags, cities, grades and selling points."""
    paths = {category.path[:depth] for category in knowledge.categories.values() for depth in range(1, len(category.path) + 1)}
    points = {entry.name for entries in (knowledge.products, *knowledge.points.values()) for entry in entries}
    return Vocabulary(
        knowledge.attributes,
        {
            "category": _plain(f" {PATH_SEPARATOR} ".join(path) for path in sorted(paths)),
            "brand": tuple(Suggestion(brand.key, brand.display) for brand in sorted(knowledge.brands, key=lambda brand: brand.key)),
            "tags": _plain(sorted({meaning.meaning for meaning in knowledge.tags})),
            "points": _plain(sorted(points)),
            "city": _plain(knowledge.cities),
            "condition": _plain(GRADES),
        },
    )


def _plain(values: Iterable[str]) -> tuple[Suggestion, ...]:
    return tuple(Suggestion(value) for value in values)
