"""What of a listing is embedded, the same whether a model is trained or serves.

In: a wide item, without its vector. Out: its `Parts`.
"""

from typing import Final

from smallpool_core.encoder_ports import Parts
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.terms import kind_of, term

EMBEDDED_KINDS: Final = frozenset({"brand", "point", "tag", "price_band"})
"""Kinds of terms that say what an item is; its seller and its city do not, and its category is told by itself."""
CATEGORY: Final = "category"


def parts_of(item: WideItem) -> Parts:
    """The parts of an item that was understood; its id counts for models that have it."""
    return Parts(item.category, tuple(one for one in item.terms if kind_of(one) in EMBEDDED_KINDS), item.title_words, item.item_id)


def term_tokens(parts: Parts) -> tuple[str, ...]:
    """What an item is, as terms: each level of its category, the uppermost first, then its own terms, each once."""
    names = parts.category.split(PATH_SEPARATOR) if parts.category else []
    levels = [term("category", PATH_SEPARATOR.join(names[: depth + 1])) for depth in range(len(names))]
    return tuple(dict.fromkeys((*levels, *parts.terms)))
