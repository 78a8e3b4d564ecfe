"""The knowledge base is checked, and grows: words that it lacks are suggested, a person keeps some, and they are known."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builders import NOW
from smallpool_config.cli import app
from smallpool_config.settings import KnowledgeSettings
from smallpool_models.listings import generate_listings
from smallpool_models.understanding import load_knowledge

TITLES = [
    text.format(name)
    for name in ("灵犀派", "云岫阁")
    for text in (
        "{}（LINGXI）手机壳 硅胶 防摔", "{}钢化膜 高清", "{}充电宝 快充", "【{}】数据线 1米", "{}蓝牙耳机 入耳", "二手{}手机支架",
        "{}手机 128g 国行", "正品{}平板电脑 11寸", "{}充电器 20w", "出{}耳机壳 透明",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def market() -> list[str]:
    """Titles of others, beside which a new word stands out."""
    events = generate_listings(load_knowledge(KnowledgeSettings().path), count=500, seed=1, start_ms=NOW)
    return list(dict.fromkeys(event.given.title for event in events if event.given is not None))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(KnowledgeSettings().path, tmp_path / "knowledge")
    monkeypatch.setenv("SMALLPOOL_KNOWLEDGE_DIRECTORY", str(folder))
    return folder


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["knowledge", *words])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("as_events", [False, True])
def test_a_brand_that_is_lacking_is_suggested_kept_and_known(folder: Path, tmp_path: Path, market: list[str], as_events: bool) -> None:
    titles = [*TITLES, *market]
    lines = [json.dumps({"type": "published", "item": {"title": title}}) for title in titles] if as_events else titles
    (tmp_path / "titles").write_text("\n".join(lines), "utf-8")
    told = json.loads(run("suggest", str(tmp_path / "titles"), "--json", "--out", str(tmp_path / "kept")))
    found = {one["word"]: one for one in told["suggestions"]}
    assert told["titles"] == len(titles)
    assert {"灵犀派", "云岫阁"} <= set(found)
    assert (found["灵犀派"]["type"], found["灵犀派"]["category"][0], found["灵犀派"]["titles"]) == ("brand", "数码", 10)
    assert all("灵犀派" in title for title in found["灵犀派"]["examples"])
    before = load_knowledge(folder).version
    run("accept", str(tmp_path / "kept"))
    after = load_knowledge(folder)
    assert after.version != before
    assert "灵犀派" in {brand.key for brand in after.brands}
    again = json.loads(run("suggest", str(tmp_path / "titles"), "--json"))
    assert not {"灵犀派", "云岫阁"} & {one["word"] for one in again["suggestions"]}


def test_of_a_table_the_cell_after_the_first_tab_is_the_title(tmp_path: Path, market: list[str]) -> None:
    rows = [f"{number}\t{title}\t挂牌标签{number % 3}#;#某某铺子" for number, title in enumerate([*TITLES, *market])]
    (tmp_path / "titles.tsv").write_text("\n".join(rows), "utf-8")
    words = {one["word"] for one in json.loads(run("suggest", str(tmp_path / "titles.tsv"), "--json"))["suggestions"]}
    assert {"灵犀派", "云岫阁"} <= words
    assert not any("某铺" in word or "挂牌" in word for word in words)


def test_nothing_is_taken_in_where_one_line_is_wrong(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "brands.tsv").write_text("brand\tdisplay\taliases\tcategories\nlingxi\t灵犀派\t\t数码/手机\n", "utf-8")
    (kept / "products.tsv").write_text("product\taliases\tcategories\n没有类目的东西\n", "utf-8")
    before = load_knowledge(folder).version
    run("accept", str(kept), code=1)
    assert load_knowledge(folder).version == before


def test_a_table_without_its_header_is_refused_and_loses_no_line(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    row = "lingxi\t灵犀牌\t\t数码/手机\n"
    (kept / "brands.tsv").write_text(row, "utf-8")
    before = load_knowledge(folder).version
    assert "header" in run("accept", str(kept), code=1)
    assert load_knowledge(folder).version == before
    (kept / "brands.tsv").write_text(f"# kept by hand\nbrand\tdisplay\taliases\tcategories\n{row}", "utf-8")
    run("accept", str(kept))
    assert "lingxi" in {brand.key for brand in load_knowledge(folder).brands}


def test_check_tells_a_mistake_with_its_line(folder: Path) -> None:
    assert "is sound" in run("check")
    assert json.loads(run("check", str(folder), "--json"))["relations"] > 100
    lines = (folder / "brands.tsv").read_text("utf-8")
    (folder / "brands.tsv").write_text(f"{lines}odd\t怪牌\t\t没有/类目\n", "utf-8")
    assert f"brands.tsv:{lines.count(chr(10)) + 1}" in CliRunner().invoke(app, ["knowledge", "check"]).output


def test_a_file_without_titles_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n\n", "utf-8")
    assert "could not find a title" in run("suggest", str(tmp_path / "empty"), code=1)
    (tmp_path / "broken").write_text('{"item": 3}\n', "utf-8")
    assert "line 1" in run("suggest", str(tmp_path / "broken"), code=1)
