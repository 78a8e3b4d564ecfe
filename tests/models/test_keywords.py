"""Keywords of a marketplace by what they mean, with an encoder that knows three things."""

from collections.abc import Sequence

import pytest

from keyword_rig import NAMES, FewWords
from smallpool_core.encoder_ports import Parts
from smallpool_core.items import WideItem
from smallpool_core.keyword_ports import Keyword
from smallpool_core.users import UserEvent
from smallpool_models.intent.keywords import FEWEST_LISTINGS, REFRESHED_MS, RETRIED_MS, KeywordBook, is_spelling_of
from smallpool_models.intent.meant import AFTER_MS, meant_by, searched_for


def book() -> KeywordBook:
    made = KeywordBook(FewWords, NAMES)
    made.take(None)
    return made


def listed(number: int, *terms: str, category: str = "茶具›茶壶") -> WideItem:
    return WideItem(f"i{number}", 1, 0, "on_sale", category=category, terms=terms)


def words(found: Sequence[Keyword]) -> list[str]:
    return [one.keyword for one in found]


def test_what_means_something_near_comes_first_and_what_means_something_else_not_at_all() -> None:
    found = book().related("茶壶", 10)
    assert words(found) == ["紫砂壶", "茶叶"]
    assert 1 >= found[0].score >= found[1].score > 0


def test_neither_the_query_nor_another_spelling_of_it_is_related_to_it() -> None:
    assert "紫砂壶" not in words(book().related(" 紫砂-壶 ", 10))
    assert "紫砂壶" not in words(book().related("砂壶", 10))
    assert "手机" not in words(book().related("移动电话机", 10))
    assert "Apple" not in words(book().related("ＡＰＰＬＥ", 10))
    assert "Apple" in words(book().related("手机", 10))


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        (["iphone"], ["iphon"], True),
        (["iphone"], ["iphonee"], True),
        (["iphone", "13"], ["iphone", "14"], False),
        (["cat"], ["car"], False),
        (["紫砂"], ["紫陶"], False),
        (["and", "roid"], ["android"], True),
        ([], ["茶"], False),
    ],
)
def test_spellings_differ_by_what_stands_between_or_by_one_letter_of_a_long_word(one: list[str], other: list[str], is_one: bool) -> None:
    assert is_spelling_of(one, other) is is_one


def test_what_several_listings_are_known_by_is_a_keyword_and_what_one_is_is_none() -> None:
    one = book()
    several = [listed(number, "brand:壶王") for number in range(FEWEST_LISTINGS)]
    one.take([*several, listed(9, "brand:孤壶")])
    found = words(one.related("茶叶", 100))
    assert "壶王 茶壶" in found
    assert not any("孤壶" in keyword for keyword in found)
    one.take([])
    assert "壶王 茶壶" not in words(one.related("茶叶", 100))


def test_listings_that_could_not_be_read_leave_what_is_known() -> None:
    one = book()
    one.take([listed(1, "brand:壶王"), listed(2, "brand:壶王")])
    one.take(None)
    assert "壶王" in words(one.related("茶叶", 100))


def test_one_caller_at_a_time_looks_at_the_listings() -> None:
    one = KeywordBook(FewWords, NAMES)
    assert one.has_turn(1_000)
    assert not one.has_turn(1_001)
    assert one.has_turn(1_000 + RETRIED_MS)
    one.take(None)
    assert not one.has_turn(1_000 + 2 * RETRIED_MS)
    assert one.has_turn(1_000 + RETRIED_MS + REFRESHED_MS)
    assert one.has_turn(5)


class Learnt(FewWords):
    """Trained anew, in the same space."""

    version = "more words"


def test_another_model_of_the_same_space_is_told_apart_and_embeds_the_keywords_anew() -> None:
    in_force = [FewWords()]
    one = KeywordBook(lambda: in_force[0], NAMES)
    assert one.has_turn(0)
    one.take(None)
    in_force[0] = Learnt()
    assert (Learnt.model, one.model, one.related("茶壶", 10)) == (FewWords.model, Learnt.version, [])
    assert one.has_turn(RETRIED_MS)
    one.take(None)
    assert one.related("茶壶", 10)


def test_without_a_model_nothing_is_related_to_anything() -> None:
    one = KeywordBook(lambda: None, NAMES)
    one.take(None)
    assert one.model == ""
    assert one.related("茶壶", 10) == []


def test_a_query_that_says_nothing_has_no_keywords() -> None:
    assert all(book().related(text, 10) == [] for text in ("", "😀", "*:*", "\x00", "xyz"))


def test_a_search_is_meant_to_find_what_its_maker_clicks_soon_after_it() -> None:
    def act(kind: str, at: int, user: str = "u", **more: str) -> UserEvent:
        return UserEvent(kind, at, user_id=user, **more)  # type: ignore[arg-type]

    events = [
        act("search", 0, query="壶"),
        act("click", 10, item_id="a"),
        act("view", 20, item_id="b"),
        act("click", 30, user="v", item_id="c"),
        act("search", 40, query="茶"),
        act("purchase", 50, item_id="a"),
        act("click", 41 + AFTER_MS, item_id="d"),
    ]
    assert searched_for(events) == {"a": ("壶", "茶")}


def test_an_item_is_known_by_its_words_alone_and_together() -> None:
    texts = meant_by(Parts("茶具›茶壶", ("brand:壶王", "point:朱泥", "price_band:3"), ("壶",)))
    assert texts == ("壶王", "朱泥", "茶具", "茶壶", "壶王 朱泥", "壶王 茶壶", "朱泥 茶壶")
    assert meant_by(Parts()) == ()
