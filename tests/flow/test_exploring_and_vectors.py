"""The newer sources through everything that a wiring puts together: what nobody was shown, what is like a person's interests, and what
lies beside them.
"""

from pathlib import Path

from builders import HOUR, NOW, item_event, user_event
from encoder_rig import MODEL, HashedItems, Models, floats, hashed
from read_rig import ids
from smallpool_core.encoder_ports import Encoders, Parts
from smallpool_core.items import Given
from smallpool_service.page import Explained, Page
from system_rig import EVERYTHING, Marketplace, listing, sold

OFF = {"terms": 0.0, "x2i": 0.0, "popular": 0.0, "newest": 0.0, "explore": 0.0}
VECTORS = {"sources": {**OFF, "vectors": 0.5, "latent": 0.0}}
LATENT = {"sources": {**OFF, "vectors": 0.0, "latent": 0.5}}


def explained(page: Page) -> dict[str, Explained]:
    return {item.item_id: item.explain for item in page.items if isinstance(item.explain, Explained)}


def test_vectors_find_what_is_like_a_click_also_when_that_is_sold_and_once_it_came_in(tmp_path: Path) -> None:
    with Marketplace(tmp_path, models=Models(hashed())) as market:
        market.put_pool("p", EVERYTHING, settings=VECTORS)
        market.take(listing("a", "苹果 手机"), listing("jade", "和田玉 手串", "手串"), user_event("click", "a", pool_id="p"))
        market.take(sold("a"))
        market.take(listing("b", "苹果 手机 128G"))
        page = market.recall(dry_run=True, explain=True)
        assert ids(page)[0] == "b"
        assert page.items[0].sources == ["vectors"]


def test_a_page_says_which_interest_brought_an_item_and_by_which_model(tmp_path: Path) -> None:
    with Marketplace(tmp_path, models=Models(hashed())) as market:
        market.put_pool("p", EVERYTHING, settings=VECTORS)
        market.take(listing("a", "苹果 手机"), listing("b", "苹果 手机 128G"), user_event("click", "a", pool_id="p"))
        page = market.recall(dry_run=True, explain=True)
        [interest] = explained(page)["b"].interests  # type: ignore[misc]
        assert (interest.source, interest.interest, interest.categories) == ("vectors", 1, ["数码›手机"])
        assert page.trace.vectors
        assert page.trace.vectors.model == MODEL
        assert page.trace.vectors.interests
        assert page.trace.vectors.interests[0].categories == ["数码›手机"]


def test_a_category_beside_an_interest_that_was_never_visited_is_recalled_and_labelled(tmp_path: Path) -> None:
    with Marketplace(tmp_path, models=Models(hashed())) as market:
        market.put_pool("p", EVERYTHING, settings=LATENT)
        market.take(listing("phone", "苹果 手机"), listing("phone2", "苹果 手机"), listing("pad", "苹果 平板", "平板"))
        market.take(user_event("click", "phone", pool_id="p"))
        page = market.recall(dry_run=True, explain=True)
        brought = {item.item_id for item in page.items if "latent" in item.sources}
        assert brought == {"pad"}
        [interest] = explained(page)["pad"].interests  # type: ignore[misc]
        assert (interest.source, interest.interest, interest.categories[0]) == ("latent", 1, "数码›手机")


def test_why_says_by_which_interest_an_item_is_on_the_page(tmp_path: Path) -> None:
    with Marketplace(tmp_path, models=Models(hashed())) as market:
        market.put_pool("p", EVERYTHING, settings=LATENT)
        market.take(listing("phone", "苹果 手机"), listing("pad", "苹果 平板", "平板"), user_event("click", "phone", pool_id="p"))
        assert market.why_in_full("pad").more == ("latent: rank 1, interest 1 (数码›手机, 数码›平板), a category never visited before",)


def test_a_pool_that_asks_for_vectors_where_none_are_made_is_told_how_to_have_them(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool("p", EVERYTHING, settings={"sources": {"vectors": 0.5}})
        market.take(listing("a"), listing("b"), user_event("click", "a", pool_id="p"))
        page = market.recall(dry_run=True)
        assert sorted(ids(page)) == ["a", "b"]
        assert ["[models] vectors" in failed.reason for failed in page.trace.failed if failed.source == "vectors"] == [True]


def test_a_pool_that_asks_for_nothing_misses_nothing_where_no_vectors_are_made(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool("p", EVERYTHING)
        market.take(listing("a"), listing("b"), user_event("click", "a", pool_id="p"))
        page = market.recall(dry_run=True)
        assert page.degraded == []
        assert {"vectors", "latent"}.isdisjoint(one.source for one in page.trace.sources)


def test_an_item_whose_vector_is_none_is_served_without_one_and_counted(tmp_path: Path) -> None:
    class Ailing(HashedItems):
        def encode(self, items: list[Parts]) -> list[bytes]:  # type: ignore[override]
            made = super().encode(items)
            return [floats(*[float("nan")] * 64) if "坏" in one.title_words else vector for one, vector in zip(items, made, strict=True)]

    with Marketplace(tmp_path, models=Models(Encoders(Ailing(), hashed().people))) as market:
        market.put_pool("p", EVERYTHING)
        market.take(listing("good", "苹果 手机"), listing("bad", "苹果 手机 坏"), user_event("click", "good", pool_id="p"))
        assert (len(market.item("good").vector), market.item("bad").vector) == (64, b"")
        assert market.figures.counts["unembedded"] == 1
        assert sorted(market.glance()) == ["bad", "good"]


def test_an_item_without_category_or_title_words_that_count_is_embedded_as_what_is_known_of_it(tmp_path: Path) -> None:
    with Marketplace(tmp_path, models=Models(hashed())) as market:
        market.put_pool("p", EVERYTHING, settings=VECTORS)
        market.take(item_event("bare", given=Given("？")), listing("b", "苹果 手机"))
        market.take(user_event("click", "b", pool_id="p"))
        assert len(market.item("bare").vector) == 64
        assert "b" in market.glance()


def test_of_a_pool_what_was_shown_least_is_explored_first(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool("p", EVERYTHING, settings={"sources": {"explore": 1.0, "terms": 0.0, "popular": 0.0, "newest": 0.0}})
        market.take(*(listing(name, category=name, expires_at=NOW + HOUR) for name in ("a", "b", "c")))
        market.take(*(user_event("expose", "a", user_id=f"u{place}", pool_id="p", at=NOW - place) for place in range(2)))
        market.take(user_event("expose", "b", user_id="u9", pool_id="p"))
        explained_items = explained(market.recall(dry_run=True, explain=True))
        ranks = {item_id: one.sources["explore"] for item_id, one in explained_items.items()}
        assert sorted(ranks, key=ranks.__getitem__) == ["c", "b", "a"]
