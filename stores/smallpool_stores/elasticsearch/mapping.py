"""How items lie in Elasticsearch: the settings of an index of items, and its strict mapping, made of the table of fields.

In: settings, the declared attributes. Out: what an index is created with. Text is never analysed, and `_source` keeps the whole
record alone: rules and recall ask the index, hits come from one packed column.
"""

from typing import Any

from smallpool_core.fields import ATTRIBUTE_PREFIX, FIELDS, Attributes, FieldKind
from smallpool_core.row_reader import MAX_PATH
from smallpool_stores.elasticsearch.hits import PACKED
from smallpool_stores.elasticsearch.names import CATEGORY_WITHIN, attribute_name, spread_name
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings

LAYOUT = 1
"""Rises when what lies in a document changes though its fields do not."""
MAX_ROWS = 100_000
"""An answer of Elasticsearch has at most this many rows."""
RECORD = "item"
"""The field of the whole record."""
VECTOR, VECTOR_MODEL = "vector", "vector_model"
"""The fields of an item's vector, where vectors are indexed, and of the model that it is of."""

_KEY = {"type": "keyword", "doc_values": False}
_SORTED_KEY = {"type": "keyword"}
_LONG = {"type": "long"}
_NUMBERS = {FieldKind.INTEGER: _LONG, FieldKind.TIME: _LONG, FieldKind.THOUSANDTHS: _LONG, FieldKind.NUMBER: {"type": "double"}}


def index_settings(settings: ElasticsearchSettings) -> dict[str, Any]:
    """Settings of a new index of items."""
    return {
        "number_of_shards": settings.shards,
        "number_of_replicas": settings.replicas,
        "refresh_interval": f"{settings.refresh_interval_ms}ms",
        "max_result_window": MAX_ROWS,
        "max_inner_result_window": MAX_ROWS,
    }


def mapping(attributes: Attributes, settings: ElasticsearchSettings | None = None) -> dict[str, Any]:
    """The mapping, with vectors where the settings give their dimensions, in the form in which Elasticsearch gives it back; a field that it
    does not name is refused.
    """
    fields = {name: _NUMBERS.get(field.kind, _KEY) for name, field in FIELDS.items()}
    recall = {
        "item_id": _SORTED_KEY,
        "category": _SORTED_KEY,
        CATEGORY_WITHIN: _KEY,
        **{spread_name(level): _SORTED_KEY for level in range(1, MAX_PATH)},
        "seller_id": _SORTED_KEY,  # counted by previews of rules
        "state": _KEY,
        "pools": _KEY,
        "terms": _KEY,
        "static_score": {"type": "short", "index": False},
        PACKED: {"type": "binary", "doc_values": True},
        RECORD: {"type": "binary"},
    }
    return {
        "dynamic": "strict",
        "_meta": {"layout": LAYOUT},
        "_source": {"includes": [RECORD]},
        "properties": fields | recall | _vector_fields(settings) | _attribute_fields(attributes),
    }


def _vector_fields(settings: ElasticsearchSettings | None) -> dict[str, Any]:
    """A coordinate a byte, as items bring them, so that products are whole numbers here too."""
    if settings is None or not settings.vector_dimensions:
        return {}
    options = {"type": "flat"} if settings.vector_search == "exact" else {"type": "hnsw", "m": 16, "ef_construction": 100}
    vector = {
        "type": "dense_vector",
        "dims": settings.vector_dimensions,
        "element_type": "byte",
        "index": True,
        "similarity": "max_inner_product",
        "index_options": options,
    }
    return {VECTOR: vector, VECTOR_MODEL: _SORTED_KEY}


def _attribute_fields(attributes: Attributes) -> dict[str, Any]:
    declared = {attribute_name(name): _NUMBERS.get(FieldKind(kind), _KEY) for name, kind in attributes.types.items()}
    shape: dict[str, Any] = {"properties": declared} if declared else {"type": "object"}
    return {ATTRIBUTE_PREFIX.rstrip("."): {"dynamic": "strict", **shape}}


def differences(stored: dict[str, Any], wanted: dict[str, Any], path: str = "") -> list[str]:
    """What an index's mapping has otherwise than wanted, one line each."""
    found: list[str] = []
    for name in sorted({*stored, *wanted}):
        place, has, wants = f"{path}{name}", stored.get(name), wanted.get(name)
        if isinstance(has, dict) and isinstance(wants, dict):
            found += differences(has, wants, f"{place}.")
        elif has != wants:
            found.append(f"{place}: the index has {_shown(has)}, this version makes {_shown(wants)}")
    return found


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
