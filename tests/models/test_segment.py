"""Cutting is jieba's, with numbers and letters kept as people search them."""

from collections.abc import Callable
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_models.understanding.segment import Segmenter

Cut = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def plain() -> Segmenter:
    return Segmenter([])


_RUN = st.text(alphabet="二手苹果手机壳全自动机芯和田玉镯子的不一abciphone0123456789+#&._%-囍", min_size=1, max_size=24)


@given(st.lists(_RUN, min_size=1, max_size=5))
def test_the_path_is_the_one_that_jieba_takes(plain: Segmenter, jieba_cut: Cut, runs: list[str]) -> None:
    for run in runs:
        assert plain.path(run) == jieba_cut(run)


@pytest.fixture(scope="module")
def jieba_cut() -> Cut:
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return lambda run: list(tokenizer.cut(run, HMM=False))


def test_real_titles_are_cut_as_jieba_cuts_them(plain: Segmenter, jieba_cut: Cut, shared_data: Path) -> None:
    titles = (shared_data / "titles" / "jd_unlabelled.txt").read_text(encoding="utf-8").lower().split("\n")[:500]
    runs = ["".join(character for character in title if "一" <= character <= "鿕") for title in titles]
    assert all(plain.path(run) == jieba_cut(run) for run in runs if run)


def test_a_word_that_is_added_stays_whole() -> None:
    assert Segmenter(["无拆修"]).cut("国行无拆修") == ["国", "行", "无拆修"]


def test_no_part_is_cut_out_of_a_number() -> None:
    words = Segmenter(["99新", "9新"]).search("99新")
    assert words == ("99新",)


def test_other_scripts_are_kept_in_whole_runs(plain: Segmenter) -> None:
    assert plain.cut("カメラ привет 한국 mp3🎉") == ["カメラ", "привет", "한국", "mp3"]


def test_a_word_has_a_length_limit(plain: Segmenter) -> None:
    assert plain.cut("x" * 1_000) == ["x" * 24]
