"""Writes titles and descriptions: fills the slots of a pattern with what fits a shelf.

In: a shelf and random numbers. Out: `Draft`, the words drawn for one listing, and its texts.
"""

import random
import re
from collections.abc import Mapping

from msgspec import Struct

from smallpool_models.listings.shelves import Shelf
from smallpool_models.understanding.knowledge import Brand, Series

_SLOT = re.compile(r"\{([a-z]+)\}")
_RANGE = re.compile(r"\{([0-9]+)\.\.([0-9]+)\}")
_ALIAS_SHARE = 0.25
"""How often a product or point is written in another form than its usual one."""
_SUFFIX_SHARE = 0.5
_TITLE_LENGTHS = (24, 40)
"""Between these the wanted length of a title is drawn, in characters."""
_FURTHER = ("product", "spec", "tag", "condition")
"""Slots besides the selling points with which a short title goes on."""
LONGEST_TITLE = 45
LONGEST_DESCRIPTION = 75


class Draft(Struct, frozen=True):
    """The words for one listing by slot (a slot without a word is missing), and the brand they speak of."""

    words: dict[str, str]
    brand: Brand | None


def draw(shelf: Shelf, rng: random.Random) -> Draft:
    """Words for one thing on the shelf, each slot drawn once so that title and description agree."""
    words: dict[str, str] = {}
    if shelf.products:
        product = rng.choice(shelf.products)
        words["product"] = product.name if rng.random() > _ALIAS_SHARE else rng.choice(product.surfaces).text
    for kind, entries in shelf.points.items():
        if entries:
            entry = rng.choice(entries)
            words[kind] = entry.name if rng.random() > _ALIAS_SHARE else rng.choice(entry.surfaces).text
    if shelf.specs:
        words["spec"] = _RANGE.sub(lambda match: str(rng.randint(int(match[1]), int(match[2]))), rng.choice(shelf.specs))
    words["tag"] = rng.choice(shelf.group.tags)
    if shelf.group.conditions:
        words["condition"] = rng.choice(shelf.group.conditions)
    brand = rng.choice(shelf.brands) if shelf.brands else None
    if brand is not None:
        words["brand"] = brand.display
        lines = shelf.series.get(brand.key, ())
        if lines:
            model = _model(rng.choice(lines), rng)
            words["model"] = model
            if model.casefold().startswith(brand.display.casefold()):
                words["brand"] = ""
    return Draft(words, brand)


def write_title(shelf: Shelf, draft: Draft, rng: random.Random) -> str:
    """One pattern of the group, filled, and lengthened by further points; too long, it ends at a space before the limit."""
    title = _fill(rng.choice(shelf.group.titles), draft.words)
    wanted = rng.randint(*_TITLE_LENGTHS)
    further = [draft.words[slot] for slot in (*shelf.points, *_FURTHER) if slot in draft.words]
    rng.shuffle(further)
    for word in further:
        if len(title) < wanted and word not in title:
            title = f"{title} {word}"
    if len(title) > LONGEST_TITLE:
        title = title[:LONGEST_TITLE].rpartition(" ")[0] or title[:LONGEST_TITLE]
    return title


def write_description(shelf: Shelf, draft: Draft, rng: random.Random) -> str:
    """Sentences of the group in random order, as many as fit."""
    text = ""
    for pattern in rng.sample(shelf.group.sentences, len(shelf.group.sentences)):
        if not all(draft.words.get(slot) for slot in _SLOT.findall(pattern)):
            continue
        sentence = _fill(pattern, draft.words)
        if len(text) + len(sentence) > LONGEST_DESCRIPTION:
            break
        text += sentence + "。"
    return text


def _fill(pattern: str, words: Mapping[str, str]) -> str:
    text = _SLOT.sub(lambda match: words.get(match[1], ""), pattern)
    text = text.replace("【】", "").replace("[]", "")
    return " ".join(text.split()).strip(" ,，的")


def _model(line: Series, rng: random.Random) -> str:
    number = ""
    if line.numbers and not (line.optional and rng.random() < 0.2):
        number = rng.choice(line.numbers)
    elif line.any_number:
        number = str(rng.randint(5, 99))
    suffix = rng.choice(line.suffixes) if line.suffixes and rng.random() < _SUFFIX_SHARE else ""
    return " ".join(part for part in (line.name, number, suffix) if part)
