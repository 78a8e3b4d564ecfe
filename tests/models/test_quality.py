"""Quality is made of parts that move as a buyer would expect, and of which a better one never costs anything."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from smallpool_core.items import Given, Understood
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander
from smallpool_models.understanding.quality_model import PARTS, combined

Judge = Callable[..., Understood]

GOOD: dict[str, Any] = {
    "title": "95新 苹果iPhone 13 128g 国行 蓝色 电池健康87%",
    "description": "自用一年,功能一切正常,配件齐全,可当面验机,价格可谈。",
    "price_cents": 280_000,
    "image_count": 6,
    "city": "杭州",
}


@pytest.fixture(scope="module")
def judged(understander: KnowledgeUnderstander) -> Judge:
    def judge(**changes: Any) -> Understood:
        return understander.understand([Given(**{**GOOD, **changes})])[0]

    return judge


def test_quality_is_what_its_parts_add_up_to(judged: Judge, understander: KnowledgeUnderstander) -> None:
    item = judged(image_count=2, city=None)
    assert item.quality == understander.quality_of(item.quality_parts)
    assert item.quality_parts.keys() == set(PARTS)


def test_between_two_points_of_the_curve_the_quality_is_straight(knowledge: KnowledgeBase) -> None:
    model = replace(knowledge.quality_model, weights={"photos": 2.0}, curve=[(0.0, 0.0), (1.0, 0.2), (2.0, 1.0)])
    assert combined({"photos": 0.75}, model) == pytest.approx(0.6)
    assert (combined({}, model), combined({"photos": 0.0}, model)) == (1.0, 0.0)


@given(st.dictionaries(st.sampled_from(PARTS), st.floats(0, 1)), st.sampled_from(PARTS), st.floats(0, 1))
def test_a_better_part_never_lowers_the_quality(knowledge: KnowledgeBase, parts: dict[str, float], part: str, better: float) -> None:
    worse = min(parts.get(part, 1.0), better)
    low, high = combined({**parts, part: worse}, knowledge.quality_model), combined({**parts, part: better}, knowledge.quality_model)
    assert 0 <= low <= high <= 1


def test_a_good_listing_is_near_one_and_a_spoilt_one_far_from_it(judged: Judge) -> None:
    assert judged().quality >= 750
    assert judged(title="加微信 abc12345 苹果 华为 小米 三星 vivo 手机", price_cents=1, image_count=0).quality <= 200


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("completeness", {"description": ""}),
        ("completeness", {"city": None}),
        ("photos", {"image_count": 1}),
        ("photos", {"image_count": 0}),
        ("price", {"price_cents": 100}),
        ("price", {"price_cents": 90_000_000}),
        ("price", {"price_cents": None}),
        ("clarity", {"title": "手机"}),
        ("clarity", {"title": "手机手机手机手机手机手机手机手机"}),
        ("clarity", {"title": "!!!手机!!!★★★苹果☆☆☆!!!~~~95新"}),
        ("clarity", {"title": GOOD["title"] + " 很好很漂亮的一部机器,真心喜欢的朋友请直接拍下,当天发货,运费我来出,绝不还价也不退货谢谢"}),
        ("stuffing", {"title": "苹果 华为 小米 三星 手机 手机壳 耳机 充电器 数据线 平板"}),
        ("stuffing", {"title": "苹果 iPhone 13 爆款 热卖 秒杀 极品"}),
        ("conduct", {"description": "喜欢的加微信详聊,自用一年,功能一切正常"}),
        ("conduct", {"description": "电话 138-1234 5678,自用一年,功能一切正常,配件齐全"}),
        ("conduct", {"title": "高仿 手机 95新 128g"}),
    ],
)
def test_a_fault_lowers_its_part_and_the_quality(judged: Judge, part: str, changes: dict[str, Any]) -> None:
    best, worse = judged(), judged(**changes)
    assert worse.quality_parts[part] < best.quality_parts[part]
    assert worse.quality < best.quality


def test_contact_details_weigh_more_than_forbidden_words(judged: Judge) -> None:
    assert judged(description="加微信").quality_parts["conduct"] == 0
    assert judged(description="高仿").quality_parts["conduct"] == pytest.approx(0.2)


def test_a_number_that_is_no_telephone_is_no_contact(judged: Judge) -> None:
    assert judged(description="编号 23812345678,重 138123 克").quality_parts["conduct"] == 1


def test_a_low_start_of_an_auction_is_no_fault_but_a_high_one_is(judged: Judge) -> None:
    assert judged(price_cents=100, sale="auction").quality_parts["price"] == 1
    assert judged(price_cents=0, sale="free").quality_parts["price"] == 1
    assert judged(price_cents=90_000_000, sale="auction").quality_parts["price"] == 0


def test_more_pictures_never_lower_the_quality(judged: Judge) -> None:
    scores = [judged(image_count=count).quality for count in range(12)]
    assert scores == sorted(scores)


def test_an_unknown_number_of_pictures_costs_less_than_none(judged: Judge) -> None:
    assert judged(image_count=None).quality_parts["photos"] == pytest.approx(0.75)
    assert judged(image_count=None, images=("a", "b", "c", "d", "e", "f")).quality_parts["photos"] == 1
