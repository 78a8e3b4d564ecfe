"""A wide item as the API shows it: paths as lists, scores in [0, 1], spans by name.

In: a `WideItem`. Out: an `ItemView`.
"""

from collections.abc import Callable

from msgspec import Struct, structs

from smallpool_core.items import THOUSAND, AttributeValue, CategorySource, Given, Sale, State, WideItem
from smallpool_service.page import path_of


class SpanView(Struct, frozen=True):
    """Characters [start, end) of the title that hold a selling point, and the key that it stands for."""

    start: int
    end: int
    type: str
    key: str


class ItemView(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One row of the wide index. Keywords are normalised, `given` holds the item as published; times in epoch ms, prices in cents.

    `repost_of` is the earliest listing on sale of the same thing, `reposts` how many earlier ones there are. `quality`, `seller_score`,
    `popularity` (as it went into `static_score`) are in [0, 1]; `static_score` in 0 … 511; `vector_model` names the model that embedded
    it. What an item has not is left out.
    """

    item_id: str
    version: int
    enrich: int
    state: State
    category: list[str]
    category_source: CategorySource
    category_confidence: float | None = None
    seller_id: str | None = None
    city: str | None = None
    brand: str | None = None
    condition: str | None = None
    sale: Sale | None = None
    title_words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    price_cents: int | None = None
    price_band: int | None = None
    image_count: int | None = None
    quality: float | None = None
    seller_score: float | None = None
    published_at: int | None = None
    starts_at: int | None = None
    expires_at: int | None = None
    attributes: dict[str, AttributeValue] = {}
    given: Given | None = None
    spread_key: str = ""
    epoch: int = 0
    pools: tuple[str, ...] = ()
    intervals: dict[str, tuple[tuple[int, int], ...]] = {}
    terms: tuple[str, ...] = ()
    static_score: int = 0
    popularity: float = 0.0
    spans: list[SpanView] = []
    quality_parts: dict[str, float] = {}
    versions: dict[str, str] = {}
    repost_of: str | None = None
    reposts: int = 0
    seller_parts: dict[str, float] = {}
    vector_model: str | None = None


_CHANGED = frozenset({"category", "quality", "seller_score", "popularity", "spans", "pools", "intervals", "vector_model"})
_SAME = tuple(name for name in ItemView.__struct_fields__ if name not in _CHANGED)


def item_view(item: WideItem, may_see: Callable[[str], bool]) -> ItemView:
    """The item for a reader of the API, who is told of those pools alone that they may see."""
    return ItemView(
        pools=tuple(filter(may_see, item.pools)),
        intervals={pool_id: spans for pool_id, spans in item.intervals.items() if may_see(pool_id)},
        category=path_of(item.category) if item.category else [],
        quality=_share(item.quality),
        seller_score=_share(item.seller_score),
        popularity=item.popularity / THOUSAND,
        vector_model=item.vector_model if item.vector else None,
        spans=[SpanView(*structs.astuple(span)) for span in item.spans],
        **{name: getattr(item, name) for name in _SAME},
    )


def _share(thousandths: int | None) -> float | None:
    return None if thousandths is None else thousandths / THOUSAND
