"""The knowledge base that ships, loaded once, and what is made of it."""

from pathlib import Path

import pytest

from checkout import ROOT
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge


@pytest.fixture(scope="session")
def knowledge_folder() -> Path:
    return ROOT / "config" / "knowledge"


@pytest.fixture(scope="session")
def knowledge(knowledge_folder: Path) -> KnowledgeBase:
    return load_knowledge(knowledge_folder)


@pytest.fixture(scope="session")
def understander(knowledge: KnowledgeBase) -> KnowledgeUnderstander:
    return KnowledgeUnderstander(knowledge)
