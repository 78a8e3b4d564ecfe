"""Parts titles with tags into those to learn from and those to be judged by, so that neither a tag nor a title stands on both sides.

In: a `LabelSet` of tags. Out: the titles to learn from. A tag is held back by a hash of its text and the seed; a title that has one that
is held back teaches nothing, whatever else it has.
"""

import hashlib
from collections.abc import Sequence

from smallpool_models.labels.rows import LabelledTitle

HELD_BACK = 0.2
"""The share of distinct tags that is held back unless something else is asked for."""
_SPAN = 2**64


def is_held_back(tag: str, share: float, seed: int) -> bool:
    """Whether this tag is one of the share that no training sees."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{tag}".encode()).digest()[:8]) < share * _SPAN


def learnt_from(titles: Sequence[LabelledTitle], share: float, seed: int) -> list[LabelledTitle]:
    """The titles none of whose tags is held back."""
    return [title for title in titles if not any(is_held_back(tag, share, seed) for tag in title.labels)]


def mark_of(text: str) -> str:
    """What a text that was learnt from is known by afterwards: 12 hex digits of its sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
