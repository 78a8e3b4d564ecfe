"""The record of a page in the log `served`: what was returned to whom, from where and with which scores, for learning from later.

In: the closed page. Out: the record's key and its JSON.
"""

import msgspec
from msgspec import Struct

from smallpool_core.users import Identity
from smallpool_service.page import PageItem

_ENCODER = msgspec.json.Encoder()


class ServedItem(Struct, frozen=True):
    """One line of a page; `features` are its score dimensions, empty for a line that an interrupted call had claimed."""

    item_id: str
    sources: list[str]
    score: float
    features: dict[str, float]


class ServedPage(Struct, frozen=True):
    """One page that was returned; `at` in epoch ms."""

    request_id: str
    pool_id: str
    user_id: str | None
    device_id: str | None
    bucket: dict[str, str]
    items: list[ServedItem]
    at: int


def served_record(
    identity: Identity, request_id: str, pool_id: str, items: list[PageItem], features: dict[str, dict[str, float]], at: int
) -> tuple[str, bytes]:
    """The record of a page, keyed by its person."""
    lines = [ServedItem(item.item_id, item.sources, item.score, features.get(item.item_id, {})) for item in items]
    return identity.key, _ENCODER.encode(ServedPage(request_id, pool_id, identity.user_id, identity.device_id, {}, lines, at))
