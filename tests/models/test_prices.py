"""Price bands: tenths that were learned where there are any, the category's distribution elsewhere."""

import random
import shutil
from pathlib import Path

import pytest

from smallpool_core.errors import KnowledgeRefused
from smallpool_core.items import Given
from smallpool_models.judging.tenths import learn_tenths
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge
from smallpool_models.understanding.prices import Prices

PHONES = ("数码", "手机")


def test_tenths_part_the_prices_into_ten_bands_of_one_size() -> None:
    rng = random.Random(1)
    cents = [rng.randint(100, 1_000_000) for _ in range(1_000)]
    learned = learn_tenths([("数码›手机", price) for price in cents])
    assert list(learned) == ["数码", "数码›手机"]
    prices = Prices({}, {key: one.cents for key, one in learned.items()})
    counts = [0] * 10
    for price in cents:
        counts[prices.band(price, PHONES) or 0] += 1
    assert all(90 <= count <= 110 for count in counts)


def test_too_few_listings_teach_nothing() -> None:
    assert learn_tenths([("数码›手机", 100)] * 99) == {}


def test_a_category_takes_the_bands_of_the_longest_start_of_its_path(knowledge: KnowledgeBase) -> None:
    prices = Prices(knowledge.categories, {"数码": tuple(range(1, 10))})
    assert prices.band(1_000_000, PHONES) == 9
    assert prices.band(0, PHONES) == 0
    assert prices.band(None, PHONES) is None
    assert prices.band(1, ("文玩", "核桃")) == 0  # by the distribution


def test_a_price_so_far_from_the_mean_is_told_so_far_from_it(knowledge: KnowledgeBase) -> None:
    prices = Prices(knowledge.categories, {})
    assert prices.deviations(prices.cents(1.25, PHONES), PHONES) == pytest.approx(1.25, abs=0.01)


def folder_with(prices: str, knowledge_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "knowledge"
    shutil.copytree(knowledge_folder, folder)
    (folder / "prices.tsv").write_text(f"category\tlistings\ttenths\n{prices}\n", encoding="utf-8")
    return folder


def test_a_learned_table_in_the_knowledge_base_is_used_and_changes_its_version(
    knowledge: KnowledgeBase, knowledge_folder: Path, tmp_path: Path
) -> None:
    changed = load_knowledge(folder_with("数码/手机\t120\t1|2|3|4|5|6|7|8|9", knowledge_folder, tmp_path))
    understood = KnowledgeUnderstander(changed).understand([Given("苹果手机", category=PHONES, price_cents=450)])[0]
    assert understood.price_band == 4
    assert understood.versions["knowledge"] == changed.version != knowledge.version


@pytest.mark.parametrize(
    "tenths", ["1|2|3", "9|8|7|6|5|4|3|2|1", "a|2|3|4|5|6|7|8|9", "-1|2|3|4|5|6|7|8|9", "inf|inf|inf|inf|inf|inf|inf|inf|inf"]
)
def test_a_table_that_cannot_be_is_refused_with_its_line(tenths: str, knowledge_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeRefused) as refused:
        load_knowledge(folder_with(f"数码/手机\t120\t{tenths}", knowledge_folder, tmp_path))
    assert [problem.path for problem in refused.value.problems] == ["prices.tsv:2"]


@pytest.mark.parametrize(
    ("title", "category", "attribute", "value"),
    [
        ("苹果 iPhone 13 128g 国行", ("数码", "手机"), "storage_gb", 128),
        ("苹果 iPhone 13 128G 国行", ("数码", "手机"), "storage_gb", 128),
        ("移动硬盘 2TB", ("数码", "存储设备"), "storage_gb", 2048),
        ("老班章 普洱茶 357克", ("茶酒", "普洱茶"), "weight_g", 357),
        ("龙井茶叶 128g", ("茶酒", "绿茶"), "weight_g", 128),
        ("大米 5公斤", ("食品", "粮油"), "weight_g", 5_000),
        ("花生 2斤", ("食品", "零食"), "weight_g", 1_000),
        ("洗衣液 3升", ("家居", "清洁用品"), "volume_ml", 3_000),
    ],
)
def test_a_unit_is_what_it_means_in_its_category(
    understander: KnowledgeUnderstander, title: str, category: tuple[str, ...], attribute: str, value: float
) -> None:
    assert understander.understand([Given(title, category=category)])[0].attributes[attribute] == value


@pytest.mark.parametrize(
    ("title", "grade"),
    [("全新未拆 小米手机", "new"), ("99新 小米手机", "like_new"), ("九成新 小米手机", "good"), ("小米手机", None)],
)
def test_a_word_of_wear_is_a_grade(understander: KnowledgeUnderstander, title: str, grade: str | None) -> None:
    assert understander.understand([Given(title)])[0].condition == grade
