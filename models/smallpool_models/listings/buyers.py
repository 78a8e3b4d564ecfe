"""Generates buyers with tastes, and what they do with a set of listings.

In: the knowledge base, listings, a seed. Out: buyers, and `UserEvent`s in order of time. A buyer looks mostly for what
they like, clicks it more often than other things, and buys a thing only once.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate

from msgspec import Struct

from smallpool_core.items import ItemEvent
from smallpool_core.normalise import normalise, path_key
from smallpool_core.users import UserEvent, UserEventType
from smallpool_models.understanding.knowledge import KnowledgeBase

_TASTE_KINDS = ("variety", "material", "craft", "theme")
_LIKED_SHARE = 0.8
"""How often a buyer looks for what they like rather than around."""
_LOOKED_AT = 8
"""Listings that a buyer glances at before turning to one."""
_LIKED: tuple[tuple[UserEventType, int], ...] = (("view", 30), ("click", 44), ("favourite", 11), ("cart", 4), ("bid", 7), ("purchase", 4))
_OTHER: tuple[tuple[UserEventType, int], ...] = (("view", 70), ("click", 28), ("favourite", 2))


class Interest(Struct, frozen=True):
    """Things of a category, best with a word in the title (normalised): a brand, a variety, a material; empty for any."""

    category: tuple[str, ...]
    word: str = ""


class Buyer(Struct, frozen=True):
    """A person of the demo with one to three interests, the strongest first."""

    user_id: str
    interests: tuple[Interest, ...]


def generate_buyers(knowledge: KnowledgeBase, listings: Sequence[ItemEvent], *, count: int, seed: int) -> tuple[Buyer, ...]:
    """`count` buyers `u-0000` … whose interests follow what there is: categories are drawn from the listings.

    Listings without a category are no one's interest; if none has one, buyers have no interests.
    """
    rng = random.Random(f"buyers {seed}")  # noqa: S311  seeded: the same buyers every time
    stock = [event.given.category for event in listings if event.given is not None and event.given.category]
    buyers = []
    for number in range(count):
        categories = dict.fromkeys(rng.choice(stock) for _ in range(rng.randint(1, 3))) if stock else {}
        interests = tuple(Interest(category, _taste(knowledge, path_key(category), rng)) for category in categories)
        buyers.append(Buyer(f"u-{number:04d}", interests))
    return tuple(buyers)


def generate_user_events(
    buyers: Sequence[Buyer], listings: Sequence[ItemEvent], *, count: int, seed: int, start_ms: int, gap_ms: int = 1_000
) -> Iterator[UserEvent]:
    """At most `count` events, one about every `gap_ms` from `start_ms` on, on listings that are on sale at that moment.

    Events for which a buyer finds nothing on sale are left out. Active buyers are few (Zipf).
    """
    rng = random.Random(f"events {seed}")  # noqa: S311  seeded: the same events every time
    market = _Market(listings)
    activity = list(accumulate(1 / (3 + rank) for rank in range(len(buyers))))
    at = start_ms
    for _ in range(count if buyers else 0):
        buyer = rng.choices(buyers, cum_weights=activity)[0]
        at += rng.randint(0, 2 * gap_ms)
        event = _event(buyer, market, at, rng)
        if event is not None:
            yield event


class _Market:
    """Listings by category, and which are gone."""

    def __init__(self, listings: Sequence[ItemEvent]) -> None:
        self.all = [event for event in listings if event.given is not None]
        self.by_category: dict[tuple[str, ...], list[ItemEvent]] = {}
        for event in self.all:
            if event.given is not None:
                self.by_category.setdefault(event.given.category, []).append(event)
        self.sold: set[str] = set()

    def look(self, shelf: Sequence[ItemEvent], at: int, rng: random.Random) -> list[ItemEvent]:
        """A few of a shelf that are on sale at a moment."""
        seen = (rng.choice(shelf) for _ in range(_LOOKED_AT if shelf else 0))
        return [event for event in seen if event.item_id not in self.sold and _is_on_sale(event, at)]


def _event(buyer: Buyer, market: _Market, at: int, rng: random.Random) -> UserEvent | None:
    interest = rng.choice(buyer.interests) if buyer.interests and rng.random() < _LIKED_SHARE else None
    looked = market.look(market.by_category.get(interest.category, ()) if interest else market.all, at, rng)
    if not looked:
        return None
    liked = [event for event in looked if interest and event.given and interest.word in normalise(event.given.title)]
    chosen = (liked or looked)[0]
    habits = _LIKED if liked else _OTHER
    kind = rng.choices([habit for habit, _ in habits], [weight for _, weight in habits])[0]
    if kind == "bid" and chosen.given and chosen.given.sale != "auction":
        kind = "click"
    if kind == "purchase":
        market.sold.add(chosen.item_id)
    return UserEvent(kind, at, user_id=buyer.user_id, item_id=chosen.item_id)


def _is_on_sale(event: ItemEvent, at: int) -> bool:
    given = event.given
    return given is not None and event.at <= at and (given.expires_at is None or at < given.expires_at)


def _taste(knowledge: KnowledgeBase, category: str, rng: random.Random) -> str:
    words = [brand.display for brand in knowledge.brands if category in brand.categories]
    words += [entry.name for kind in _TASTE_KINDS for entry in knowledge.points[kind] if category in entry.categories]
    return normalise(rng.choice(words)) if words and rng.random() < 0.85 else ""
