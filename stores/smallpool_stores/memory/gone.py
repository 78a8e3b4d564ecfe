"""Places for what is remembered of items that left, the last so many of them.

In: ids of items as they leave and come back. Out: a place for each in arrays that others keep.
"""

from typing import Final

REMEMBERED: Final = 100_000
"""Items that left lately whose vectors are kept: what people click today is sold tomorrow, and still says what they look for. A vector's
bytes each, and some 150 of the id.
"""


class Gone:
    """A ring of places: who leaves takes the place of whom that left longest ago. Not safe for threads by itself."""

    def __init__(self, size: int) -> None:
        self.size = max(1, size)
        self._places: dict[str, int] = {}
        self._ids: list[str | None] = [None] * self.size
        self._next = 0

    def put(self, item_id: str) -> int:
        """The place of an item that leaves; whoever had it is forgotten."""
        place = self._next
        forgotten = self._ids[place]
        if forgotten is not None:
            del self._places[forgotten]
        self._ids[place] = item_id
        self._places[item_id] = place
        self._next = (place + 1) % self.size
        return place

    def find(self, item_id: str) -> int | None:
        """The place of an item that left, None for one that did not or is forgotten."""
        return self._places.get(item_id)

    def take_back(self, item_id: str) -> int | None:
        """The place that an item had, which has come back. Who came back at once, as with each change of a listing, used none up."""
        place = self._places.pop(item_id, None)
        if place is not None:
            self._ids[place] = None
            if (place + 1) % self.size == self._next:
                self._next = place
        return place
