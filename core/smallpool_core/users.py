"""A person's behaviour as it arrives (`UserEvent`) and as it is kept (`TriggerState`, `Profile`)."""

from typing import Literal, NamedTuple, get_args

from msgspec import Struct, field

UserEventType = Literal["view", "click", "favourite", "cart", "bid", "purchase", "follow", "search", "expose"]
USER_EVENT_TYPES: tuple[str, ...] = get_args(UserEventType)
MAX_TAGS = 100
MAX_ATTRIBUTES = 50
MAX_BLOCKED = 1_000
"""The most that a profile holds."""


class Identity(NamedTuple):
    """Who asks: the user if known, else the device, else nobody (`key == ""`, nothing is remembered)."""

    user_id: str | None
    device_id: str | None

    @property
    def key(self) -> str:
        """The key under which everything of this person is stored; `u:` and `d:` keep the two id spaces apart."""
        if self.user_id:
            return f"u:{self.user_id}"
        return f"d:{self.device_id}" if self.device_id else ""


class UserEvent(Struct, frozen=True):
    """One thing that a person did; `at` in epoch ms. A search carries `query`, a follow `seller_id`, all else `item_id`."""

    type: UserEventType
    at: int
    user_id: str | None = None
    device_id: str | None = None
    item_id: str | None = None
    seller_id: str | None = None
    query: str | None = None
    pool_id: str | None = None
    request_id: str | None = None

    @property
    def identity(self) -> Identity:
        """The identity whose triggers, profile and statistics this event moves."""
        return Identity(self.user_id, self.device_id)

    @property
    def object(self) -> str:
        """What the event is about: the item, else the seller, else the query."""
        return self.item_id or self.seller_id or self.query or ""


class Weighted(Struct, array_like=True):
    """A decayed weight as of `at` (ms); its value at a later time is `weight · 2^(-(now - at) / half_life)`."""

    weight: float
    at: int


class Touched(Struct, frozen=True, array_like=True):
    """An item that a person clicked, bought or did something else with, and when. On the list `recent` also what it cost (cents) and its
    top category, as far as they were known then; on the list `bought`, where a setting asks for it, the `terms` that say what it is.
    """

    item_id: str
    type: UserEventType
    at: int
    price_cents: int | None = None
    category: str = ""
    terms: tuple[str, ...] = ()


class Exposed(Struct, frozen=True, array_like=True):
    """An item that a person was shown, how often, and when last."""

    item_id: str
    times: int
    at: int


class TriggerState(Struct):
    """What is kept of a person's behaviour, long- and short-term apart; each list is bounded by settings.

    `pending` holds events on items that are not indexed yet; they are resolved on read for 24 hours. `exposed` is kept only
    where a setting asks for it. `begins` is when the earliest thing was done that counts here (ms), 0 where nothing does: what was done
    before it is new to this state, however long ago it was.
    """

    short: dict[str, Weighted] = field(default_factory=dict)
    long: dict[str, Weighted] = field(default_factory=dict)
    bought: list[Touched] = field(default_factory=list)
    recent: list[Touched] = field(default_factory=list)
    pending: list[Touched] = field(default_factory=list)
    exposed: list[Exposed] = field(default_factory=list)
    begins: int = 0


class Profile(Struct, frozen=True):
    """What the app told us of a person: tags (normalised keywords), free attributes, and sellers of whom nothing is to be shown to them."""

    tags: tuple[str, ...] = ()
    attributes: dict[str, str | int | float] = field(default_factory=dict)
    updated_at: int = 0
    blocked_sellers: tuple[str, ...] = ()
