"""Generated titles with the category of the thing that they were written for: what a shipped model may be trained on.

In: the knowledge base, a seed. Out: a `LabelSet` of distinct titles.
"""

import hashlib

from smallpool_core.normalise import path_key
from smallpool_models.labels.rows import LabelledTitle, LabelSet, set_of
from smallpool_models.listings import generate_listings
from smallpool_models.understanding.knowledge import KnowledgeBase

NAME = "generated listings"
_START_MS = 1_760_000_000_000


def generated_categories(knowledge: KnowledgeBase, *, count: int, seed: int) -> LabelSet:
    """So many listings, without those whose seller names no category, and of titles that come twice the first."""
    events = generate_listings(knowledge, count=count, seed=seed, start_ms=_START_MS)
    given = [event.given for event in events if event.given is not None]
    titles: dict[str, LabelledTitle] = {}
    for one in given:
        if one.category:
            titles.setdefault(one.title, LabelledTitle(one.title, (path_key(one.category),)))
    dropped = {"no category, or the same title again": len(given) - len(titles)}
    text = "\n".join(f"{one.labels[0]}\t{one.text}" for one in titles.values())
    return set_of(NAME, list(titles.values()), dropped, hashlib.sha256(text.encode()).hexdigest())
