"""Words of a title are held against the category that it is listed under: those that fit, those that fit elsewhere, those nobody knows."""

import pytest

from smallpool_models.understanding.characters import shape_of
from smallpool_models.understanding.fitting import UNKNOWN, Fit, Fitting, train_fitting
from smallpool_models.understanding.knowledge import FocusSettings
from smallpool_models.understanding.quality import focus

ROWS = [("普洱茶饼", "茶"), ("普洱茶砖", "茶"), ("普洱熟茶", "茶"), ("台式电脑", "数码"), ("笔记本电脑", "数码"), ("电脑显示器", "数码")]
SETTINGS = FocusSettings(foreign=1, for_own=0.5, half=2)


@pytest.fixture(scope="module")
def fitting() -> Fitting:
    return Fitting(train_fitting(ROWS, least=1))


def fit(fitting: Fitting, words: list[str], category: str) -> Fit:
    return fitting.fit(shape_of(" ".join(words)), words, category)


def test_a_word_fits_the_category_whose_titles_have_it_and_is_foreign_to_the_other(fitting: Fitting) -> None:
    told = fit(fitting, ["普洱", "电脑"], "茶")
    assert (told.own, told.foreign) == (1, 1)
    assert fit(fitting, ["普洱", "茶饼"], "茶").own == 2
    assert fit(fitting, ["普洱", "茶饼"], "数码").foreign == 2


def test_a_word_of_which_nothing_is_known_neither_fits_nor_is_foreign(fitting: Fitting) -> None:
    told = fit(fitting, ["普洱", "咖啡", "abc", "12"], "茶")
    assert (told.own, told.foreign) == (1, 0)
    assert fit(fitting, ["咖啡"], "茶") == Fit(UNKNOWN, UNKNOWN, 0, 0)


def test_a_word_said_twice_counts_once(fitting: Fitting) -> None:
    assert fit(fitting, ["普洱", "电脑", "电脑"], "茶").foreign == 1


def test_under_an_unknown_category_words_are_held_against_the_one_that_fits_best(fitting: Fitting) -> None:
    told = fit(fitting, ["普洱", "茶饼", "电脑"], "书")
    assert (told.own, told.foreign) == (2, 1)


def test_a_title_of_one_thing_is_focused_and_half_of_it_is_lost_with_so_many_foreign_words_beyond() -> None:
    assert focus(own=4, foreign=3, settings=SETTINGS) == 1
    assert focus(own=4, foreign=5, settings=SETTINGS) == 0.5
    assert focus(own=0, foreign=9, settings=SETTINGS) < 0.1


def test_one_more_foreign_word_never_raises_the_focus_and_one_more_of_its_own_never_lowers_it() -> None:
    by_foreign = [focus(own=4, foreign=count, settings=SETTINGS) for count in range(12)]
    by_own = [focus(own=count, foreign=6, settings=SETTINGS) for count in range(12)]
    assert by_foreign == sorted(by_foreign, reverse=True)
    assert by_own == sorted(by_own)
