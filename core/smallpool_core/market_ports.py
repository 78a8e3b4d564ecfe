"""The ports by which a listing is understood, and judged beside the others: `ports.py` goes on here, with the same promises.

In: listings. Out: what they say; what the market knows of them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from smallpool_core.items import Given, Understood
from smallpool_core.reposts import MOST_COMPARED, Listing
from smallpool_core.sellers import SellerRecord


class Understander(Protocol):
    """Makes sense of what sellers wrote. Never raises on any text; deterministic for one version."""

    @property
    def version(self) -> str:
        """Names the models and the knowledge base; stored on everything that was made."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """The same by name: `versions` of what would be understood now. What carries others is understood anew."""
        ...

    def understand(self, given: Sequence[Given]) -> list[Understood]:
        """One result an item, in order."""
        ...

    def split_words(self, text: str) -> tuple[str, ...]:
        """The words that title_words would hold for this text; a rule's value must be exactly one."""
        ...

    def quality_of(self, parts: Mapping[str, float]) -> int:
        """The quality, in thousandths, that these parts add up to."""


class RepostIndex(Protocol):
    """Listings on sale by what they say, whoever took them in. Callers fail open: without it a listing is taken in unmarked."""

    def put(self, listings: Sequence[Listing], now: int) -> list[list[Listing]]:
        """Stores each instead of what it said before, then tells for each the `MOST_COMPARED` others that share most of its bands, of
        equals the earlier of a band; a band has the `MOST_ALIKE` earliest.
        """

    def alike(self, listing: Listing, most: int = MOST_COMPARED) -> list[Listing]:
        """The others that share most bands with this one, which need not be stored."""

    def forget(self, item_ids: Sequence[str]) -> list[Listing]:
        """Drops listings that left; returns what it had of them."""


class SellerRecords(Protocol):
    """What is known of sellers, whoever wrote it. The consumer of seller events fails closed; who takes in listings fails open: a listing
    whose seller is not known is worth what the prior says.
    """

    def load(self, seller_ids: Collection[str]) -> dict[str, SellerRecord]:
        """The records of those sellers that have one."""

    def save(self, before: Mapping[str, SellerRecord], after: Mapping[str, SellerRecord], moved: Collection[str], now: int) -> None:
        """Replaces the records in `after`, if they still are what they were `before`; raises `StoreUnavailable` where one is not, and
        the batch is to be taken again. Inside `Atomic.atomic` it joins the block. Sellers in `moved` are told by the call below.
        """

    def moved(self, since: int, limit: int) -> list[tuple[str, int]]:
        """Sellers whose score moved at `since` (ms) or later, with when, the first moves first; each once, by its last move."""
