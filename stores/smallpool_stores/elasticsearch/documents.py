"""One document an item: what rules ask, what recall asks, what a hit shows, and the whole record.

In: wide items. Out: documents as JSON, or why an item can never be one. An item that is not listed keeps nothing that a question
could find: its document is its state and its record, under its version.
"""

import logging
from array import array
from base64 import b64decode
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec

from smallpool_core.errors import StoreUnavailable, VectorRefused
from smallpool_core.fields import ATTRIBUTE_PREFIX, FIELDS, Attributes, FieldKind
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.row_reader import MAX_PATH
from smallpool_core.rules.ranges import number_of
from smallpool_core.vectors import check_stored
from smallpool_stores.elasticsearch.hits import PACKED, packed_hit
from smallpool_stores.elasticsearch.mapping import RECORD, VECTOR, VECTOR_MODEL
from smallpool_stores.elasticsearch.names import CATEGORY_WITHIN, MAX_MEMBERS, attribute_name, key, spread_name

log = logging.getLogger("smallpool.vectors")
_encode_json = msgspec.json.encode
_encode_record = msgspec.msgpack.encode
_decode_record = msgspec.msgpack.Decoder(WideItem).decode
_SETS = tuple(name for name, field in FIELDS.items() if field.kind in (FieldKind.WORDS, FieldKind.KEYWORDS))
_TEXTS = tuple(name for name, field in FIELDS.items() if field.kind in (FieldKind.KEYWORD, FieldKind.ID))
_NUMBERS = tuple(name for name, field in FIELDS.items() if name not in (*_SETS, *_TEXTS) and field.kind is not FieldKind.PATH)
_sets_of, _texts_of, _numbers_of = (attrgetter(*names) for names in (_SETS, _TEXTS, _NUMBERS))


class Documents:
    """Makes documents for an index whose mapping declares these attributes, and vectors of these dimensions, 0 for none; others are in the
    record alone.
    """

    def __init__(self, attributes: Attributes, vector_dimensions: int = 0) -> None:
        self._attributes = attributes
        self._vector_dimensions = vector_dimensions

    def of(self, item: WideItem) -> bytes:
        """The item's document as JSON; raises ValueError, with the reason, for an item that has none."""
        try:
            listed = self.fields(item) if item.state == "on_sale" else {}
            return _encode_json({"state": item.state, "item_id": item.item_id, RECORD: _encode_record(item), **listed})
        except (UnicodeEncodeError, OverflowError) as exc:
            raise ValueError(f"it cannot be encoded: {exc}") from exc

    def fields(self, item: WideItem) -> dict[str, Any]:
        """What a listed item can be found by, and what its hit shows."""
        path = item.category.split(PATH_SEPARATOR)
        within = [key(PATH_SEPARATOR.join(path[:length])) for length in range(1, len(path) + 1)]
        sets = dict(zip(_SETS, _sets_of(item), strict=True))
        _refuse(path, sets)
        return {
            **{name: key(text) for name, text in zip(_TEXTS, _texts_of(item), strict=True) if text is not None},
            **{name: [key(member) for member in members] for name, members in sets.items()},
            **{name: number for name, number in zip(_NUMBERS, _numbers_of(item), strict=True) if number is not None},
            "category": within[-1],
            CATEGORY_WITHIN: within,
            **{spread_name(level): within[min(level, len(within)) - 1] for level in range(1, MAX_PATH)},
            ATTRIBUTE_PREFIX.rstrip("."): self._typed(item),
            "pools": [key(pool_id) for pool_id in item.pools],
            "terms": [key(term) for term in item.terms],
            "static_score": item.static_score,
            PACKED: packed_hit(item),
            **self._vector(item),
        }

    def _vector(self, item: WideItem) -> dict[str, Any]:
        """What the item is found near to; nothing for a vector that is none, or of another size."""
        if not (self._vector_dimensions and item.vector and item.vector_model):
            return {}
        try:
            check_stored(item.vector, item.vector_model, self._vector_dimensions)
        except VectorRefused as exc:
            log.warning("could not index the vector of the item %r: %s", item.item_id, exc)
            return {}
        return {VECTOR: array("b", item.vector).tolist(), VECTOR_MODEL: key(item.vector_model)}

    def _typed(self, item: WideItem) -> dict[str, str | float]:
        """The declared attributes that the item has, of the declared type."""
        typed: dict[str, str | float] = {}
        for name, value in item.attributes.items():
            kind = self._attributes.types.get(name)
            if kind == "keyword" and isinstance(value, str):
                typed[attribute_name(name)] = key(value)
            elif kind == "number" and (number := number_of(value)) is not None:
                typed[attribute_name(name)] = number + 0.0  # -0.0 becomes 0.0, which ranges tell apart
        return typed


def records_of(reply: Mapping[str, Any]) -> dict[str, WideItem]:
    """The records that a reading by ids found; raises `StoreUnavailable` where a shard did not answer."""
    failed = next((document["error"] for document in reply["docs"] if "error" in document), None)
    if failed is not None:
        raise StoreUnavailable(
            f"could not read items by id: Elasticsearch says {failed.get('reason')}; try again, or run `smallpool doctor`"
        )
    found = (document for document in reply["docs"] if document["found"])
    return {document["_id"]: _decode_record(b64decode(document["_source"][RECORD])) for document in found}


def _refuse(path: list[str], sets: Mapping[str, tuple[str, ...]]) -> None:
    if len(path) > MAX_PATH:
        raise ValueError(f"its category path has {len(path)} elements; at most {MAX_PATH} are allowed")
    for name, members in sets.items():
        if len(members) > MAX_MEMBERS:
            raise ValueError(f"`{name}` has {len(members)} members; at most {MAX_MEMBERS} are allowed")
