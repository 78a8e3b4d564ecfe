"""Titles as sellers write them give the category, brand, points and attributes that a buyer would name."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.items import Given, Understood
from smallpool_core.normalise import normalise
from smallpool_core.rules import parse_rule
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander

Read = Callable[..., Understood]


@pytest.fixture(scope="module")
def read(understander: KnowledgeUnderstander) -> Read:
    def understood(title: str, **fields: Any) -> Understood:
        return understander.understand([Given(title=title, **fields)])[0]

    return understood


def test_a_telephone(read: Read) -> None:
    item = read("95新 苹果iPhone 13 128g 国行 电池健康87% 无拆修")
    assert item.category == ("数码", "手机")
    assert item.category_source == "predicted"
    assert item.category_confidence > 0.8
    assert (item.brand, item.condition) == ("apple", "good")
    assert item.points == ("iphone 13", "128gb", "电池健康87%")
    assert item.tags == ("国行", "无拆修")
    assert item.attributes == {"model": "iphone 13", "storage_gb": 128, "battery_health": 87}


@pytest.mark.parametrize(
    ("title", "category", "brand", "points", "attributes"),
    [
        ("老班章 普洱茶生饼 357克 2010年", "茶酒/普洱茶", None, {"老班章", "普洱茶", "生饼", "357克"}, {"weight_g": 357, "year": 2010}),
        ("和田玉籽料手镯 58圈口 老坑", "文玩/和田玉", None, {"和田玉", "手镯", "58圈口", "老坑"}, {"bangle_mm": 58, "craft": "老坑"}),
        ("冠琴 机芯 手表 全自动", "钟表/机械表", "guanqin", {"手表", "全自动"}, {"craft": "全自动"}),
        ("老银元 袁大头 公博评级", "文玩/银元", None, {"银元", "袁大头", "公博评级"}, {"variety": "袁大头"}),
        ("日本回流 围棋 榧木棋盘 明治", "文玩/围棋", None, {"日本回流", "围棋", "榧木", "棋盘", "明治"}, {"period": "明治"}),
        ("华为mate40pro 8+256g 亮黑 送充电器", "数码/手机", "huawei", {"华为mate 40 pro", "256gb", "黑色"}, {"storage_gb": 256}),
        ("苹果13寸笔记本 m1", "数码/笔记本电脑", "apple", {"笔记本电脑", "13英寸"}, {"screen_inch": 13}),
        ("AJ1 倒钩 尺码42 全新", "鞋靴/运动鞋", "airjordan", {"air jordan 1", "倒钩", "42码"}, {"shoe_size": 42}),
        ("宜兴原矿紫砂壶 石瓢 200cc 全手工 名家", "文玩/紫砂", None, {"宜兴", "紫砂壶", "石瓢", "手工", "200ml"}, {"volume_ml": 200}),
        ("民国 铜墨盒 老包浆", "文玩/铜器", None, {"民国", "铜墨盒", "包浆"}, {"period": "民国"}),
        ("日默瓦拉杆箱20寸铝镁合金", "箱包/旅行箱包", "rimowa", {"行李箱", "20寸", "铝合金"}, {"case_inch": 20}),
        ("雅马哈电钢琴88键 初学者", "乐器/键盘乐器", "yamaha", {"电钢琴", "88键", "初学者"}, {"keys": 88}),
        ("飞天茅台 53度 500ml 2018年", "茶酒/白酒", "moutai", {"53度", "500ml"}, {"year": 2018}),
        ("矮桩 狮子头 文玩核桃 42mm", "文玩/核桃", None, {"文玩核桃", "狮子头", "42mm"}, {"bead_mm": 42}),
        ("乐高机械组积木 1000粒", "玩具/积木拼装", "lego", {"机械组", "积木", "1000颗"}, {"pieces": 1000}),
    ],
)
def test_what_a_title_says(
    read: Read, title: str, category: str, brand: str | None, points: set[str], attributes: dict[str, object]
) -> None:
    item = read(title)
    assert item.category == tuple(category.split("/"))
    assert item.brand == brand
    assert points <= set(item.points)
    assert attributes.items() <= item.attributes.items()


@pytest.mark.parametrize(
    "title",
    [
        "95新 苹果iPhone 13 128g 国行",
        "９５新 苹果ＩＰｈｏｎｅ　１３ １２８ｇ 国行",
        "㊣95新 苹果iPhone 13 128㎇ 国行",
    ],
)
def test_spans_point_at_the_characters_that_the_seller_wrote(read: Read, title: str) -> None:
    item = read(title)
    written = {(span.type, span.key): title[span.start : span.end] for span in item.spans}
    assert normalise(written[("brand", "apple")]) == "苹果"
    assert normalise(written[("model", "iphone 13")]) == "iphone 13"
    assert normalise(written[("spec", "128gb")]) in {"128g", "128gb"}


def test_spans_come_in_order_and_never_overlap(read: Read) -> None:
    spans = read("日本回流 老铁壶 龙文堂 铸铁 霰纹 提梁 昭和 1200ml 不漏水 日式").spans
    assert len(spans) >= 8
    assert all(one.end <= other.start for one, other in pairwise(spans))


def test_traditional_characters_mean_the_same(read: Read) -> None:
    traditional, simplified = read("翡翠手鐲 冰種 老坑"), read("翡翠手镯 冰种 老坑")
    assert traditional.points == simplified.points
    assert traditional.category == simplified.category == ("文玩", "翡翠")
    assert traditional.spans == simplified.spans


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("适用于苹果13 手机壳 硅胶", "数码/手机配件"),
        ("通用华为手机支架", "数码/手机配件"),
        ("平板电脑 送手机壳 数据线 充电宝 耳机", "数码/平板电脑"),
    ],
)
def test_what_it_goes_with_and_what_is_thrown_in_is_not_the_item(read: Read, title: str, category: str) -> None:
    assert read(title).category == tuple(category.split("/"))


def test_a_case_for_a_telephone_has_not_the_brand_of_the_telephone(read: Read) -> None:
    assert read("适用于苹果13 手机壳 硅胶").brand is None
    assert read("苹果13 手机壳").brand == "apple"


def test_a_brand_after_the_case_is_the_brand_of_the_case(read: Read) -> None:
    assert read("适用苹果13 手机壳 倍思").brand == "baseus"


def test_of_two_things_side_by_side_the_last_is_the_head(read: Read) -> None:
    assert read("二手手机充电器").category == ("数码", "手机配件")


def test_a_brand_that_makes_such_things_comes_before_one_that_does_not(read: Read) -> None:
    assert read("耐克 迪卡侬 帐篷").brand == "decathlon"
    assert read("耐克 阿迪达斯 帐篷").brand == "nike"


def test_an_ambiguous_brand_alone_says_nothing_of_the_category(read: Read) -> None:
    assert read("苹果 两箱").category[0] == "其他"
    assert read("华为 两箱").category[0] == "数码"


def test_a_thing_that_is_given_away_is_the_item(read: Read) -> None:
    assert read("送沙发 自提").category == ("家居", "沙发床具")


def test_an_ambiguous_brand_counts_only_where_it_fits(read: Read) -> None:
    assert read("苹果 充电器").brand == "apple"
    assert read("苹果 红富士 10斤").brand is None
    assert read("完美的陶瓷花瓶").brand is None
    assert read("美的电饭煲").brand == "midea"


def test_a_negated_phrase_gives_no_tag(read: Read) -> None:
    assert "包邮" not in read("手机 不包邮").tags
    assert "包邮" in read("手机 包邮").tags


@pytest.mark.parametrize(
    ("title", "grade"),
    [
        ("全新未拆 耳机", "new"),
        ("99新耳机", "like_new"),
        ("9成新 耳机", "good"),
        ("九成新耳机", "good"),
        ("八成新 耳机", "fair"),
        ("屏幕碎了 手机", "poor"),
    ],
)
def test_words_of_wear_give_the_grade(read: Read, title: str, grade: str) -> None:
    assert read(title).condition == grade


def test_a_number_is_read_as_its_category_has_it(read: Read) -> None:
    assert read("小米手机 128g").attributes["storage_gb"] == 128
    assert read("普洱茶 128g").attributes["weight_g"] == 128
    assert read("固态硬盘 2tb").attributes["storage_gb"] == 2048
    assert read("大米 5斤").attributes["weight_g"] == 2500
    assert "storage_gb" not in read("普洱茶 128g").attributes


def test_a_number_that_is_part_of_another_word_or_lacks_its_word_is_no_measure(read: Read) -> None:
    assert "storage_gb" not in read("手机 型号x128g").attributes
    assert "battery_health" not in read("手机 好评87%").attributes
    assert read("手机 电池 87%").attributes["battery_health"] == 87


def test_a_given_category_is_kept_and_normalised(read: Read) -> None:
    item = read("苹果手机", category=("数码", "ＡＰＰＬＥ手机", " "))
    assert item.category == ("数码", "apple手机")
    assert (item.category_source, item.category_confidence) == ("given", 1.0)


def test_a_given_category_of_blanks_counts_as_none(read: Read) -> None:
    assert read("苹果手机", category=("", "  ")).category_source == "predicted"


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("出 一只 大瓢虫", ("其他", "瓢虫")),
        ("便携手工 锯子 出售", ("其他", "锯子")),
        ("lcd kitchen timer", ("其他", "timer")),
        ("", ("其他",)),
        ("！！…", ("其他",)),
    ],
)
def test_what_nothing_is_known_of_goes_by_its_head_noun(read: Read, title: str, category: tuple[str, ...]) -> None:
    item = read(title)
    assert item.category == category
    assert (item.category_source, item.category_confidence) == ("head_noun", 0.0)


def test_the_description_adds_points_but_no_spans(read: Read) -> None:
    item = read("手镯", description="冰种飘花,56圈口,包邮")
    assert {"冰种", "飘花", "56圈口"} <= set(item.points)
    assert [span.key for span in item.spans] == ["手镯"]
    assert item.category == ("文玩", "翡翠")
    assert item.tags == ("包邮",)


def test_given_attributes_overrule_the_text_and_wrong_types_count_as_missing(read: Read) -> None:
    attributes = {"年代": "民国", "克重": "很重", "颜色": 3, "storage_gb": 64, "隐藏": "x", "year": True, "keys": float("nan")}
    item = read("清代 铜炉 300克 95新", attributes=attributes)
    assert item.attributes["period"] == "民国"
    assert item.attributes["weight_g"] == 300
    assert item.attributes["storage_gb"] == 64
    assert not {"colour", "隐藏", "year", "keys"} & item.attributes.keys()


def test_a_given_brand_and_condition_overrule_the_text(read: Read) -> None:
    item = read("小米手机 95新", attributes={"品牌": "ＩＰＨＯＮＥ", "成色": "全新"})
    assert (item.brand, item.condition) == ("apple", "new")
    assert read("小米手机", attributes={"品牌": "某某工坊"}).brand == "某某工坊"


def test_at_most_twelve_points_and_the_telling_ones_stay(read: Read) -> None:
    title = "黑色 男士 复古 防水 手工 清代 日本回流 观音 紫檀 满金星 小叶紫檀手串 108颗 12mm 简约 透气 学生 白色 红色"
    points = read(title).points
    assert len(points) == 12
    assert {"小叶紫檀手串", "金星", "108颗", "清代"} <= set(points)
    assert not {"白色", "红色"} & set(points)


def test_price_bands_rise_with_the_price_within_a_category(read: Read) -> None:
    bands = [read("手机", price_cents=cents).price_band or 0 for cents in (0, 30_000, 100_000, 200_000, 400_000, 9_000_000)]
    assert bands == sorted(bands)
    assert (bands[0], bands[-1]) == (0, 9)
    assert (read("手机壳", price_cents=10_000).price_band or 0) > (read("手机", price_cents=10_000).price_band or 0)


def test_without_a_price_there_is_no_band(read: Read) -> None:
    assert read("手机").price_band is None
    assert read("手机", price_cents=0).price_band == 0


def test_title_words_hold_words_and_the_words_inside_them_once(read: Read) -> None:
    words = read("和田玉手镯 iPhone13 15.6寸 和田玉 Ｔ恤！").title_words
    assert {"和田玉手镯", "和田", "手镯", "iphone13", "iphone", "15.6", "t恤"} <= set(words)
    assert len(words) == len(set(words))
    assert all(word == normalise(word) and any(map(str.isalnum, word)) for word in words)


def test_a_rule_value_is_one_word_or_is_told_its_words(understander: KnowledgeUnderstander) -> None:
    assert understander.split_words("和田玉") == ("和田玉",)
    assert understander.split_words("ＩＰＨＯＮＥ") == ("iphone",)
    assert understander.split_words("苹果手机") == ("苹果", "手机")
    assert understander.split_words(" !? ") == ()


def test_results_name_the_knowledge_and_the_segmenter(read: Read, knowledge: KnowledgeBase, understander: KnowledgeUnderstander) -> None:
    assert read("手机").versions["knowledge"] == knowledge.version
    assert understander.version.startswith(knowledge.version)


def test_a_batch_gives_what_each_item_gives_alone(understander: KnowledgeUnderstander) -> None:
    items = [Given(title="和田玉手镯"), Given(title=""), Given(title="95新 iphone 13", price_cents=300_000)]
    assert understander.understand(items) == [understander.understand([item])[0] for item in items]
    assert understander.understand([]) == []


_ODD = st.one_of(
    st.text(max_size=1_200),
    st.text(alphabet="苹果iPhone13 １２８ｇ㎏①手機殼送适用95新电池健康%.:+-\x00\x1f\ud800👨‍👩‍👧é\u0301\u200b<b>&amp;ｱﾞ한ㅎ\n", max_size=60),
)


@given(_ODD, _ODD, st.lists(_ODD, max_size=3), st.integers(-5, 2**63), st.integers(0, 50))
def test_no_text_makes_it_raise(
    understander: KnowledgeUnderstander, title: str, description: str, category: list[str], price: int, pictures: int
) -> None:
    item = Given(
        title, description, tuple(category), price_cents=price, image_count=pictures, attributes={title: description, "克重": price}
    )
    result = understander.understand([item])[0]
    assert result.category
    assert all(0 <= span.start < span.end <= len(title) for span in result.spans)
    assert 0 <= result.quality <= 1000
    assert all(0 <= part <= 1 for part in result.quality_parts.values())
    assert 0 <= result.category_confidence <= 1
    assert len(result.points) <= 12
    understander.split_words(title)


def test_a_category_is_kept_as_a_rule_for_it_is(read: Read) -> None:
    path = ("Home  Decor ", "Ａ")
    assert read("花瓶", category=path).category == tuple(map(normalise, path))


def test_a_rule_for_a_brand_or_a_grade_takes_every_form_in_which_people_write_it(knowledge: KnowledgeBase, read: Read) -> None:
    item = read("全新未拆 苹果 iPhone 13")
    for field, values in {"brand": ("苹果", "Apple", "apple"), "condition": ("全新未拆", "new")}.items():
        for value in values:
            rule = parse_rule({"field": field, "op": "eq", "value": value}, knowledge.attributes)
            assert rule == parse_rule({"field": field, "op": "eq", "value": getattr(item, field)}, knowledge.attributes), value
