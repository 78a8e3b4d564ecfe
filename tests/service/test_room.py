"""What of a page's candidates is offered: caps per spread key and seller, and quotas by kind, over the whole page."""

from read_rig import hit
from smallpool_core.quotas import Quota
from smallpool_service.candidates import Candidate, Scored
from smallpool_service.room import Limits, Placed, offer

ANY: dict[str, object] = {"all": []}


def scored(item_id: str, category: str | None = None, seller: str | None = None, kinds: tuple[int, ...] = ()) -> Scored:
    """A candidate in a category of its own, of no seller, unless told otherwise."""
    return Scored(Candidate(hit(item_id, category=category or item_id, seller_id=seller), {}), (), 0.5, kinds=kinds)


def offered(ranked: list[Scored], limits: Limits, *page: Placed, most: int = 20) -> tuple[str, str]:
    """The ids that are offered and those that wait; every id is one letter."""
    first, rest = offer(ranked, page, limits, most)
    return "".join(one.item_id for one in first), "".join(one.item_id for one in rest)


def test_what_is_offered_fits_the_cap_of_the_whole_page_and_the_rest_waits_in_order() -> None:
    ranked = [scored("a", "书"), scored("b", "书"), scored("c", "书"), scored("d", "表"), scored("e", "书")]
    assert offered(ranked, Limits(10, 2), Placed("书")) == ("ad", "bce")


def test_no_more_are_offered_at_once_than_asked() -> None:
    assert offered([scored(one) for one in "abcdefghi"], Limits(10, 3), most=4) == ("abcd", "efghi")


def test_a_seller_gets_no_more_places_than_the_pool_allows_over_the_page_and_the_offer_together() -> None:
    ranked = [scored("a", seller="s"), scored("b", seller="s"), scored("c", seller="t"), scored("d", seller="s"), scored("e")]
    assert offered(ranked, Limits(10, 3, per_seller=2)) == ("abce", "d")
    assert offered(ranked, Limits(10, 3, per_seller=2), Placed("x", "s")) == ("ace", "bd")
    assert offered(ranked, Limits(10, 3)) == ("abcde", "")


def test_items_without_a_seller_share_no_cap() -> None:
    assert offered([scored(one) for one in "abc"], Limits(10, 3, per_seller=1)) == ("abc", "")


def test_the_most_of_a_kind_is_never_passed() -> None:
    limits = Limits(10, 3, quotas=(Quota(ANY, at_most=2),))
    ranked = [scored(one, kinds=(0,)) for one in "abc"] + [scored("d")]
    assert offered(ranked, limits) == ("abd", "c")
    assert offered(ranked, limits, Placed("x", kinds=(0,))) == ("ad", "bc")
    assert offered(ranked, Limits(10, 3, quotas=(Quota(ANY, at_most=0),))) == ("d", "abc")


def test_seats_are_kept_for_the_least_of_a_kind_and_what_gave_way_comes_next() -> None:
    limits = Limits(3, 3, quotas=(Quota(ANY, at_least=2),))
    ranked = [scored("a"), scored("b"), scored("c"), scored("d", kinds=(0,)), scored("e", kinds=(0,)), scored("f", kinds=(0,))]
    first, rest = offered(ranked, limits)
    assert (first[:3], first[3:5], rest) == ("ade", "bc", "f")
    assert offered(ranked, limits, Placed("x", kinds=(0,)))[0][:2] == "ad"


def test_where_there_are_too_few_of_a_kind_others_take_its_seats() -> None:
    limits = Limits(3, 3, quotas=(Quota(ANY, at_least=2),))
    assert offered([scored("a"), scored("b"), scored("c"), scored("d", kinds=(0,))], limits) == ("adbc", "")


def test_the_most_of_one_kind_and_the_least_of_another_hold_together() -> None:
    limits = Limits(3, 3, quotas=(Quota(ANY, at_most=1), Quota(ANY, at_least=1)))
    ranked = [scored("a", kinds=(0,)), scored("b", kinds=(0,)), scored("c"), scored("d"), scored("e", kinds=(1,))]
    assert offered(ranked, limits)[0][:3] == "ace"
