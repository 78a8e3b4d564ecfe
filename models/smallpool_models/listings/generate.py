"""Generates listings as sellers would publish them: second-hand goods and 文玩, seeded.

In: the knowledge base and a seed. Out: `ItemEvent`s in order of time. The same arguments give the same events, and a
smaller count gives the first of those that a larger one gives.
"""

import math
import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from msgspec import Struct

from smallpool_core.items import AttributeValue, Given, ItemEvent, Sale
from smallpool_models.listings.shelves import Shelf, make_shelves
from smallpool_models.listings.writing import Draft, draw, write_description, write_title
from smallpool_models.understanding.knowledge import KnowledgeBase, ListingNoise

AUCTION_MS = 6 * 3_600_000
_PICTURES = (0, 3, 8, 12, 14, 16, 16, 10, 8, 13)
"""Weights of 0 to 9 pictures."""
_PRICE_FACTORS = {"new": 1.25, "like_new": 1.1, "good": 1.0, "fair": 0.75, "poor": 0.4}


class _Seller(Struct, frozen=True):
    seller_id: str
    city: str
    shelves: tuple[Shelf, ...]


def generate_listings(
    knowledge: KnowledgeBase, *, count: int, seed: int, start_ms: int, gap_ms: int = 500, sellers: int = 2_000
) -> Iterator[ItemEvent]:
    """`count` published items `it-000000` …, one about every `gap_ms` from `start_ms` on, by sellers of Zipf activity.

    Prices are log-normal by category, shifted by brand and wear; auctions start low and leave six hours after
    publication, as do the things that are given away.
    """
    rng = random.Random(seed)  # noqa: S311  seeded: the same listings every time
    shelves = make_shelves(knowledge, rng)
    shops = _sellers(knowledge, shelves, sellers, rng)
    activity = list(accumulate(1 / (5 + rank) for rank in range(sellers)))
    grades = {word.text: word.meaning for word in knowledge.conditions}
    at = start_ms
    for number in range(count):
        seller = rng.choices(shops, cum_weights=activity)[0]
        shelf = rng.choice(seller.shelves)
        draft = draw(shelf, rng)
        at += rng.randint(0, 2 * gap_ms)
        given = _given(shelf, draft, seller, at, knowledge.listings.noise, grades, rng)
        yield ItemEvent("published", f"it-{number:06d}", 1, at, given)


def _given(
    shelf: Shelf, draft: Draft, seller: _Seller, at: int, noise: ListingNoise, grades: Mapping[str, str], rng: random.Random
) -> Given:
    sale = _sale(shelf, rng)
    title, description = write_title(shelf, draft, rng), write_description(shelf, draft, rng)
    return Given(
        title=_stuffed(title, shelf, rng) if rng.random() < noise.stuffed else title,
        description=_described(description, noise, rng),
        category=() if rng.random() < noise.no_category else shelf.category.path,
        price_cents=_price(shelf, draft, sale, grades, rng),
        seller_id=seller.seller_id,
        city=seller.city,
        image_count=0 if rng.random() < noise.no_images else rng.choices(range(10), _PICTURES)[0],
        sale=sale,
        published_at=at,
        starts_at=at if sale == "auction" else None,
        expires_at=at + AUCTION_MS if sale in {"auction", "free"} else None,
        attributes=_attributes(draft, rng),
    )


def _sale(shelf: Shelf, rng: random.Random) -> Sale:
    share = rng.random()
    if share < shelf.group.free_share:
        return "free"
    return "auction" if share < shelf.group.free_share + shelf.group.auction_share else "fixed"


def _price(shelf: Shelf, draft: Draft, sale: Sale, grades: Mapping[str, str], rng: random.Random) -> int:
    """Cents; whole yuan, as people price. A free item costs nothing, an auction starts at one yuan or at a part of the value."""
    if sale == "free":
        return 0
    category = shelf.category
    shift = (zlib.crc32(draft.brand.key.encode()) % 1000 / 1000 - 0.5) if draft.brand else 0.0
    value = category.median_cents * math.exp(category.spread * (0.8 * rng.gauss(0, 1) + shift))
    value *= _PRICE_FACTORS[grades.get(draft.words.get("condition", ""), "good")]
    if sale == "auction":
        value *= 0 if rng.random() < 0.15 else rng.uniform(0.1, 0.7)
    return max(1, round(value / 100)) * 100


def _attributes(draft: Draft, rng: random.Random) -> dict[str, AttributeValue]:
    """What some sellers fill into the form."""
    given: dict[str, AttributeValue] = {}
    if rng.random() < 0.15:
        if draft.brand is not None:
            given["品牌"] = draft.brand.display
        if "material" in draft.words:
            given["材质"] = draft.words["material"]
    return given


def _described(description: str, noise: ListingNoise, rng: random.Random) -> str:
    if rng.random() < noise.no_description:
        return ""
    return description + rng.choice(noise.contact_texts) if rng.random() < noise.contact else description


def _stuffed(title: str, shelf: Shelf, rng: random.Random) -> str:
    """The title with brands and products that are not the item's, as some sellers do to be found."""
    words = [rng.choice(shelf.products).name for _ in range(4) if shelf.products]
    words += [rng.choice(shelf.brands).display for _ in range(3) if shelf.brands]
    return f"{title} {' '.join(words)} 爆款 热卖"


def _sellers(knowledge: KnowledgeBase, shelves: Sequence[Shelf], count: int, rng: random.Random) -> list[_Seller]:
    cities, weights = list(knowledge.cities), list(knowledge.cities.values())
    popularity = [shelf.weight for shelf in shelves]
    return [
        _Seller(
            f"s-{number:05d}",
            rng.choices(cities, weights)[0],
            tuple(rng.choices(shelves, popularity, k=rng.randint(1, 4))),
        )
        for number in range(count)
    ]
