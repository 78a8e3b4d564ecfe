"""An item as it is published (`ItemEvent`), as it is understood (`Understood`) and as it is stored (`WideItem`)."""

from typing import Literal

from msgspec import Struct, field

from smallpool_core.reposts import Sketch

State = Literal["on_sale", "sold", "withdrawn", "expired"]
Sale = Literal["fixed", "auction", "free", "live"]
ItemEventType = Literal["published", "updated", "sold", "withdrawn", "enrich", "sweep"]
CategorySource = Literal["given", "predicted", "head_noun"]
AttributeValue = str | int | float
VECTORS = "vectors"
"""The name of the model of vectors among an item's versions."""
ORIGINAL = "original"
"""The part of the quality that is known only beside other listings: whether this one is the first of its thing."""
THOUSAND = 1000
"""Scores in [0, 1] are stored as integers in thousandths, so that every engine compares them exactly."""


class Given(Struct, frozen=True, omit_defaults=True):
    """The item as the seller gave it: display forms, not normalised. Times are epoch ms, prices cents."""

    title: str
    description: str = ""
    category: tuple[str, ...] = ()
    price_cents: int | None = None
    seller_id: str | None = None
    city: str | None = None
    images: tuple[str, ...] = ()
    image_count: int | None = None
    sale: Sale | None = None
    published_at: int | None = None
    starts_at: int | None = None
    expires_at: int | None = None
    attributes: dict[str, AttributeValue] = field(default_factory=dict)


class ItemEvent(Struct, frozen=True):
    """One event of an item's life. `given` is there for published and updated; `reason` for enrich and sweep.

    `version` is the seller's; an internal event that is about one version names it, any other says 0. `popularity` (in
    thousandths, 0 … 1000) is what a rescore brings.
    """

    type: ItemEventType
    item_id: str
    version: int
    at: int
    given: Given | None = None
    reason: str = ""
    popularity: int | None = None


class Span(Struct, frozen=True, array_like=True):
    """Characters [start, end) of the title that hold a selling point, and the key that it stands for."""

    start: int
    end: int
    type: str
    key: str


class Understood(Struct, frozen=True):
    """What understanding makes of one item; keywords are normalised, scores are in thousandths (0 … 1000).

    `category` is never empty. `points` are `type/key`-free keys, such as `"a货"`, in order of appearance.
    `category_confidence` is in [0, 1]. `versions` names each model and knowledge base that had a part. `sketch` is what reposts are found
    by; `repost_of` and `reposts` are filled in by who knows the other listings, `seller_score` and its parts by who knows the sellers.
    `vector` is what it was embedded as, as in `WideItem`, where `versions` names a model of vectors.
    """

    title_words: tuple[str, ...]
    category: tuple[str, ...]
    category_source: CategorySource
    category_confidence: float
    brand: str | None
    condition: str | None
    tags: tuple[str, ...]
    points: tuple[str, ...]
    spans: tuple[Span, ...]
    attributes: dict[str, AttributeValue]
    price_band: int | None
    quality: int
    quality_parts: dict[str, float]
    seller_score: int
    versions: dict[str, str]
    sketch: Sketch | None = None
    repost_of: str | None = None
    reposts: int = 0
    seller_parts: dict[str, float] = field(default_factory=dict)
    vector: bytes = b""


class WideItem(Struct, frozen=True, omit_defaults=True):
    """A row of the wide index. Field names are those of the table in `fields.py`; keywords are normalised.

    `category` is the path key (`"数码›手机"`); `intervals` maps a pool whose rule depends on time to the
    closed intervals of now (ms, both ends included) in which the rule holds for this item. `popularity` is the one that
    went into `static_score`, in thousandths. `repost_of` is the earliest listing on sale of the same thing, `reposts` how many earlier ones
    there are. `vector` is what it was embedded as, of the model `versions["vectors"]`: a coordinate a byte, a whole number of 1/127; empty
    where no model embeds items, or this one knows nothing of it.
    """

    item_id: str
    version: int
    enrich: int
    state: State
    seller_id: str | None = None
    city: str | None = None
    brand: str | None = None
    condition: str | None = None
    sale: Sale | None = None
    title_words: tuple[str, ...] = ()
    category: str = ""
    category_source: CategorySource = "given"
    category_confidence: float | None = None
    tags: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    price_cents: int | None = None
    price_band: int | None = None
    image_count: int | None = None
    quality: int | None = None
    seller_score: int | None = None
    published_at: int | None = None
    starts_at: int | None = None
    expires_at: int | None = None
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    given: Given | None = None
    spread_key: str = ""
    epoch: int = 0
    pools: tuple[str, ...] = ()
    intervals: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    static_score: int = 0
    popularity: int = 0
    spans: tuple[Span, ...] = ()
    quality_parts: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    repost_of: str | None = None
    reposts: int = 0
    seller_parts: dict[str, float] = field(default_factory=dict)
    vector: bytes = b""

    @property
    def order(self) -> tuple[int, int]:
        """The pair by which records of one item are ordered; the largest is the item's state."""
        return (self.version, self.enrich)

    @property
    def vector_model(self) -> str:
        """The model that `vector` is of; empty where no model embeds items."""
        return self.versions.get(VECTORS, "")


class WideRecord(Struct, frozen=True):
    """One record of `item-wide`; offsets rise within a partition in the order of writes."""

    partition: int
    offset: int
    item: WideItem


class DeadLetter(Struct, frozen=True):
    """An event that could not be taken in, kept with where it came from and why.

    `value` holds the message, or its first 64 KB when it is larger; `digest` is the sha256 of all of it.
    """

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    size: int
    digest: str
    field: str
    reason: str
    attempts: int
    at: int


class Indexed(Struct, frozen=True):
    """How many items were newer than what the index had; id and reason of those that it will never take."""

    newer: int
    refused: tuple[tuple[str, str], ...] = ()
