"""Words with the category that each speaks for, as the knowledge base and the word lists beside it have them.

In: a knowledge base and its folder with `fields.toml` and `piles.toml`. Out: pairs of a word and a category key, from which a quality model
that sees no real title learns which words go together.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from smallpool_core.errors import KnowledgeRefused, Problem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.ner.piles import family_words
from smallpool_models.understanding import KnowledgeBase

FILE = "fields.toml"


def taught_words(knowledge: KnowledgeBase, folder: Path) -> list[tuple[str, str]]:
    """Products under their usual category, brands and points under each of theirs, the words of families and fields under their tops.

    Raises `KnowledgeRefused` where a file is of another form or names a top that no category has.
    """
    tops = {key.split(PATH_SEPARATOR)[0] for key in knowledge.categories}
    listed = [*family_words(folder), *_field_words(folder / FILE)]
    unknown = sorted({top for _, top in listed} - tops)
    if unknown:
        raise KnowledgeRefused([Problem(str(folder), ", ".join(unknown), f"the tops of categories are {', '.join(sorted(tops))}")])
    return [*_of_entries(knowledge), *listed]


def _of_entries(knowledge: KnowledgeBase) -> Iterator[tuple[str, str]]:
    for product in knowledge.products:
        yield from ((surface.text, product.categories[0]) for surface in product.surfaces)
    for brand in knowledge.brands:
        for category in brand.categories:
            yield brand.display, category
            yield from ((surface.text, category) for surface in brand.surfaces)
    for entries in knowledge.points.values():
        for entry in entries:
            yield from ((surface.text, category) for category in entry.categories for surface in entry.surfaces)


def _field_words(path: Path) -> Iterator[tuple[str, str]]:
    try:
        fields = msgspec.toml.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KnowledgeRefused([Problem(str(path), str(error), "each top category has a string of words; see the shipped file")]) from error
    for top, words in fields.items():
        yield from ((word, top) for word in words.split())
