"""What is understood of listings -> the same with the vector that a model makes of it.

In: listings with what they mean, an encoder. Out: `Understood` with `vector`, and the model's name among its `versions`. A vector that is
none costs the listing its vector and nothing else: it is recalled by its terms.
"""

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from smallpool_core.encoder_ports import ItemEncoder, Parts
from smallpool_core.errors import VectorRefused
from smallpool_core.item_parts import parts_of
from smallpool_core.items import VECTORS, Given, Understood
from smallpool_core.vectors import stored_vector
from smallpool_indexer.widen import widen

log = logging.getLogger("smallpool.indexer")


def embedded(given: Sequence[Given], understood: Sequence[Understood], encoder: ItemEncoder) -> list[Understood]:
    """The same in their order, embedded by one model; `vector` is empty where the model knows nothing of a listing, or made no vector."""
    parts = [parts_of(widen("", 0, 0, listing, one, 0)) for listing, one in zip(given, understood, strict=True)]
    vectors = [_stored(vector, encoder) for vector in _encoded(encoder, parts)]
    return [
        replace(one, vector=vector, versions={**one.versions, VECTORS: encoder.model})
        for one, vector in zip(understood, vectors, strict=True)
    ]


def _encoded(encoder: ItemEncoder, parts: list[Parts]) -> list[bytes]:
    """All at once; if that fails one by one, so that a listing on which the encoder fails costs no other its vector."""
    try:
        return encoder.encode(parts) if parts else []
    except Exception as error:  # noqa: BLE001  a net is somebody's own model: whatever it raises costs vectors only
        if len(parts) > 1:
            return [vector for one in parts for vector in _encoded(encoder, [one])]
        log.warning("a listing has no vector: the model %s failed: %s: %s", encoder.model, type(error).__name__, error)
        return [b""]


def _stored(vector: bytes, encoder: ItemEncoder) -> bytes:
    if not vector:
        return vector
    try:
        return stored_vector(vector, encoder.dimensions)
    except VectorRefused as error:
        log.warning("a listing has no vector: the model %s made none: %s", encoder.model, error)
        return b""
