"""Tags and condition: phrases of the trade, each with a meaning of its own in the knowledge base.

In: the words heard in title and description. Out: tags in order, each once; the grade of wear.
"""

from collections.abc import Iterable

from smallpool_models.understanding.points import Heard


def tags_of(heard: Iterable[Heard]) -> tuple[str, ...]:
    """The tags that the words give, in order of appearance; one word may give a tag and be something else too."""
    tags = (reading.key for word in heard for reading in word.readings if reading.kind == "tag")
    return tuple(dict.fromkeys(tags))


def condition_of(heard: Iterable[Heard]) -> str | None:
    """The first grade of wear that is named; pass the title's words before the description's."""
    grades = (reading.key for word in heard for reading in word.readings if reading.kind == "condition")
    return next(grades, None)
