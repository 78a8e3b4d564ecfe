"""What recall needs of a wide item, and a small form of it for reading items by the million.

In: nothing. Out: types. `WideItem` itself is a `Listing` too.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from smallpool_core.items import Sale, State


class Listing(Protocol):
    """The part of a wide item that recall needs; `WideItem` and `ListingRow` both have it."""

    @property
    def item_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def enrich(self) -> int: ...
    @property
    def state(self) -> State: ...
    @property
    def category(self) -> str: ...
    @property
    def seller_id(self) -> str | None: ...
    @property
    def sale(self) -> Sale | None: ...
    @property
    def price_cents(self) -> int | None: ...
    @property
    def quality(self) -> int | None: ...
    @property
    def seller_score(self) -> int | None: ...
    @property
    def published_at(self) -> int | None: ...
    @property
    def expires_at(self) -> int | None: ...
    @property
    def static_score(self) -> int: ...
    @property
    def pools(self) -> tuple[str, ...]: ...
    @property
    def intervals(self) -> Mapping[str, tuple[tuple[int, int], ...]]: ...
    @property
    def terms(self) -> tuple[str, ...]: ...
    @property
    def vector(self) -> bytes: ...
    @property
    def vector_model(self) -> str: ...


class _Versions(Struct, frozen=True, gc=False):
    """What made a wide item, as far as recall needs it."""

    vectors: str = ""


class ListingRow(Struct, frozen=True, gc=False):
    """A wide item decoded no further than a `Listing`: what a start reads by the million."""

    item_id: str
    version: int
    enrich: int
    state: State
    category: str = ""
    seller_id: str | None = None
    sale: Sale | None = None
    price_cents: int | None = None
    quality: int | None = None
    seller_score: int | None = None
    published_at: int | None = None
    expires_at: int | None = None
    static_score: int = 0
    pools: tuple[str, ...] = ()
    intervals: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    vector: bytes = b""
    versions: _Versions = _Versions()

    @property
    def vector_model(self) -> str:
        """As of a `WideItem`."""
        return self.versions.vectors
