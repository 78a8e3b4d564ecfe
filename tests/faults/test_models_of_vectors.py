"""A model of vectors in its folder: promoted, refused, replaced while a process starts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import user_event
from checkout import ROOT
from encoder_rig import Embedding
from smallpool_config.retraining import promote
from smallpool_config.settings import ModelSettings, Settings, StoreSettings
from smallpool_config.vector_models import ServedVectors, before
from smallpool_config.wiring import open_system
from smallpool_core.errors import ModelRefused
from smallpool_core.items import VECTORS
from smallpool_models.encoders.items import KIND, READS, SCHEMA
from smallpool_models.registry.folder import MANIFEST, ModelFiles, read_model, write_model
from system_rig import EVERYTHING, Marketplace, listings

SHIPPED = ROOT / "config" / "models" / "vectors"
ASKED = {"sources": {"vectors": 0.5}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED, tmp_path / "vectors")


def another(folder: Path, scale: float = 2.0) -> ModelFiles:
    """The same nets under another name: what cosines are multiplied by is another, and so is the version."""
    files = read_model(folder, KIND, SCHEMA)
    reads = json.dumps(json.loads(files.files[READS]) | {"scale": scale}).encode()
    made = folder.with_name(f"made-{scale}")
    write_model(made, KIND, SCHEMA, files.files | {READS: reads}, files.manifest.inputs, files.manifest.outputs)
    return read_model(made, KIND, SCHEMA)


def cut_short(folder: Path) -> None:
    file = folder / "user.onnx"
    file.write_bytes(file.read_bytes()[:1_000])
    _touched(folder)


def of_another_schema(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"schema": 99}))


def of_another_kind(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"kind": "ner"}))


def without_interests(folder: Path) -> None:
    files = read_model(folder, KIND, SCHEMA)
    kept = {name: content for name, content in files.files.items() if name != "user.onnx"}
    (folder / "user.onnx").unlink()
    write_model(folder, KIND, SCHEMA, kept, files.manifest.inputs, files.manifest.outputs)


def _touched(folder: Path) -> None:
    content = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(content + b"\n")


@pytest.mark.parametrize("damage", [cut_short, of_another_schema, of_another_kind, without_interests])
def test_case_28_a_bad_model_of_vectors_is_refused_and_the_old_one_serves(folder: Path, damage: Callable[[Path], None]) -> None:
    served = ServedVectors(folder)
    first = served.version
    damage(folder)
    served.refresh()
    assert served.refused, "it says why"
    assert served.version == served.encoders.people.model == first
    with pytest.raises(ModelRefused):
        ServedVectors(folder)


def test_a_bad_model_of_intent_is_told_of_at_the_start_and_not_by_the_first_request(tmp_path: Path) -> None:
    models = ModelSettings(ner="", vectors="", intent=str(tmp_path / "none"))
    system = open_system(Settings(store=StoreSettings(directory=str(tmp_path)), models=models))
    try:
        with pytest.raises(ModelRefused, match="none"):
            system.load_words()
    finally:
        system.close()


def test_a_promoted_model_embeds_all_that_is_listed_and_then_is_searched_by(folder: Path, tmp_path: Path) -> None:
    models = ServedVectors(folder)
    with Marketplace(tmp_path / "data", models=models, understander=Embedding(models)) as market:
        market.put_pool("p", EVERYTHING, settings=ASKED)
        market.take(*listings(20), user_event("click", "i0001", pool_id="p"))
        first = models.version
        assert model_of(market) == first
        following = another(folder)
        promote(following, folder, folder)
        models.refresh()
        assert (models.version, model_of(market)) == (following.manifest.version, first)
        market.settle()  # sends the listings to be understood anew
        market.settle()
        assert {item.versions[VECTORS] for item in market.stored().values()} == {following.manifest.version}
        assert model_of(market) == following.manifest.version
        assert read_model(before(folder), KIND, SCHEMA).manifest.version == first


def test_a_process_that_starts_before_all_is_embedded_anew_asks_by_the_model_before(folder: Path, tmp_path: Path) -> None:
    models = ServedVectors(folder)
    first = models.version
    with Marketplace(tmp_path / "data", models=models, understander=Embedding(models)) as market:
        market.put_pool("p", EVERYTHING, settings=ASKED)
        market.take(*listings(20), user_event("click", "i0001", pool_id="p"))
    promote(another(folder), folder, folder)
    with_both = ServedVectors(folder)
    with Marketplace(tmp_path / "data", models=with_both, understander=Embedding(with_both)) as market:
        assert (with_both.version == first, model_of(market)) == (False, first)
    shutil.rmtree(before(folder))
    alone = ServedVectors(folder)
    with Marketplace(tmp_path / "data", models=alone, understander=Embedding(alone)) as market:
        page = market.recall(dry_run=True)
        assert ("vectors" in page.degraded, len(page.items)) == (True, 10)
        market.settle()
        market.settle()
        assert model_of(market) == alone.version


def test_a_model_that_was_laid_back_is_known_as_long_as_any_other_of_the_last_three(folder: Path) -> None:
    first = read_model(folder, KIND, SCHEMA)
    served = ServedVectors(folder)
    for following in (another(folder, 2.0), first, another(folder, 3.0), another(folder, 4.0)):
        promote(following, folder, None)
        served.refresh()
        assert served.version == following.manifest.version
    assert served.of(first.manifest.version) is not None


def test_where_a_first_folder_of_ones_own_takes_the_place_of_the_shipped_model_that_is_known_too(folder: Path) -> None:
    promote(another(folder), folder.with_name("own"), SHIPPED)
    served = ServedVectors(folder.with_name("own"))
    shipped = read_model(SHIPPED, KIND, SCHEMA).manifest.version
    assert served.version != shipped
    assert served.of(shipped) is not None


def model_of(market: Marketplace) -> str:
    traced = market.recall(dry_run=True).trace.vectors
    assert traced
    return traced.model
