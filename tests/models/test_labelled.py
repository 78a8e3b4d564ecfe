"""Labels of titles: files of them, what is read of a title, how figures are counted, and what of a model's answer counts."""

from pathlib import Path

import numpy as np
import pytest

from smallpool_core.errors import TitlesRefused
from smallpool_models.labels.deciding import TagRule, confidences, fitted_sureness, given_tags
from smallpool_models.labels.grams import GramReader, grams_in, learnt_vocabulary
from smallpool_models.labels.rows import read_categories, read_tags
from smallpool_models.labels.scores import calibration_error, label_score
from smallpool_models.understanding.category import Placed
from smallpool_models.understanding.labelled import Guess, all_tags, guessed, settled


def test_categories_are_read_and_what_is_dropped_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "shop.tsv"
    file.write_bytes("茶\t茶壶\r\n\n家电\t空调\n茶\t茶壶\n没有标签\n\t空的\n茶\t坏\ufffd\n".encode())
    one = read_categories(file)
    assert [(title.text, title.labels) for title in one.titles] == [("茶壶", ("茶",)), ("空调", ("家电",))]
    assert one.dropped == {"the same title again": 1, "no row of title and labels": 2, "holds U+FFFD": 1}
    assert (one.name, one.labels) == ("shop", ("家电", "茶"))


def test_tags_are_read_each_once(tmp_path: Path) -> None:
    file = tmp_path / "shop.tsv"
    file.write_text("1\t套装\tA 水#;#A 乳 #;#A 水\n2\t别的\tB 霜\n3\t没有\t#;#\n", "utf-8")
    one = read_tags(file)
    assert [title.labels for title in one.titles] == [("A 水", "A 乳"), ("B 霜",)]
    assert one.dropped == {"no row of title and labels": 1}


def test_a_file_without_a_row_is_refused_with_its_form(tmp_path: Path) -> None:
    file = tmp_path / "shop.tsv"
    file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(TitlesRefused, match="category TAB title"):
        read_categories(file)


def test_the_runs_of_a_title_know_its_edges() -> None:
    assert grams_in("茶壶") == ["茶", "壶", "\n茶", "茶壶", "壶\n", "\n茶壶", "茶壶\n"]


def test_rows_are_those_of_tf_idf() -> None:
    texts = ["茶壶茶", "茶", "空调"]
    vocabulary = learnt_vocabulary(texts, 2)
    assert vocabulary.grams == ("\n茶", "茶", "茶\n")
    assert vocabulary.rarity == (pytest.approx(1 + np.log(4 / 3), abs=1e-4),) * 3
    grams = GramReader(vocabulary).read([*texts, ""])
    expected = np.array([1, 1 + np.log(2), 1]) / np.sqrt(2 + (1 + np.log(2)) ** 2)
    assert grams.weights[0] == pytest.approx(expected, abs=1e-4)
    assert grams.weights[2:].sum() == grams.numbers[2:].sum() == 0


def test_confidence_is_as_far_from_the_truth_as_its_bins_say() -> None:
    right = np.array([True] * 6 + [False] * 4)
    assert calibration_error(np.full(10, 0.6), right) == pytest.approx(0.0)
    assert calibration_error(np.full(10, 1.0), right) == pytest.approx(0.4)
    assert calibration_error(np.array([0.1] * 4 + [0.9] * 6), right[::-1]) == pytest.approx(0.1)


def test_scores_are_read_as_sure_as_they_are_right() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 4_000)
    said = np.where(rng.random(4_000) < 0.7, truth, (truth + 1) % 3)
    scores = np.eye(3, dtype=np.float32)[said] * 20
    best, sure = fitted_sureness(scores, truth).likeliest(scores)
    assert calibration_error(confidences(scores, 1.0).max(axis=1), said == truth) > 0.25
    assert calibration_error(sure, best == truth) < 0.03


def test_labels_that_are_wrong_do_not_make_the_surest_answers_too_sure() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 5, 6_000)
    scores = (rng.normal(size=(6_000, 5)) + rng.choice([1.0, 9.0], size=(6_000, 1)) * np.eye(5)[truth]).astype(np.float32)
    labelled = np.where(rng.random(6_000) < 0.06, rng.integers(0, 5, 6_000), truth)
    sureness = fitted_sureness(scores[:3_000], labelled[:3_000])
    best, sure = sureness.likeliest(scores[3_000:])
    right = best == labelled[3_000:]
    by_temperature = confidences(scores[3_000:], sureness.temperature).max(axis=1)
    assert calibration_error(sure, right) < calibration_error(by_temperature, right)


def test_titles_that_are_all_read_right_make_nothing_infinitely_sure() -> None:
    scores = 4 * np.eye(2, dtype=np.float32)[[0, 1] * 10]
    _, sure = fitted_sureness(scores, np.array([0, 1] * 10)).likeliest(scores)
    assert (sure < 1).all()
    assert np.isfinite(sure).all()


def test_below_the_threshold_more_answers_are_wrong_than_right() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 3_000)
    doubtful = np.arange(3_000) >= 2_000  # of these the net knows nothing
    scores = np.where(doubtful[:, None], rng.normal(size=(3_000, 3)), 6 * np.eye(3)[truth]).astype(np.float32)
    sureness = fitted_sureness(scores, truth)
    _, sure = sureness.likeliest(scores)
    assert (sure[~doubtful] >= sureness.other_below).all()
    assert (sure[doubtful] < sureness.other_below).mean() > 0.8


def test_macro_counts_labels_alike_and_micro_titles() -> None:
    one = label_score([("a",), ("a",), ("a",), ("b",)], [("a",), ("a",), ("a",), ("a",)])
    assert (one.precision, one.recall, one.f1) == (0.75, 0.75, 0.75)
    assert one.macro_f1 == pytest.approx((6 / 7 + 0) / 2)


def test_a_title_is_given_its_likeliest_tag_if_it_is_likely_at_all() -> None:
    rule = TagRule((0.5, 0.2, 0.9), 0.1)
    found = given_tags(np.array([[0.8, 0.3, 0.6], [0.2, 0.1, 0.3], [0.05, 0.0, 0.01]]), rule)
    assert found.tolist() == [[True, True, False], [False, False, True], [False, False, False]]


PHONE = ("数码", "手机")


@pytest.mark.parametrize(
    ("by_words", "guess", "counts"),
    [
        (Placed(("书",), "given", 1.0), Guess(PHONE, 0.9), Placed(("书",), "given", 1.0)),
        (Placed(("书",), "predicted", 0.6), Guess(PHONE, 0.9), Placed(("书",), "predicted", 0.6)),
        (Placed(("书",), "predicted", 0.4), Guess(PHONE, 0.9), Placed(PHONE, "predicted", 0.9)),
        (Placed(("书",), "predicted", 0.4), Guess(PHONE, 0.3), Placed(("书",), "predicted", 0.4)),
        (Placed(PHONE, "predicted", 0.4), Guess(PHONE, 0.9), Placed(PHONE, "predicted", 0.9)),
        (Placed(("其他", "手柄"), "head_noun", 0.0), Guess(PHONE, 0.9), Placed(PHONE, "predicted", 0.9)),
        (Placed(("其他", "手柄"), "head_noun", 0.0), None, Placed(("其他", "手柄"), "head_noun", 0.0)),
    ],
)
def test_the_seller_comes_first_then_sure_words_then_who_is_surer(by_words: Placed, guess: Guess | None, counts: Placed) -> None:
    assert settled(by_words, guess) == counts


def test_a_label_is_a_path_and_tags_come_after_those_of_the_words() -> None:
    assert guessed("数码›手机", 0.91234) == Guess(PHONE, 0.912)
    assert guessed(" › ", 0.9) is None
    assert all_tags(("包邮",), ["ＡＨＣ 水", "包邮", " "]) == ("包邮", "ahc 水")
