"""Joins the understander of titles with the models that the settings name, and keeps all of them as their folders have them.

In: settings, a knowledge base. Out: an understander that changes over to another knowledge base, or model, when its folder gets one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from smallpool_config.in_folder import InFolder
from smallpool_config.settings import ModelSettings, Settings
from smallpool_config.vector_models import ServedVectors
from smallpool_core.errors import KnowledgeRefused, Problem
from smallpool_core.items import VECTORS, Given, Understood
from smallpool_indexer.embed import embedded
from smallpool_models.encoders.labels import CATEGORY, TAGS, CategoryPredictor, TagPredictor
from smallpool_models.encoders.labels import SCHEMA as LABEL_SCHEMA
from smallpool_models.encoders.ner import KIND, SCHEMA, SpanTagger
from smallpool_models.registry.folder import ModelFiles
from smallpool_models.registry.served import Watched
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge
from smallpool_models.understanding.labelled import Guess, guessed
from smallpool_models.understanding.merge import KINDS, Tagged
from smallpool_models.understanding.segment import Segmenter


class _Headed(Struct, frozen=True):
    """A tagger and the head that speaks of what the knowledge base knows."""

    tagger: SpanTagger
    head: str

    @property
    def version(self) -> str:
        """The version of the tagger's model."""
        return self.tagger.version


class ServedTagger(InFolder[_Headed]):
    """Tags with the model that lies in a folder."""

    def __init__(self, folder: Path, segmenter: Segmenter) -> None:
        def headed(files: ModelFiles) -> _Headed:
            tagger = SpanTagger(files, segmenter)
            head = tagger.head_for(KINDS)
            if head is None:
                raise files.refused("vocabulary.json", f"heads {tagger.heads}", f"a head needs types among {', '.join(sorted(KINDS))}")
            return _Headed(tagger, head)

        super().__init__(folder, KIND, SCHEMA, headed)

    def tag(self, texts: Sequence[str]) -> tuple[str, list[list[Tagged]]]:
        """The version that tagged, and the spans of each text; one model for the whole batch, whatever changes meanwhile."""
        model = self.current
        return model.version, model.tagger.tag(texts, model.head)


class ServedCategories(InFolder[CategoryPredictor]):
    """Names categories with the model that lies in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CATEGORY, LABEL_SCHEMA, CategoryPredictor)

    def predict(self, texts: Sequence[str]) -> tuple[str, list[Guess | None]]:
        """The version that answered, and of each text its category; None for other. One model for the whole batch."""
        model = self.current
        found = model.predict(texts)
        return model.version, [guessed(label, sure) if sure >= model.other_below else None for label, sure in found]


class ServedTags(InFolder[TagPredictor]):
    """Names tags with the model that lies in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, TAGS, LABEL_SCHEMA, TagPredictor)

    def predict(self, texts: Sequence[str]) -> tuple[str, list[tuple[str, ...]]]:
        """The version that answered, and the tags of each text. One model for the whole batch."""
        model = self.current
        return model.version, model.predict(texts)


def understander_of(knowledge: KnowledgeBase, models: ModelSettings) -> KnowledgeUnderstander:
    """The understander of these settings."""
    understander = KnowledgeUnderstander(knowledge)
    if models.ner_path is not None:
        understander = understander.tagged_by(ServedTagger(models.ner_path, understander.segmenter))
    return understander.labelled_by(
        categories=None if models.category_path is None else ServedCategories(models.category_path),
        tags=None if models.tags_path is None else ServedTags(models.tags_path),
    )


class ServedUnderstander:
    """The understander of the knowledge base that lies in a folder now, with the models of the settings; what it understands is embedded by
    the model of vectors, if there is one.
    """

    def __init__(self, settings: Settings, knowledge: KnowledgeBase, seen: object = None, vectors: ServedVectors | None = None) -> None:
        """`knowledge` is what the folder held at the start, `seen` its stamp from before it was read. Raises `ModelRefused` where a
        folder of the settings holds no model then.
        """
        self._vectors = vectors
        folder, types = settings.knowledge.path, knowledge.attributes.types
        first = [understander_of(knowledge, settings.models)]

        def load() -> KnowledgeUnderstander:
            if first:
                return first.pop()
            following = load_knowledge(folder)
            if following.attributes.types != types:
                found = "other attributes than at the start"
                raise KnowledgeRefused([Problem("attributes.toml", found, "stores and rules are made for them: start the process again")])
            return understander_of(following, settings.models)

        self._served = Watched(f"the knowledge base in {folder}", folder, load, seen)

    @property
    def version(self) -> str:
        """The versions of the knowledge base, of the segmenter and of the models in force."""
        words = self._served.current.version
        return words if self._vectors is None else f"{words}+{VECTORS}-{self._vectors.version}"

    @property
    def versions(self) -> Mapping[str, str]:
        """The same by name, as they stand on what is understood now."""
        words = self._served.current.versions
        return words if self._vectors is None else {**words, VECTORS: self._vectors.version}

    def understand(self, given: Sequence[Given]) -> list[Understood]:
        """One result an item, in order; one knowledge base and one model of each kind for all of them."""
        understood = self._served.current.understand(given)
        return understood if self._vectors is None else embedded(given, understood, self._vectors.encoders.items)

    def split_words(self, text: str) -> tuple[str, ...]:
        """The words of a text as titles are cut now."""
        return self._served.current.split_words(text)

    def quality_of(self, parts: Mapping[str, float]) -> int:
        """The quality, in thousandths, that these parts add up to."""
        return self._served.current.quality_of(parts)

    def refresh(self) -> None:
        """Changes over to what the folders hold now; to be called now and then, by one thread."""
        self._served.refresh()
        self._served.current.refresh()
        if self._vectors is not None:
            self._vectors.refresh()

    @property
    def knowledge_refused(self) -> str:
        """Why another knowledge base in the folder is not in force; empty where all is well."""
        return self._served.refused

    @property
    def model_refused(self) -> str:
        """The same of the models."""
        vectors = "" if self._vectors is None else self._vectors.refused
        return "; ".join(filter(None, (self._served.current.refused(), vectors)))
