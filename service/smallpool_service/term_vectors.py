"""Terms as vectors of items that have nothing else: what is known of a person without an item to show for it.

In: terms. Out: their vectors by one model, remembered.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from smallpool_core.encoder_ports import ItemEncoder, Parts
from smallpool_core.item_parts import CATEGORY, EMBEDDED_KINDS
from smallpool_core.terms import key_of, kind_of

MOST_REMEMBERED: Final = 16_384
"""Terms, some 8 MB with their vectors of 64 dimensions; the knowledge base and its brands are a few thousand."""


class TermVectors:
    """Embeds terms; those that came in first are forgotten first. For one event loop."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._known: dict[tuple[str, str], bytes] = {}

    def of(self, terms: Iterable[str], encoder: ItemEncoder) -> dict[str, bytes]:
        """The vectors of those of the terms that say what an item is and that the model knows, each (d,) float32 of unit length."""
        asked = [term for term in dict.fromkeys(terms) if is_embedded(term)]
        model, known = encoder.model, self._known
        new = [term for term in asked if (model, term) not in known]
        if new:
            self._learn(model, new, encoder.encode([as_item(term) for term in new]))
        return {term: vector for term in asked if (vector := known.get((model, term)))}

    def _learn(self, model: str, terms: Sequence[str], vectors: Sequence[bytes]) -> None:
        over = len(self._known) + len(terms) - self._most
        for oldest in list(islice(self._known, max(0, over))):
            del self._known[oldest]
        self._known.update({(model, term): vector for term, vector in zip(terms, vectors, strict=True)})


def is_embedded(term: str) -> bool:
    """Whether a term says what an item is."""
    kind = kind_of(term)
    return kind == CATEGORY or kind in EMBEDDED_KINDS


def as_item(*terms: str) -> Parts:
    """An item of which no more is known than these terms; of several categories the first is its own."""
    own = next((key_of(term) for term in terms if kind_of(term) == CATEGORY), "")
    return Parts(own, tuple([term for term in terms if kind_of(term) in EMBEDDED_KINDS]))
