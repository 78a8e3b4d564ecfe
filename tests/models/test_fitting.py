"""Words of a title are held against the category that it is listed under: those that fit, those that fit elsewhere, those nobody knows."""

import pytest

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.fitting import UNKNOWN, Fit, Fitting, train_fitting
from smallpool_models.understanding.knowledge import ContentSettings, FocusSettings
from smallpool_models.understanding.quality import content, focus

ROWS = [("普洱茶饼", "茶"), ("普洱茶砖", "茶"), ("普洱熟茶", "茶"), ("台式电脑", "数码"), ("笔记本电脑", "数码"), ("电脑显示器", "数码")]
LAMPS, SOFAS = f"家居{PATH_SEPARATOR}灯具", f"家居{PATH_SEPARATOR}沙发床具"
WORDS = [("奶糖", "食品"), ("软糖", "食品"), ("吊灯", LAMPS), ("台灯", LAMPS), ("沙发", SOFAS)]
SETTINGS = FocusSettings(foreign=1, half=0.5)


@pytest.fixture(scope="module")
def fitting() -> Fitting:
    return Fitting(train_fitting(ROWS, least=1))


@pytest.fixture(scope="module")
def taught() -> Fitting:
    return Fitting(train_fitting([], least=1, words=WORDS))


def test_a_word_fits_the_category_whose_titles_have_it_and_is_foreign_to_the_other(fitting: Fitting) -> None:
    told = fitting.fit(["普洱", "电脑"], "茶")
    assert (told.own, told.foreign) == (1, 1)
    assert fitting.fit(["普洱", "茶饼"], "茶").own == 2
    assert fitting.fit(["普洱", "茶饼"], "数码").foreign == 2


def test_a_word_of_which_nothing_is_known_neither_fits_nor_is_foreign(fitting: Fitting) -> None:
    told = fitting.fit(["普洱", "咖啡", "abc", "12"], "茶")
    assert (told.own, told.foreign) == (1, 0)
    assert fitting.fit(["咖啡"], "茶") == Fit(UNKNOWN, UNKNOWN, 0, 0)
    assert fitting.fit(["咖啡"], "书") == Fit(UNKNOWN, UNKNOWN, 0, 0)


def test_a_word_said_twice_counts_once(fitting: Fitting) -> None:
    assert fitting.fit(["普洱", "电脑", "电脑"], "茶").foreign == 1


def test_under_an_unknown_category_words_are_held_against_the_one_that_fits_best(fitting: Fitting) -> None:
    told = fitting.fit(["普洱", "茶饼", "电脑"], "书")
    assert (told.own, told.foreign) == (2, 1)


def test_words_in_another_order_fit_as_they_did(fitting: Fitting) -> None:
    assert fitting.fit(["普洱", "茶饼", "电脑"], "茶") == fitting.fit(["电脑", "茶饼", "普洱"], "茶")


def test_the_more_pairs_speak_for_a_category_the_surer_is_the_score(fitting: Fitting) -> None:
    scores = [fitting.fit(words, "茶").score for words in ([], ["普洱"], ["普洱", "茶饼"], ["普洱", "茶饼", "茶砖"])]
    assert scores == sorted(set(scores))
    assert scores[0] == UNKNOWN


def test_a_word_that_fits_the_top_of_the_category_is_not_foreign(taught: Fitting) -> None:
    assert taught.fit(["沙发"], LAMPS).own == 1
    assert taught.fit(["沙发"], "食品").foreign == 1


def test_a_word_that_nobody_listed_is_known_by_how_it_ends(taught: Fitting) -> None:
    assert taught.fit(["水果糖"], "食品").own == 1
    assert taught.fit(["水果糖"], LAMPS).foreign == 1
    assert taught.fit(["水果汁", "5糖"], "食品") == Fit(UNKNOWN, UNKNOWN, 0, 0)


def test_a_title_of_one_thing_is_focused_and_half_of_it_is_lost_with_so_many_foreign_words_for_each_of_its_own() -> None:
    assert focus(own=0, foreign=1, settings=SETTINGS) == 1
    assert focus(own=3, foreign=3, settings=SETTINGS) == 0.5
    assert focus(own=0, foreign=9, settings=SETTINGS) < 0.1


def test_one_more_foreign_word_never_raises_the_focus_and_one_more_of_its_own_never_lowers_it() -> None:
    by_foreign = [focus(own=4, foreign=count, settings=SETTINGS) for count in range(12)]
    by_own = [focus(own=count, foreign=6, settings=SETTINGS) for count in range(12)]
    assert by_foreign == sorted(by_foreign, reverse=True)
    assert by_own == sorted(by_own)


def test_words_add_to_what_a_title_says_and_foreign_ones_take_away_more_than_they_add() -> None:
    settings = ContentSettings(words=5, foreign=3.5)
    assert content(5, 0, settings) < content(10, 0, settings) < 1
    assert content(6, 1, settings) < content(5, 0, settings)
    assert content(3, 4, settings) == 0
