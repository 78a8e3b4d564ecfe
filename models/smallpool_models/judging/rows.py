"""Whole listings out of titles: real titles come alone, and a listing has more than a title.

In: titles with or without a category, a seed. Out: `Given`s with a plausible price, some pictures, and the category that the title speaks
for where none is given; and what copies of them may be made of.
"""

import random
from collections.abc import Sequence

from msgspec.structs import replace

from smallpool_core.items import Given
from smallpool_models.judging.corruptions import Around
from smallpool_models.understanding.prices import Prices
from smallpool_models.understanding.understander import KnowledgeUnderstander

MOST_WORDS = 2_000
LEAST_WORD = 2
CITY = "杭州"


def listings_of(
    titles: Sequence[tuple[str, str | None]], understander: KnowledgeUnderstander, prices: Prices, rng: random.Random
) -> list[Given]:
    """One listing a title, whose price lies within one deviation and a half of what is usual for its category."""
    drafts = [
        Given(title, category=(category,) if category else (), image_count=rng.randint(1, 9), city=CITY) for title, category in titles
    ]
    made = []
    for draft, understood in zip(drafts, understander.understand(drafts), strict=True):
        path = understood.category if understood.category_source != "head_noun" else ()
        price = prices.cents(max(-1.5, min(1.5, rng.gauss(0, 0.7))), understood.category)
        made.append(replace(draft, category=path, price_cents=max(1, price)))
    return made


def around(listings: Sequence[Given], understander: KnowledgeUnderstander) -> Around:
    """The most frequent words of the listings, their titles and their categories."""
    counts: dict[str, int] = {}
    for given in listings:
        for word in understander.pieces(given.title):
            if len(word) >= LEAST_WORD and word.isalpha():
                counts[word] = counts.get(word, 0) + 1
    words = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    categories = sorted({given.category for given in listings if given.category})
    return Around(words, [given.title for given in listings], categories, understander.pieces)
