"""Values to test with: each builder gives a sound whole, and a test names only what it is about."""

from typing import Any

import msgspec

from smallpool_core.items import Given, ItemEvent, ItemEventType, WideItem
from smallpool_core.users import UserEvent, UserEventType

NOW = 1_750_000_000_000
"""The instant at which tests play, in ms: 2025-06-15 15:06:40 UTC."""
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class FakeClock:
    """A clock that stands still until a test moves it; implements the port `Clock`."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now

    def advance(self, ms: int) -> None:
        self.now += ms


def wide_item(item_id: str = "i1", **changes: Any) -> WideItem:
    """A phone on sale, first version, published an hour ago, in no pool; the spread key follows the category."""
    item = WideItem(
        item_id=item_id,
        version=1,
        enrich=0,
        state="on_sale",
        seller_id="s1",
        title_words=("苹果", "手机"),
        category="数码›手机",
        price_cents=100_000,
        image_count=3,
        quality=500,
        seller_score=500,
        published_at=NOW - HOUR,
        given=given(),
        terms=("category:数码›手机",),
    )
    changes.setdefault("spread_key", changes.get("category", item.category))
    return msgspec.structs.replace(item, **changes)


def given(title: str = "苹果手机 九成新", **changes: Any) -> Given:
    """What a seller sends of the item that `wide_item` is."""
    item = Given(title=title, category=("数码", "手机"), price_cents=100_000, seller_id="s1", image_count=3, published_at=NOW - HOUR)
    return msgspec.structs.replace(item, **changes)


def item_event(item_id: str = "i1", type: ItemEventType = "published", **changes: Any) -> ItemEvent:  # noqa: A002, the event's own word
    """The event of an hour ago that made the item; only published and updated carry what was given."""
    event = ItemEvent(type=type, item_id=item_id, version=1, at=NOW - HOUR, given=given() if type in ("published", "updated") else None)
    return msgspec.structs.replace(event, **changes)


def user_event(type: UserEventType = "click", item_id: str | None = "i1", **changes: Any) -> UserEvent:  # noqa: A002, the event's own word
    """Something that user u1 did just now; a follow or a search is given its own object instead of the item."""
    event = UserEvent(type=type, at=NOW, user_id="u1", item_id=None if type in ("follow", "search") else item_id)
    return msgspec.structs.replace(event, **changes)
