"""Behaviour as an evaluation reads it: what may be counted, who is asked about, what items are, how a history becomes tokens.

In: a `Behaviour`, an item encoder. Out: sequences, questions, vectors and kinds by item, from 0 on; tokens as the service would have them.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.encoder_ports import ItemEncoder, Parts, Token
from smallpool_models.evaluation.interest_scorer import Array, Tokens
from smallpool_models.evaluation.next_item import Places, Questions
from smallpool_models.evaluation.portraits import Catalogue
from smallpool_models.vectors.behaviour import BREAK
from smallpool_models.vectors.ragged import Ragged

STEP_S: Final = 60.0
"""How much older an item of a history is than the one after it; files without times tell the order alone, and no more is read from it."""
_NAMED: Final = 4


def sequences_of(rows: Ragged) -> list[Places]:
    """What lies between breaks of the shopping path, by item from 0 on."""
    parts = [part for row in rows for part in np.split(np.asarray(row), np.flatnonzero(np.asarray(row) == BREAK))]
    told = [part[part != BREAK].astype(np.int32) - 1 for part in parts]
    return [part.astype(np.int32) for part in told if part.size]


def questions_of(rows: Ragged) -> Questions:
    """A question a row: the last item is to be found from those before it; a row of one item asks nothing."""
    told = [np.asarray(row).astype(np.int32) - 1 for row in rows if len(row) > 1]
    targets = np.array([row[-1] for row in told], dtype=np.int32)
    return Questions([row[:-1] for row in told], targets)


def vectors_of(encoder: ItemEncoder, items: Sequence[Parts]) -> Array:
    """(items, d) float32; a row of zeros for one of which the model knows nothing."""
    found = np.zeros((len(items), encoder.dimensions), dtype=np.float32)
    for row, vector in enumerate(encoder.encode(items)):
        if vector:
            found[row] = np.frombuffer(vector, dtype="<f4")
    return found


def tokens_from(vectors: Array) -> Tokens:
    """Every item of a history that has a vector is a touched one, all of the same weight."""
    packed = [row.astype("<f4").tobytes() if row.any() else b"" for row in vectors]

    def tokens(history: Places) -> list[Token]:
        ages = range(len(history) - 1, -1, -1)
        return [Token(packed[item], 1.0, STEP_S * age, "short") for item, age in zip(history, ages, strict=True) if packed[item]]

    return tokens


def catalogue_of(items: Sequence[Parts]) -> Catalogue:
    """What each item is called and of what kind it is: its category, or, where no item has any, the most frequent of its terms."""
    kinds = [one.category for one in items] if any(one.category for one in items) else _by_term(items)
    numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kind for kind in kinds if kind))}
    return Catalogue([_name(one) for one in items], np.array([numbers.get(kind, -1) for kind in kinds], dtype=np.int32), list(numbers))


def rarities(items: Sequence[Parts]) -> NDArray[np.float32]:
    """(items, terms) idf of each term that an item has, its category being one; rows of unit length or of zeros."""
    told = [(*one.terms, one.category) if one.category else one.terms for one in items]
    counts = Counter(term for terms in told for term in dict.fromkeys(terms))
    numbers = {term: number for number, term in enumerate(counts)}
    found = np.zeros((len(items), len(counts)), dtype=np.float32)
    for row, terms in enumerate(told):
        for term in dict.fromkeys(terms):
            found[row, numbers[term]] = np.log(len(items) / counts[term])
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    np.divide(found, lengths, out=found, where=lengths > 0)
    return found


def _by_term(items: Sequence[Parts]) -> list[str]:
    counts = Counter(term for one in items for term in dict.fromkeys(one.terms))
    return [max(one.terms, key=lambda term: (counts[term], term)) if one.terms else "" for one in items]


def _name(one: Parts) -> str:
    words = " ".join(one.title_words) or ", ".join(one.terms[:_NAMED])
    return f"{one.item_id} {words}".strip()
