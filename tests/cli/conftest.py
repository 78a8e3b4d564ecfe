from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_rig import Shell, phones
from smallpool_config.settings import KnowledgeSettings, ModelSettings, Settings
from smallpool_config.tagging import ServedUnderstander
from smallpool_config.vector_models import vectors_of
from smallpool_config.wiring import System
from smallpool_models.understanding import load_knowledge


@pytest.fixture(scope="session", autouse=True)
def one_understander() -> Iterator[None]:
    """Commands of these tests share the understander, which keeps no state: each would read jieba's dictionary, for a second."""
    models = ModelSettings(ner="")
    understander = ServedUnderstander(Settings(models=models), load_knowledge(KnowledgeSettings().path), vectors=vectors_of(models))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(System, "understander", understander)
        yield


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The command line in an empty directory."""
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A marketplace of 250 phones in 40 categories with the pool `p` of them all; tests ask, and serve to people of their own."""
    shell = Shell(tmp_path_factory.mktemp("market"))
    shell.publish(phones(250))
    shell.make_pool()
    return shell
