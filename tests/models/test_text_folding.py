"""Folded text leads back to what was written, whatever normalisation did to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.normalise import normalise
from smallpool_models.understanding.text import Folder

FOLDER = Folder({ord("鐲"): "镯"})


@pytest.mark.parametrize(
    ("written", "part", "original"),
    [
        ("手鐲", "手镯", "手鐲"),
        ("重２㎏的", "2kg", "２㎏"),
        ("ＡＢＣ", "b", "Ｂ"),
        ("①号", "1", "①"),
        ("cafe\u0301杯", "é", "e\u0301"),
        ("ﾊﾟｿｺﾝ", "パ", "ﾊﾟ"),
        ("plain", "lai", "lai"),
    ],
)
def test_a_match_is_told_in_the_characters_that_were_written(written: str, part: str, original: str) -> None:
    folded = FOLDER.fold(written)
    start = folded.text.index(part)
    first, last = folded.original(start, start + len(part))
    assert written[first:last] == original


@given(st.text(max_size=40))
def test_every_match_lies_inside_the_original(written: str) -> None:
    folded = FOLDER.fold(written)
    assert len(folded.text) == len(folded.normal)
    for start in range(len(folded.text)):
        first, last = folded.original(start, start + 1)
        assert 0 <= first < last <= len(written)


@given(st.text(alphabet="aＡ１①㎏手鐲ｶﾞé .!", max_size=20))
def test_the_normal_form_is_the_one_of_the_core(written: str) -> None:
    assert FOLDER.fold(written).normal == normalise(written)
