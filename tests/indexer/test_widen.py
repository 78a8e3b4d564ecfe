"""The row of the wide index, from what was given and what was understood."""

from msgspec.structs import replace

from builders import NOW, given
from smallpool_indexer.terms import static_score
from smallpool_indexer.widen import widen
from write_rig import understood


def test_a_row_holds_what_was_given_and_what_was_understood() -> None:
    listing = given("苹果 手机 #国行", city="ＳｈａｎｇＨai", sale="auction", starts_at=NOW, expires_at=NOW + 1)
    item = widen("i1", 4, 2, listing, understood(listing), NOW)
    assert (item.item_id, item.version, item.enrich, item.state) == ("i1", 4, 2, "on_sale")
    assert (item.category, item.spread_key, item.brand, item.points) == ("数码›手机", "数码›手机", "苹果", ("国行",))
    assert (item.sale, item.starts_at, item.expires_at, item.price_cents) == ("auction", NOW, NOW + 1, 100_000)
    assert item.city == "shanghai"
    assert item.given == listing
    assert item.terms[:3] == ("category:数码›手机", "brand:苹果", "seller:s1")
    assert item.static_score == static_score(600, 500)
    assert item.versions == {"understander": "plain-1"}
    assert (item.pools, item.intervals, item.epoch) == ((), {}, 0)


def test_the_time_of_the_event_stands_in_for_a_missing_publication() -> None:
    unsaid = given(published_at=None)
    assert widen("i1", 1, 0, unsaid, understood(unsaid), NOW).published_at == NOW
    assert widen("i1", 1, 0, given(published_at=7), understood(given()), NOW).published_at == 7


def test_pictures_are_counted_where_no_count_is_given() -> None:
    counts = [widen("i1", 1, 0, one, understood(one), NOW).image_count for one in (
        given(image_count=5, images=("a",)), given(image_count=None, images=("a", "b")), given(image_count=None), given(image_count=0),
    )]  # fmt: skip
    assert counts == [5, 2, None, 0]


def test_the_category_is_never_empty() -> None:
    listing = given(category=())
    item = widen("i1", 1, 0, listing, replace(understood(listing), category=()), NOW)
    assert item.category == item.spread_key == "其他"
