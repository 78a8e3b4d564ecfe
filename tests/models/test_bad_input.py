"""Whatever a seller types, an item comes out with what could be understood of it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.items import Given, Understood
from smallpool_models.understanding import KnowledgeUnderstander

WORDS = ("95新", "苹果", "iPhone 13", "128g", "国行", "蓝色", "无拆修")
_NOISE = st.text(alphabet="🔥😀👨‍👩‍👧★【】「」<>/&;|~ \t\n\x00\x07\x1b\u200b\ufeff\ud800\u202eｱﾞ한ëЖع　", max_size=6)
Read = Callable[..., Understood]


@pytest.fixture(scope="module")
def read(understander: KnowledgeUnderstander) -> Read:
    return lambda title, **fields: understander.understand([Given(title, **fields)])[0]


@given(st.lists(_NOISE, min_size=len(WORDS) + 1, max_size=len(WORDS) + 1))
def test_noise_between_the_words_hides_none_of_them(understander: KnowledgeUnderstander, noise: list[str]) -> None:
    title = noise[0] + "".join(f" {word} {between}" for word, between in zip(WORDS, noise[1:], strict=True))
    understood = understander.understand([Given(title)])[0]
    assert understood.category == ("数码", "手机")
    assert (understood.brand, understood.condition) == ("apple", "good")
    assert {"iphone 13", "128gb", "蓝色"} <= set(understood.points)
    assert {"国行", "无拆修"} <= set(understood.tags)
    written = {span.key: title[span.start : span.end] for span in understood.spans}
    assert (written["apple"], written["iphone 13"]) == ("苹果", "iPhone 13")


@pytest.mark.parametrize("title", ["", " ", "\x00\x01", "🔥🔥🔥", "！！！", "<br/>", "\ud800", "\u200b\u200b", "한국어", "12345"])
def test_a_title_that_says_nothing_is_an_item_of_no_known_category(read: Read, title: str) -> None:
    understood = read(title)
    assert (understood.category[0], understood.category_confidence, understood.category_source) == ("其他", 0.0, "head_noun")
    assert (understood.brand, understood.points, understood.tags) == (None, (), ())
    assert understood.quality < read("95新 苹果 iPhone 13 128g 国行 蓝色").quality


def test_ten_kilobytes_are_read_as_far_as_a_title_goes(read: Read) -> None:
    understood = read("和田玉手镯 58圈口 " + "很好" * 2_500, description="<p>老坑 " * 2_000)
    assert understood.category == ("文玩", "和田玉")
    assert {"58圈口", "老坑"} <= set(understood.points)
    assert all(span.end <= 1_000 for span in understood.spans)


def test_markup_is_read_past(read: Read) -> None:
    plain, marked = read("和田玉手镯 58圈口"), read("<b>和田玉手镯</b><script>alert(1)</script> 58圈口&nbsp;")
    assert (marked.category, set(plain.points)) == (plain.category, set(plain.points) & set(marked.points))


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("蘋果手機 128g 國行 藍色", "苹果手机 128g 国行 蓝色"),
        ("聯想筆記本電腦 獨立顯卡", "联想笔记本电脑 独立显卡"),
        ("機械錶 全自動 勞力士", "机械表 全自动 劳力士"),
        ("籃球鞋 耐克 運動鞋 紅色", "篮球鞋 耐克 运动鞋 红色"),
        ("紫砂壺 宜興 全手工", "紫砂壶 宜兴 全手工"),
        ("銀元 袁大頭 公博評級", "银元 袁大头 公博评级"),
        ("普洱茶 老班章 餅茶 2008年", "普洱茶 老班章 饼茶 2008年"),
        ("圍棋 日本回流 榧木棋盤", "围棋 日本回流 榧木棋盘"),
        ("連衣裙 女裝 真絲 長袖", "连衣裙 女装 真丝 长袖"),
        ("單反相機 佳能 鏡頭", "单反相机 佳能 镜头"),
    ],
)
def test_traditional_characters_are_understood_as_simplified_ones(read: Read, traditional: str, simplified: str) -> None:
    one, other = read(traditional), read(simplified)
    assert (one.category, one.brand, one.points, one.spans) == (other.category, other.brand, other.points, other.spans)
    assert other.points
