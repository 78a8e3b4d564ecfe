"""Which terms, title words and ids a model knows, and an item as their numbers.

In: items from which to learn, or a vocabulary that was kept; then items. Out: numbers, 0 for nothing and 1 for what is not known. An item
of which nothing is known has no numbers but these.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log

import numpy as np
from msgspec import Struct

from smallpool_core.encoder_ports import Parts
from smallpool_core.item_parts import term_tokens
from smallpool_models.vectors.ragged import Numbers

NOTHING, UNKNOWN, FIRST = 0, 1, 2
TERMS_READ = 24
"""Terms of an item that are read, the first; a category's levels come before all others."""
WORDS_READ = 24
"""Words of a title that are read, the first."""


class VectorVocabulary(Struct, frozen=True, forbid_unknown_fields=True):
    """Known terms (levels of categories among them), words and ids, each numbered from 2 on, with how rare each term and word is (idf)."""

    terms: tuple[str, ...]
    words: tuple[str, ...]
    ids: tuple[str, ...]
    term_rarity: tuple[float, ...]
    word_rarity: tuple[float, ...]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Rows of the tables of terms, words and ids."""
        return len(self.terms) + FIRST, len(self.words) + FIRST, len(self.ids) + FIRST


class ItemNumbers(Struct, frozen=True):
    """Items as numbers: `terms` (items, 24), `words` (items, 24), `ids` (items,), all int64; `known` (items,) whether anything is known."""

    terms: Numbers
    words: Numbers
    ids: Numbers

    @property
    def known(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """(items,) whether the model knows anything of the item."""
        found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
            (self.terms >= FIRST).any(axis=1) | (self.words >= FIRST).any(axis=1) | (self.ids >= FIRST)
        )
        return found


class ItemReader:
    """Reads items by a vocabulary; keeps no state."""

    def __init__(self, vocabulary: VectorVocabulary) -> None:
        self._terms = {name: number for number, name in enumerate(vocabulary.terms, FIRST)}
        self._words = {name: number for number, name in enumerate(vocabulary.words, FIRST)}
        self._ids = {name: number for number, name in enumerate(vocabulary.ids, FIRST)}

    def read(self, items: Sequence[Parts]) -> ItemNumbers:
        """The numbers of some items."""
        terms = np.zeros((len(items), TERMS_READ), dtype=np.int64)
        words = np.zeros((len(items), WORDS_READ), dtype=np.int64)
        ids = np.zeros(len(items), dtype=np.int64)
        for row, one in enumerate(items):
            terms[row] = _numbers(term_tokens(one), self._terms, TERMS_READ)
            words[row] = _numbers(dict.fromkeys(one.title_words), self._words, WORDS_READ)
            ids[row] = self._ids.get(one.item_id, NOTHING)
        return ItemNumbers(terms, words, ids)


def _numbers(names: Iterable[str], known: dict[str, int], width: int) -> list[int]:
    numbers = [known.get(name, UNKNOWN) for name in names][:width]
    return numbers + [NOTHING] * (width - len(numbers))


def learnt_vocabulary(items: Iterable[Parts], ids: Iterable[str], fewest: int, most_words: int) -> VectorVocabulary:
    """Terms and words that at least `fewest` items have, of the words the most frequent; `ids` in their order."""
    terms: Counter[str] = Counter()
    words: Counter[str] = Counter()
    count = 0
    for one in items:
        terms.update(term_tokens(one))
        words.update(set(one.title_words))
        count += 1
    kept_terms = sorted(name for name, times in terms.items() if times >= fewest)
    often = sorted((-times, name) for name, times in words.items() if times >= fewest)
    kept_words = sorted(name for _, name in often[:most_words])
    return VectorVocabulary(
        tuple(kept_terms),
        tuple(kept_words),
        tuple(ids),
        tuple(_rarity(terms[name], count) for name in kept_terms),
        tuple(_rarity(words[name], count) for name in kept_words),
    )


def _rarity(times: int, count: int) -> float:
    """The smoothed idf, ln((1 + n) / (1 + df)) + 1."""
    return round(log((1 + count) / (1 + times)) + 1, 4)
