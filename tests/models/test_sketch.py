"""What a listing says, as reposts are found by it: edits do not matter, models and sizes do."""

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from builders import NOW
from smallpool_core.items import Given
from smallpool_core.reposts import Listing, RepostSettings, is_same_thing
from smallpool_models.understanding import KnowledgeUnderstander
from smallpool_models.understanding.minhash import BANDS

TITLE = "苹果 iPhone 13 128G 国行 蓝色 电池健康87% 无拆修 配件齐全"


def listing(understander: KnowledgeUnderstander, title: str, seller_id: str = "s1", description: str = "") -> Listing:
    understood = understander.understand([Given(title, description)])[0]
    assert understood.sketch is not None
    return Listing(title, seller_id, NOW, understood.sketch)


def test_what_is_named_far_down_in_a_description_makes_no_other_thing(understander: KnowledgeUnderstander) -> None:
    told = "自用一年,功能一切正常,配件齐全,可当面验机,价格可谈。" * 8
    one, other = (listing(understander, TITLE, description=f"{told}本店还有{brand}") for brand in ("华为", "三星"))
    assert is_same_thing(one, other, RepostSettings())


@pytest.mark.parametrize(
    "edited",
    [
        "128G 国行 蓝色 苹果 iPhone 13 无拆修 配件齐全 电池健康87%",
        "【清仓】苹果 iPhone 13 128G 国行 蓝色 电池健康87% 无拆修 配件齐全 包邮！！",
        "🔥苹果🔥 iPhone 13 128G ～国行～ 蓝色 电池健康87% 无拆修、配件齐全✨",
        "95新 苹果 iPhone 13 128G 国行 蓝色 电池健康87% 无拆修 配件齐全",
        "苹果 iPhone 13 128G 国行 蓝色 电池健康87% 无拆修 配件齐全 只要2999元",
        "苹果 ｉＰｈｏｎｅ １３ １２８Ｇ 國行 藍色 电池健康87% 无拆修 配件齊全",
        "苹果 iPhone 13 128G 国行 蓝色 电池健康87% 配件齐全",
    ],
)
def test_an_edited_title_offers_the_same_thing(understander: KnowledgeUnderstander, edited: str) -> None:
    one, other = listing(understander, TITLE), listing(understander, edited, "s2")
    assert set(one.sketch.bands) & set(other.sketch.bands)
    assert is_same_thing(one, other, RepostSettings())


@pytest.mark.parametrize(
    "other",
    [
        "苹果 iPhone 13 256G 国行 蓝色 电池健康87% 无拆修 配件齐全",
        "苹果 iPhone 14 128G 国行 蓝色 电池健康87% 无拆修 配件齐全",
        "苹果 iPhone 13 Pro 128G 国行 蓝色 电池健康87% 无拆修 配件齐全",
        "苹果 iPhone 13 128G 国行 白色 电池健康87% 无拆修 配件齐全",
        "出自用的iPhone 13 128G 换了新机 屏幕完好 可以当面看 价格好商量",
    ],
)
def test_another_model_size_or_colour_or_a_seller_with_own_words_offers_another_thing(
    understander: KnowledgeUnderstander, other: str
) -> None:
    assert not is_same_thing(listing(understander, TITLE), listing(understander, other, "s2"), RepostSettings())


def test_one_volume_of_a_series_is_not_the_next(understander: KnowledgeUnderstander) -> None:
    one, other = (
        listing(understander, "红楼梦 连环画 第一册 人民美术出版社 老版"),
        listing(understander, "红楼梦 连环画 第二册 人民美术出版社 老版"),
    )
    assert not is_same_thing(one, other, RepostSettings())


def test_the_description_tells_two_short_titles_apart(understander: KnowledgeUnderstander) -> None:
    one = listing(understander, "苹果手机", "s1", "用了两年,屏幕有划痕,电池换过,送壳和膜,广州可面交")
    other = listing(understander, "苹果手机", "s2", "全套原装配件,刚过保修,只接受同城自提,诚心要的联系")
    assert not is_same_thing(one, other, RepostSettings())


@generated(st.text(max_size=80))
def test_any_text_has_a_sketch_that_a_store_can_hold(understander: KnowledgeUnderstander, text: str) -> None:
    sketch = listing(understander, text).sketch
    assert len(sketch.bands) in (0, BANDS)
    assert all(0 <= band < 2**63 for band in sketch.bands)
    assert bool(sketch.bands) == bool(sketch.weights)


def test_a_sketch_is_the_one_that_was_stored_before(understander: KnowledgeUnderstander) -> None:
    """Bands that changed would no longer meet those of listings taken in by an older smallpool."""
    sketch = listing(understander, TITLE).sketch
    assert sketch.bands[:2] == (7548430156705746818, 2440109545602733678)
    assert (len(sketch.bands), sketch.title_weight, sum(sketch.weights.values())) == (BANDS, 19, 19)


def test_a_sketch_is_the_same_for_a_listing_alone_and_among_others(understander: KnowledgeUnderstander) -> None:
    given = [Given(f"{TITLE} {number}号", "自用 " * (number % 7)) for number in range(60)] + [Given(""), Given("!!"), Given("和田玉" * 300)]
    together = [understood.sketch for understood in understander.understand(given)]
    assert together == [understander.understand([one])[0].sketch for one in given]
    assert together[60].bands == together[61].bands == ()
