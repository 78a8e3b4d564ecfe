"""The knowledge base that ships is sound, and a folder with mistakes is refused with each of them."""

import shutil
from pathlib import Path

import pytest

from smallpool_core.errors import KnowledgeRefused
from smallpool_models.understanding import KnowledgeBase, load_knowledge


@pytest.fixture
def folder(knowledge_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(knowledge_folder, tmp_path / "knowledge")


def append(folder: Path, name: str, line: str) -> int:
    """Adds a line to a table and says which line it is."""
    path = folder / name
    text = path.read_text(encoding="utf-8").rstrip("\n") + "\n" + line + "\n"
    path.write_text(text, encoding="utf-8")
    return text.count("\n")


def places(folder: Path) -> list[str]:
    with pytest.raises(KnowledgeRefused) as refused:
        load_knowledge(folder)
    return [problem.path for problem in refused.value.problems]


def test_the_shipped_knowledge_is_rich_enough(knowledge: KnowledgeBase) -> None:
    assert len(knowledge.products) >= 600
    assert len(knowledge.brands) >= 250
    assert len({key.split("›")[0] for key in knowledge.categories}) >= 15
    assert sum(key.startswith("文玩›") for key in knowledge.categories) >= 40
    assert all(knowledge.points.values())


def test_every_product_category_is_stocked(knowledge: KnowledgeBase) -> None:
    usual = {product.categories[0] for product in knowledge.products}
    assert usual == set(knowledge.categories)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("products.tsv", "一种新东西\t\t没有这个/类目"),
        ("products.tsv", "没有类目的东西"),
        ("products.tsv", "新东西\t手机壳\t数码/手机"),
        ("products.tsv", "a\tb\tc\td"),
        ("products.tsv", "\t别名\t数码/手机"),
        ("brands.tsv", "nobrand\t无此牌\t苹果\t数码/手机"),
        ("brands.tsv", "apple\t又一个\t\t数码/手机"),
        ("series.tsv", "系列\tnosuchbrand\t数码/手机\t\t1|2\t"),
        ("series.tsv", "系列\tapple\t数码/手机\t\t\tpro"),
        ("points/material.tsv", "稀有料\t\t没有/类目"),
        ("conditions.tsv", "像新的\tshiny"),
        ("tags.tsv", "空标签"),
        ("marks.tsv", "附带\tpresent"),
        ("flags.tsv", "加我好友\tbad"),
        ("measures.tsv", "no_such_attribute\tkg\t\tunit\t1\t1\t2"),
        ("measures.tsv", "weight_g\tkg\t\tunit\tmany\t1\t2"),
        ("measures.tsv", "weight_g\t\t\tunit\t1\t1\t2"),
        ("measures.tsv", "weight_g\tkg\t\tboth\t1\t1\t2"),
        ("measures.tsv", "weight_g\tkg\t\tunit\t1\t1\t2\t没有"),
        ("categories.tsv", "数码/手机\t100\t1"),
        ("categories.tsv", "新类/新目\t-3\t1"),
        ("categories.tsv", "新类//新目\t3\t1"),
        ("cities.tsv", "某市\tnone"),
        ("characters.tsv", "龍龍\t龙"),
        ("stopwords.tsv", "坏\x07词"),
    ],
)
def test_a_mistake_in_a_table_is_told_with_its_file_and_line(folder: Path, name: str, line: str) -> None:
    number = append(folder, name, line)
    assert f"{name}:{number}" in places(folder)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    lines = {"products.tsv": "怪东西\t\t没有/类目", "conditions.tsv": "怪词\tbroken", "brands.tsv": "odd\t怪牌\t\t没有/类目"}
    expected = {f"{name}:{append(folder, name, line)}" for name, line in lines.items()}
    expected |= {"quality.toml:[photos]", "quality_model.json:weights", "cities.tsv", "points/shape.tsv"}
    quality = folder / "quality.toml"
    quality.write_text(quality.read_text(encoding="utf-8").replace("full = 6", 'full = "six"'), encoding="utf-8")
    model = folder / "quality_model.json"
    model.write_text(model.read_text(encoding="utf-8").replace('"photos":', '"pictures":', 1), encoding="utf-8")
    (folder / "cities.tsv").unlink()
    (folder / "points" / "shape.tsv").write_text("point\taliases\tcategories\n", encoding="utf-8")
    assert expected <= set(places(folder))


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("quality.toml", "full = 6", 'full = "six"', "quality.toml:[photos]"),
        ("quality.toml", "[photos]", "[pictures]", "quality.toml:[pictures]"),
        ("quality.toml", "full = 6", "full = ", "quality.toml"),
        ("attributes.toml", 'type = "number"', 'type = "colour"', "attributes.toml:[attributes.storage_gb]"),
        ("attributes.toml", 'from = "model"', 'from = "shape"', "attributes.toml:[attributes.model]"),
        ("attributes.toml", "[brand]", "[label]", "attributes.toml:[label]"),
        ("listings.toml", '"数码", "家电", "乐器"', '"数码", "家电"', "listings.toml:[[groups]]"),
        ("listings.toml", '"数码/手机" =', '"数码/手鸡" =', "listings.toml:[specs]"),
        ("listings.toml", "no_category = 0.25", "", "listings.toml:[noise]"),
        ("products.tsv", "product\taliases\tcategories", "product\tcategories", "products.tsv:2"),
    ],
)
def test_a_mistake_in_settings_is_told_with_its_file_and_section(folder: Path, name: str, old: str, new: str, place: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert place in places(folder)


def test_a_file_that_is_no_utf8_is_told(folder: Path) -> None:
    (folder / "tags.tsv").write_bytes(b"tag\twords\n\xff\xfe\tx\n")
    assert "tags.tsv" in places(folder)


def test_a_missing_folder_is_refused_with_every_file_that_it_lacks(tmp_path: Path) -> None:
    missing = set(places(tmp_path / "nowhere"))
    assert {"categories.tsv", "products.tsv", "brands.tsv", "attributes.toml", "quality.toml", "listings.toml"} <= missing


def test_the_version_changes_with_any_word_and_with_nothing_else(folder: Path, knowledge: KnowledgeBase) -> None:
    assert load_knowledge(folder).version == knowledge.version
    append(folder, "stopwords.tsv", "某某")
    assert load_knowledge(folder).version != knowledge.version


def test_what_generated_listings_say_is_known_to_the_knowledge_base(knowledge: KnowledgeBase) -> None:
    tags, conditions = {tag.text for tag in knowledge.tags}, {word.text for word in knowledge.conditions}
    for group in knowledge.listings.groups:
        assert set(group.tags) <= tags
        assert set(group.conditions) <= conditions
