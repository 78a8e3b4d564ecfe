"""Words with several meanings have the right one where they stand, and relations between entries are checked when they are loaded."""

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from smallpool_core.errors import KnowledgeRefused
from smallpool_core.items import Given, Understood
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge
from smallpool_models.understanding.points import MOST_POINTS

TITLES = Path(__file__).with_name("ambiguous_titles.tsv")
Read = Callable[..., Understood]


@pytest.fixture(scope="module")
def read(understander: KnowledgeUnderstander) -> Read:
    return lambda title, **given: understander.understand([Given(title, **given)])[0]


def mentions() -> list[tuple[str, str, str]]:
    lines = [line for line in TITLES.read_text("utf-8").splitlines() if not line.startswith("#")][1:]
    return [(word, sense, title) for word, sense, title in (line.split("\t") for line in lines)]


def test_the_titles_that_were_not_looked_at_have_the_right_meanings(understander: KnowledgeUnderstander) -> None:
    asked = [one for one in mentions() if zlib.crc32(one[2].encode()) % 2]
    assert len(mentions()) >= 150
    assert len({word for word, _, _ in mentions()}) >= 25
    senses: dict[str, set[str]] = {}
    for word, sense, _ in mentions():
        senses.setdefault(word, set()).add(sense)
    right = 0
    for (word, sense, title), one in zip(asked, understander.understand([Given(title) for _, _, title in asked]), strict=True):
        at = title.index(word)
        there = {f"{span.type} {span.key}" for span in one.spans if span.start < at + len(word) and at < span.end}
        longer = {
            point for point in one.points if any(span.end - span.start > len(word) and span.start <= at < span.end for span in one.spans)
        }
        right += (
            not there & senses[word] if sense == "none" else sense in there or sense.partition(" ")[2] in longer or "model" in str(there)
        )
    assert right / len(asked) >= 0.9


@pytest.mark.parametrize(
    ("title", "brand", "point"),
    [
        ("小米手机 8+128", "xiaomi", "手机"),
        ("有机小米 5斤 农家自产", None, "小米杂粮"),
        ("苹果 一箱 10斤 烟台", None, "苹果水果"),
        ("苹果 耳机 左耳", "apple", "耳机"),
        ("锤子 坚果 手机", "smartisan", "手机"),
        ("羊角锤子 木柄", None, "锤子工具"),
    ],
)
def test_a_brand_may_be_a_word_of_the_kitchen_or_the_workshop(read: Read, title: str, brand: str | None, point: str) -> None:
    understood = read(title)
    assert understood.brand == brand
    assert point in understood.points


@pytest.mark.parametrize("title", ["三星堆 青铜面具", "富士山 装饰画", "王者荣耀 手办", "很美的 裙子", "小熊 毛绒 玩偶"])
def test_a_word_of_everyday_speech_is_no_brand_for_being_said_again(read: Read, title: str) -> None:
    assert read(title).brand is None
    assert read(title, description=f"{title}，自己收的{title}，喜欢{title}的来").brand is None


def test_a_word_said_all_over_a_listing_has_one_meaning(read: Read) -> None:
    said = read("苹果 手机 " + "苹果" * 200, description="苹果" * 500)
    assert (said.brand, said.category) == ("apple", ("数码", "手机"))


def test_a_stone_is_sold_or_is_what_a_thing_is_made_of(read: Read) -> None:
    assert next(span.type for span in read("松石 原矿 散料").spans) == "product"
    string = read("松石 手串 12mm")
    assert [(span.type, span.key) for span in string.spans][:2] == [("material", "绿松石"), ("product", "手串")]


def test_the_sellers_category_decides_where_words_do_not(read: Read) -> None:
    assert read("小米 全新", category=("数码", "手机")).brand == "xiaomi"
    assert read("小米 全新", category=("食品", "粮油生鲜")).brand is None
    assert "小米杂粮" in read("小米 全新", category=("食品", "粮油生鲜")).points


def test_a_word_that_does_not_fit_its_title_means_nothing(read: Read) -> None:
    assert read("王者荣耀 貂蝉 手办").brand is None
    assert read("半永久 眉笔").brand is None
    assert read("富士山 装饰画").brand is None


def test_what_a_thing_is_a_kind_of_is_a_point_too_where_there_is_room(read: Read) -> None:
    assert read("老班章 古树 生茶 357克").points[-1] == "普洱茶"
    full = read("老班章 " + "手镯 吊坠 项链 戒指 耳钉 手链 茶壶 香炉 围巾 雨伞 帽子 手套 钱包")
    assert len(full.points) == MOST_POINTS
    assert "普洱茶" not in full.points


@pytest.mark.parametrize(
    ("title", "wrong"),
    [
        ("签字版 周杰伦 专辑 CD", {"签字版", "袁大头", "银元"}),
        ("睡美人 童话书 绘本", {"睡美人", "绿松石"}),
        ("迪士尼 睡美人 手办", {"睡美人", "绿松石"}),
        ("白狮子 毛绒玩具", {"白狮子", "狮子头"}),
        ("西施犬 宠物", {"西施", "紫砂壶"}),
        ("江南龙 邮票", {"江南龙", "龙洋", "银元"}),
        ("易武 门票", {"易武", "普洱茶"}),
        ("肉桂粉 烘焙", {"肉桂", "岩茶"}),
        ("水仙 盆栽", {"水仙", "岩茶"}),
        ("柿子红 毛衣", {"南红"}),
        ("石瓢 手办", {"紫砂壶"}),
    ],
)
def test_a_word_of_the_trade_in_another_title_is_no_kind_of_anything(read: Read, title: str, wrong: set[str]) -> None:
    understood = read(title)
    assert wrong.isdisjoint(understood.points)
    assert understood.category[-1] not in {"银元", "紫砂", "岩茶乌龙", "普洱茶"}


@pytest.mark.parametrize(
    ("title", "points"),
    [
        ("签字版 三年大头 壹圆", {"签字版", "袁大头", "银元"}),
        ("睡美人 高瓷 桶珠", {"睡美人", "绿松石"}),
        ("白狮子 核桃 一对 包浆", {"白狮子", "狮子头"}),
        ("西施 朱泥 150cc", {"西施", "紫砂壶"}),
        ("江南龙 七钱二分", {"江南龙", "龙洋", "银元"}),
        ("易武 2010年 357克", {"易武", "普洱茶"}),
        ("肉桂 武夷山 250克", {"肉桂", "岩茶"}),
        ("老丛水仙 武夷正岩", {"水仙", "岩茶"}),
    ],
)
def test_a_word_of_the_trade_in_its_own_title_is_the_broader_thing_too(read: Read, title: str, points: set[str]) -> None:
    assert points <= set(read(title).points)


def test_a_sellers_category_says_whether_a_broader_thing_can_be_meant(read: Read) -> None:
    assert "南红" not in read("柿子红 闲置", category=("服饰", "毛衣针织")).points
    assert "南红" in read("柿子红 闲置", category=("文玩", "南红玛瑙")).points
    assert "南红" in read("柿子红 闲置", category=("古玩杂项",)).points


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("relations.tsv", "没有此物\tkind_of\t手机"),
        ("relations.tsv", "机械键盘\tis_a\t键盘"),
        ("relations.tsv", "键盘\tkind_of\t机械键盘"),
        ("relations.tsv", "机械键盘\tkind_of\t鼠标"),
        ("relations.tsv", "机械键盘\tmaterial_of\t键盘"),
        ("relations.tsv", "apple\tbrand_makes"),
        ("senses.tsv", "某词\tbrand nosuchbrand"),
        ("senses.tsv", "某词\tbrand"),
        ("senses.tsv", "某词\tnone apple"),
        ("senses.tsv", "小米\tbrand xiaomi"),
    ],
)
def test_a_relation_or_meaning_of_what_is_not_there_is_refused_at_its_line(
    knowledge_folder: Path, tmp_path: Path, name: str, line: str
) -> None:
    folder = shutil.copytree(knowledge_folder, tmp_path / "knowledge")
    text = (folder / name).read_text("utf-8").rstrip("\n") + f"\n{line}\n"
    (folder / name).write_text(text, "utf-8")
    with pytest.raises(KnowledgeRefused) as refused:
        load_knowledge(folder)
    assert f"{name}:{text.count(chr(10))}" in [problem.path for problem in refused.value.problems]


def test_the_shipped_relations_are_of_every_kind(knowledge: KnowledgeBase) -> None:
    assert {one.name for one in knowledge.relations} == {"material_of", "kind_of", "brand_makes", "period_of"}
    assert len({one.word for one in knowledge.senses}) >= 40


def test_only_jadeite_is_what_a_jadeite_ring_is_made_of(knowledge: KnowledgeBase) -> None:
    assert {one.subject for one in knowledge.relations if (one.name, one.object) == ("material_of", "翡翠戒指")} == {"翡翠"}
