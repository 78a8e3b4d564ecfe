"""The understanding of a system: its knowledge base, and the models that lie in folders and may change while it runs.

In: settings. Out: an understander, loaded when it is first asked for, and what keeps it up to date.
"""

from collections.abc import Mapping
from functools import cached_property, partial

from smallpool_config.assistant import Assistant
from smallpool_config.ranking import ServedRanker, rankers_of
from smallpool_config.settings import Settings
from smallpool_config.sharing import SharedUnderstander, assistants_of
from smallpool_config.tagging import ServedUnderstander
from smallpool_config.vector_models import ServedVectors, vectors_of
from smallpool_core.encoder_ports import Encoders
from smallpool_core.items import Given
from smallpool_indexer.terms import query_terms
from smallpool_models.registry.served import stamp_of
from smallpool_models.understanding import KnowledgeBase, load_knowledge
from smallpool_models.understanding.remembered import Remembered
from smallpool_service.metrics import Metrics

KEPT_QUERIES = 10_000


class Understands:
    """Holds the understander of a process; its settings and metrics are the system's."""

    settings: Settings
    metrics: Metrics

    @cached_property
    def _knowledge_as_read(self) -> tuple[object, KnowledgeBase]:
        """With the stamp of its folder from before: what is changed between now and the first use of the understander is another one."""
        stamp = stamp_of(self.settings.knowledge.path)
        return stamp, load_knowledge(self.settings.knowledge.path)

    @cached_property
    def knowledge(self) -> KnowledgeBase:
        """The domain knowledge base as it was at the start: attributes, which rules and stores are made for, do not change after that."""
        return self._knowledge_as_read[1]

    @cached_property
    def vector_models(self) -> ServedVectors | None:
        """The model of vectors, by which listings are embedded and interests are found; raises `ModelRefused` where its folder holds none
        at the start.
        """
        return vectors_of(self.settings.models)

    def encoders_of(self, model: str) -> Encoders | None:
        """The encoders of a model of vectors that is in force, or was."""
        return None if self.vector_models is None else self.vector_models.of(model)

    @cached_property
    def understander(self) -> SharedUnderstander:
        """What makes sense of titles, by the knowledge base and models that lie in their folders now."""
        own = ServedUnderstander(self.settings, self.knowledge, self._knowledge_as_read[0], self.vector_models)
        return SharedUnderstander(own, assistants_of(self.settings.indexer.assistants), partial(Assistant, self.settings))

    def load_words(self) -> None:
        """Loads what understands words, some seconds: to be called before the first request, so that none with a query waits for it."""
        self.understander  # noqa: B018

    def read_query(self, text: str) -> tuple[str, ...]:
        """The terms that the words of a query stand for, by what serves now; 10,000 queries are remembered."""
        return self._queries[self.understander.version, text]

    @cached_property
    def _queries(self) -> Remembered[tuple[str, str], tuple[str, ...]]:
        def read(asked: tuple[str, str]) -> tuple[str, ...]:
            return query_terms(self.understander.understand([Given(title=asked[1])])[0])

        return Remembered(read, KEPT_QUERIES)

    @cached_property
    def rankers(self) -> Mapping[str, ServedRanker]:
        """The rankers of the settings by pool; raises `ModelRefused` where a folder holds none at the start."""
        return rankers_of(self.settings.models)

    def refresh_models(self) -> None:
        """Changes over to the knowledge base and models that lie in their folders now; not before the first are loaded."""
        if self._loaded:
            self.understander.refresh()
        elif (vectors := self.__dict__.get("vector_models")) is not None:
            vectors.refresh()
        if "rankers" in self.__dict__:
            for ranker in {id(one): one for one in self.rankers.values()}.values():
                ranker.refresh()

    def end_assistants(self) -> None:
        """Ends the processes that helped to understand, if there are any."""
        if (shared := self._shared) is not None:
            shared.close()

    def watch_models(self) -> None:
        """The gauges of what is refused; a scrape loads nothing."""
        self.metrics.watch(
            "models_refused",
            "New models in their folders that are refused; those before them go on serving.",
            lambda: float(self._title_model_refused or self._vectors_refused or self._ranker_refused),
        )
        self.metrics.watch(
            "knowledge_refused",
            "Whether a changed knowledge base is refused; the one before goes on serving.",
            lambda: float(bool(self._loaded and self.understander.knowledge_refused)),
        )

        self.metrics.watch(
            "understanding_assistants",
            "Processes that help this one to understand listings.",
            lambda: float(0 if self._shared is None else self._shared.assistants),
        )

    @property
    def _title_model_refused(self) -> bool:
        return self._loaded and bool(self.understander.model_refused)

    @property
    def _vectors_refused(self) -> bool:
        vectors = self.__dict__.get("vector_models")
        return vectors is not None and bool(vectors.refused)

    @property
    def _ranker_refused(self) -> bool:
        return "rankers" in self.__dict__ and any(ranker.refused for ranker in self.rankers.values())

    @property
    def _shared(self) -> SharedUnderstander | None:
        """The understander, if it is loaded and is of the kind that has help."""
        loaded = self.__dict__.get("understander")
        return loaded if isinstance(loaded, SharedUnderstander) else None

    @property
    def _loaded(self) -> bool:
        return "understander" in self.__dict__
