"""What a row brings with it when it is recalled: one packed value, so that a question reads one column and not twelve.

In: wide items; what Elasticsearch answers. Out: the packed value; ranked rows; hits.
"""

from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from smallpool_core.items import Sale, WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Hit

PACKED = "hit"
"""The field that holds it: base64 in a document, and in an answer."""


class Packed(Struct, frozen=True, array_like=True, gc=False):
    """What a hit shows of an item. A change here is a new layout of the index (`mapping.LAYOUT`). `terms` are left packed, since of the
    rows that are looked at the cap keeps some only.
    """

    item_id: str
    version: int
    enrich: int
    category: str
    seller_id: str | None
    price_cents: int | None
    quality: int
    seller_score: int
    published_at: int
    expires_at: int | None
    static_score: int
    sale: Sale | None
    terms: Raw


class Row(NamedTuple):
    """A row of an answer and the number that it was ordered by."""

    rank_score: int
    packed: Packed


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Packed).decode
_decode_terms = msgspec.msgpack.Decoder(frozenset[str]).decode


def packed_hit(item: WideItem) -> bytes:
    """The item as a hit will show it."""
    return _encode(
        Packed(
            item.item_id,
            item.version,
            item.enrich,
            item.category,
            item.seller_id,
            item.price_cents,
            item.quality or 0,
            item.seller_score or 0,
            item.published_at or 0,
            item.expires_at,
            item.static_score,
            item.sale,
            Raw(_encode(item.terms)),
        )
    )


def rows_of(found: list[dict[str, Any]]) -> Iterator[Row]:
    """The rows of one list of hits as Elasticsearch gives them, unpacked as they are taken; one that was not ordered ranks 0."""
    return (Row(int(row["sort"][0]) if "sort" in row else 0, _decode(a2b_base64(row["fields"][PACKED][0]))) for row in found)


def hit_of(row: Row, spread_key: str, weights: Mapping[str, int]) -> Hit:
    """The hit that the row is; its terms are those of `weights` that the item has, in their order."""
    packed = row.packed
    has = _decode_terms(packed.terms) if weights else frozenset()
    return Hit(
        item_id=packed.item_id,
        version=packed.version,
        enrich=packed.enrich,
        category=packed.category,
        spread_key=spread_key,
        seller_id=packed.seller_id,
        price_cents=packed.price_cents,
        quality=packed.quality,
        seller_score=packed.seller_score,
        published_at=packed.published_at,
        expires_at=packed.expires_at,
        static_score=packed.static_score,
        rank_score=row.rank_score,
        terms=tuple([term for term in weights if term in has]),
        sale=packed.sale,
    )


def cut(category: str, level: int | None) -> str:
    """A category path's first `level` elements, all of it for None: `("数码›手机", 1)` -> `"数码"`."""
    return category if level is None else PATH_SEPARATOR.join(category.split(PATH_SEPARATOR, level)[:level])
