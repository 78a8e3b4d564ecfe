"""A changed knowledge base is taken in while the process runs; a broken one is refused, and the one before goes on."""

import shutil
from pathlib import Path

import pytest

from smallpool_config.settings import KnowledgeSettings, Settings
from smallpool_config.tagging import ServedUnderstander
from smallpool_core.items import Given
from smallpool_models.registry.served import stamp_of
from smallpool_models.understanding import load_knowledge

TITLE = Given("灵犀牌 手机 128g")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(KnowledgeSettings().path, tmp_path / "knowledge")


@pytest.fixture
def understander(folder: Path) -> ServedUnderstander:
    return ServedUnderstander(Settings(knowledge=KnowledgeSettings(directory=str(folder))), load_knowledge(folder))


def looked(understander: ServedUnderstander) -> None:
    """Two looks, as a running process has them: what still changes between them is left for later."""
    understander.refresh()
    understander.refresh()


def test_a_new_brand_is_known_without_a_restart(folder: Path, understander: ServedUnderstander) -> None:
    before = understander.versions["knowledge"]
    assert understander.understand([TITLE])[0].brand is None
    with (folder / "brands.tsv").open("a", encoding="utf-8") as brands:
        brands.write("lingxi\t灵犀牌\t\t数码/手机\n")
    looked(understander)
    understood = understander.understand([TITLE])[0]
    assert understood.brand == "lingxi"
    assert understood.versions["knowledge"] == load_knowledge(folder).version != before
    assert (understander.knowledge_refused, dict(understander.versions)) == ("", understood.versions)


def test_what_changes_between_the_reading_and_the_first_use_is_taken_in_too(folder: Path) -> None:
    seen, knowledge = stamp_of(folder), load_knowledge(folder)
    with (folder / "brands.tsv").open("a", encoding="utf-8") as brands:
        brands.write("lingxi\t灵犀牌\t\t数码/手机\n")
    understander = ServedUnderstander(Settings(knowledge=KnowledgeSettings(directory=str(folder))), knowledge, seen)
    assert understander.understand([TITLE])[0].brand is None
    looked(understander)
    assert understander.understand([TITLE])[0].brand == "lingxi"


def test_a_file_that_is_still_being_written_is_left_for_the_next_look(folder: Path, understander: ServedUnderstander) -> None:
    before = understander.version
    (folder / "brands.tsv").write_text("brand\tdisplay\n", "utf-8")
    understander.refresh()
    assert understander.knowledge_refused == ""
    shutil.copy(KnowledgeSettings().path / "brands.tsv", folder / "brands.tsv")
    looked(understander)
    assert (understander.version, understander.knowledge_refused) == (before, "")


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("brands.tsv", lambda text: text + "odd\t怪牌\t\t没有/类目\n", "brands.tsv:"),
        ("attributes.toml", lambda text: text + '\n[attributes.mood]\ntype = "keyword"\nmeaning = "mood"\n', "start the process again"),
        ("quality_model.json", lambda text: text[:1000], "quality_model.json"),
    ],
)
def test_a_broken_one_is_refused_and_the_one_before_goes_on(
    folder: Path, understander: ServedUnderstander, name: str, change: "object", told: str
) -> None:
    before, sound = understander.understand([TITLE]), (folder / name).read_text("utf-8")
    assert callable(change)
    (folder / name).write_text(change(sound), "utf-8")
    looked(understander)
    assert told in understander.knowledge_refused
    assert understander.understand([TITLE]) == before
    (folder / name).write_text(sound, "utf-8")
    looked(understander)
    assert understander.knowledge_refused == ""
