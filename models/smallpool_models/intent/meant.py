"""What is meant to find an item: words that people searched before they clicked it, and, where nobody did, words that it is known by.

In: parts of items, behaviour. Out: texts an item. The second is distant supervision: an item's brand, points and category find it, alone
and together, as the words of a query do.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from smallpool_core.encoder_ports import Parts
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.terms import key_of, kind_of
from smallpool_core.users import UserEvent

WORDED: Final = frozenset({"brand", "point", "tag"})
"""Kinds of terms whose keys are words that people type; a price band is none."""
FOLLOWED: Final = frozenset({"click", "favourite", "cart", "bid", "purchase"})
"""What somebody does with an item that a search found for them."""
AFTER_MS: Final = 600_000
"""Ten minutes after a search, what is clicked is no answer to it any more."""
MOST_WORDS: Final = 6
"""Words of an item that are put together."""


def meant_by(parts: Parts) -> tuple[str, ...]:
    """Texts that are meant to find an item of which nothing is known but its parts, each once."""
    levels = [name for name in parts.category.split(PATH_SEPARATOR) if name]
    brands = [key_of(one) for one in parts.terms if kind_of(one) == "brand"]
    words = [key_of(one) for one in parts.terms if kind_of(one) in WORDED and kind_of(one) != "brand"][:MOST_WORDS]
    leaf = levels[-1:]
    single = [*brands, *words, *levels]
    pairs = [f"{one} {other}" for one in (*brands, *words) for other in (*words, *leaf) if one != other]
    return tuple(dict.fromkeys((*single, *pairs)))


def searched_for(events: Iterable[UserEvent]) -> dict[str, tuple[str, ...]]:
    """Of each item the texts of searches after which it was clicked or more, by the same person, within ten minutes and before the next
    search. Events in the order of time.
    """
    last: dict[str, tuple[str, int]] = {}
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for event in events:
        person = event.identity.key
        if not person:
            continue
        if event.type == "search" and event.query:
            last[person] = (event.query, event.at)
        elif event.type in FOLLOWED and event.item_id and person in last:
            query, at = last[person]
            if event.at - at <= AFTER_MS:
                found[event.item_id][query] = None
    return {item_id: tuple(queries) for item_id, queries in found.items()}


def joined_words(parts: Parts) -> str:
    """The title of an item as a text, by its words; its terms and category where it has none."""
    return " ".join(parts.title_words) or " ".join((*map(key_of, parts.terms), *parts.category.split(PATH_SEPARATOR)))
