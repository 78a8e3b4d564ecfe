"""Generated listings are repeatable, varied and readable; generated buyers act on their tastes."""

from collections import Counter

import pytest

from smallpool_core.items import ItemEvent
from smallpool_core.normalise import normalise
from smallpool_models.listings import Interest, generate_buyers, generate_listings, generate_user_events
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander

START_MS = 1_700_000_000_000


@pytest.fixture(scope="module")
def listings(knowledge: KnowledgeBase) -> list[ItemEvent]:
    return list(generate_listings(knowledge, count=3_000, seed=7, start_ms=START_MS))


def test_the_same_seed_gives_the_same_listings_and_another_gives_others(knowledge: KnowledgeBase, listings: list[ItemEvent]) -> None:
    assert list(generate_listings(knowledge, count=3_000, seed=7, start_ms=START_MS)) == listings
    assert list(generate_listings(knowledge, count=3_000, seed=8, start_ms=START_MS)) != listings


def test_fewer_listings_are_the_first_of_more(knowledge: KnowledgeBase, listings: list[ItemEvent]) -> None:
    assert list(generate_listings(knowledge, count=50, seed=7, start_ms=START_MS)) == listings[:50]


def test_ids_are_numbered_and_times_rise(listings: list[ItemEvent]) -> None:
    assert [event.item_id for event in listings[:2]] == ["it-000000", "it-000001"]
    assert len({event.item_id for event in listings}) == len(listings)
    times = [event.at for event in listings]
    assert times == sorted(times)
    assert times[0] >= START_MS


def test_categories_sellers_and_ways_of_sale_vary(listings: list[ItemEvent]) -> None:
    items = [event.given for event in listings if event.given]
    assert len({item.category for item in items}) > 120
    assert len({item.category[0] for item in items if item.category}) > 15
    assert {"fixed", "auction", "free"} == {item.sale for item in items}
    sellers = Counter(item.seller_id for item in items)
    assert len(sellers) > 500
    assert sellers.most_common(1)[0][1] > 20 * len(items) / 2_000
    assert 0.1 < sum(not item.category for item in items) / len(items) < 0.4


def test_auctions_last_six_hours_and_gifts_cost_nothing(listings: list[ItemEvent]) -> None:
    for item in (event.given for event in listings if event.given):
        assert item.price_cents is not None
        assert item.published_at is not None
        assert (item.expires_at is not None) == (item.sale in {"auction", "free"})
        assert item.expires_at is None or item.expires_at - item.published_at == 6 * 3_600_000
        assert (item.price_cents == 0) == (item.sale == "free")


def test_titles_and_descriptions_have_the_length_of_real_ones(listings: list[ItemEvent]) -> None:
    titles = [event.given.title for event in listings if event.given]
    descriptions = [event.given.description for event in listings if event.given and event.given.description]
    assert 20 < sum(map(len, titles)) / len(titles) < 35
    assert 45 < sum(map(len, descriptions)) / len(descriptions) < 75
    assert all("{" not in text and text.strip() for text in titles + descriptions)
    assert len(set(titles)) > 0.97 * len(titles)


def test_generated_titles_are_understood(listings: list[ItemEvent], understander: KnowledgeUnderstander) -> None:
    items = understander.understand([event.given for event in listings[:500] if event.given])
    assert sum(item.category_source == "head_noun" for item in items) < 5
    assert sum(len(item.points) for item in items) / len(items) > 3
    assert len({item.quality for item in items}) > 50


def test_buyers_have_one_to_three_interests_in_what_there_is(knowledge: KnowledgeBase, listings: list[ItemEvent]) -> None:
    buyers = generate_buyers(knowledge, listings, count=100, seed=1)
    stock = {event.given.category for event in listings if event.given}
    assert buyers == generate_buyers(knowledge, listings, count=100, seed=1)
    assert {len(buyer.interests) for buyer in buyers} == {1, 2, 3}
    assert all(interest.category in stock for buyer in buyers for interest in buyer.interests)
    assert sum(bool(interest.word) for buyer in buyers for interest in buyer.interests) > 50


def test_buyers_look_mostly_at_what_they_like_and_click_it_more_often(knowledge: KnowledgeBase, listings: list[ItemEvent]) -> None:
    buyers = generate_buyers(knowledge, listings, count=60, seed=1)
    events = list(generate_user_events(buyers, listings, count=3_000, seed=1, start_ms=listings[-1].at, gap_ms=500))
    assert events == list(generate_user_events(buyers, listings, count=3_000, seed=1, start_ms=listings[-1].at, gap_ms=500))
    interests = {buyer.user_id: buyer.interests for buyer in buyers}
    items = {event.item_id: event.given for event in listings}

    def likes(interest: Interest, item_id: str) -> bool:
        item = items[item_id]
        return item is not None and item.category == interest.category and interest.word in normalise(item.title)

    liked: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for event in events:
        fits = any(likes(interest, event.item_id or "") for interest in interests[event.user_id or ""])
        (liked if fits else other)[event.type] += 1
    assert liked.total() > other.total() * 0.5
    assert (liked["click"] + liked["bid"]) / liked.total() > 1.3 * other["click"] / other.total()
    assert not other["purchase"]


def test_nothing_is_bought_twice_or_looked_at_before_or_after_its_time(knowledge: KnowledgeBase, listings: list[ItemEvent]) -> None:
    buyers = generate_buyers(knowledge, listings, count=30, seed=2)
    late = START_MS + 5 * 3_600_000
    items = {event.item_id: event for event in listings}
    bought: set[str] = set()
    for event in generate_user_events(buyers, listings, count=2_000, seed=2, start_ms=late, gap_ms=10_000):
        assert event.item_id is not None
        item = items[event.item_id]
        assert item.given is not None
        assert event.item_id not in bought
        assert item.at <= event.at < (item.given.expires_at or event.at + 1)
        if event.type == "purchase":
            bought.add(event.item_id)
    assert bought


def test_without_listings_nobody_does_anything(knowledge: KnowledgeBase) -> None:
    buyers = generate_buyers(knowledge, [], count=3, seed=1)
    assert [buyer.interests for buyer in buyers] == [(), (), ()]
    assert list(generate_user_events(buyers, [], count=10, seed=1, start_ms=START_MS)) == []
    assert list(generate_user_events((), [], count=10, seed=1, start_ms=START_MS)) == []
