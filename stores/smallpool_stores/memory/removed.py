"""What is remembered of items that left: the pair that removed them, so that an older record cannot list them again.

In: removals. Out: their order. The wide table is the truth and its tail is in order, so this only guards against a caller that
repeats old records; it is bounded, because short-lived items leave by the million.
"""

from typing import NamedTuple


class Removal(NamedTuple):
    """The (version, enrich) of a removal as one integer, and whether it was its own expiry that removed the item."""

    order: int
    is_expired: bool


class Removals:
    """The last removals, between `kept` / 2 and `kept` of them: two generations, of which the older is forgotten as a whole."""

    def __init__(self, kept: int) -> None:
        self._generation = max(1, kept // 2)
        self._young: dict[str, Removal] = {}
        self._old: dict[str, Removal] = {}

    def put(self, item_id: str, removal: Removal) -> None:
        """Remembers that the item left."""
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, {}
        self._young[item_id] = removal

    def get(self, item_id: str) -> Removal | None:
        """How the item last left, None where it never did or that was long ago."""
        return self._young.get(item_id) or self._old.get(item_id)
