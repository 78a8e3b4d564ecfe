"""What was given and what was understood of it -> the row of the wide index, before any pool is assigned."""

from msgspec.structs import replace

from smallpool_core.items import Given, Understood, WideItem
from smallpool_core.normalise import normalise, path_key
from smallpool_indexer.terms import static_score, terms_of

UNKNOWN_CATEGORY = ("其他",)


def widen(
    item_id: str, version: int, enrich: int, given: Given, understood: Understood, published_at: int, popularity: int = 0
) -> WideItem:
    """The item on sale. `published_at` (ms) stands in where the seller gave none; the category is never empty; `popularity` is in
    thousandths.
    """
    category = path_key(understood.category or UNKNOWN_CATEGORY)
    item = WideItem(
        item_id=item_id,
        version=version,
        enrich=enrich,
        state="on_sale",
        seller_id=given.seller_id,
        city=normalise(given.city) if given.city else None,
        brand=understood.brand,
        condition=understood.condition,
        sale=given.sale,
        title_words=understood.title_words,
        category=category,
        category_source=understood.category_source,
        category_confidence=understood.category_confidence,
        tags=understood.tags,
        points=understood.points,
        price_cents=given.price_cents,
        price_band=understood.price_band,
        image_count=_image_count(given),
        quality=understood.quality,
        seller_score=understood.seller_score,
        published_at=published_at if given.published_at is None else given.published_at,
        starts_at=given.starts_at,
        expires_at=given.expires_at,
        attributes=understood.attributes,
        given=given,
        spread_key=category,
        static_score=static_score(understood.quality, understood.seller_score, popularity),
        popularity=popularity,
        spans=understood.spans,
        quality_parts=understood.quality_parts,
        versions=understood.versions,
        repost_of=understood.repost_of,
        reposts=understood.reposts,
        seller_parts=understood.seller_parts,
        vector=understood.vector,
    )
    return replace(item, terms=terms_of(item))


def _image_count(given: Given) -> int | None:
    if given.image_count is not None:
        return given.image_count
    return len(given.images) or None
