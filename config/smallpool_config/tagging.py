"""Joins the understander of titles with the tagger that the settings name.

In: settings, a knowledge base. Out: an understander, whose tagger changes over to a new model when its folder gets one.
"""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from smallpool_config.settings import ModelSettings
from smallpool_models.encoders.ner import KIND, SCHEMA, SpanTagger
from smallpool_models.registry.folder import ModelFiles
from smallpool_models.registry.served import Served
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander
from smallpool_models.understanding.merge import KINDS, Tagged
from smallpool_models.understanding.segment import Segmenter


class _Headed(Struct, frozen=True):
    """A tagger and the head that speaks of what the knowledge base knows."""

    tagger: SpanTagger
    head: str


class ServedTagger:
    """Tags with the model that lies in a folder now; raises `ModelRefused` where none does at the start."""

    def __init__(self, folder: Path, segmenter: Segmenter) -> None:
        def headed(files: ModelFiles) -> _Headed:
            tagger = SpanTagger(files, segmenter)
            head = tagger.head_for(KINDS)
            if head is None:
                raise files.refused("vocabulary.json", f"heads {tagger.heads}", f"a head needs types among {', '.join(sorted(KINDS))}")
            return _Headed(tagger, head)

        self._served = Served(folder, KIND, SCHEMA, headed)

    @property
    def version(self) -> str:
        """The version of the model in force."""
        return self._served.current.tagger.version

    @property
    def refused(self) -> str:
        """Why a newer model in the folder is not in force; empty where all is well."""
        return self._served.refused

    def tag(self, texts: Sequence[str]) -> tuple[str, list[list[Tagged]]]:
        """The version that tagged, and the spans of each text; one model for the whole batch, whatever changes meanwhile."""
        model = self._served.current
        return model.tagger.version, model.tagger.tag(texts, model.head)

    def refresh(self) -> None:
        """Changes over to another model where the folder holds one."""
        self._served.refresh()


def understander_of(knowledge: KnowledgeBase, models: ModelSettings) -> KnowledgeUnderstander:
    """The understander of these settings."""
    understander = KnowledgeUnderstander(knowledge)
    folder = models.ner_path
    return understander if folder is None else understander.tagged_by(ServedTagger(folder, understander.segmenter))
