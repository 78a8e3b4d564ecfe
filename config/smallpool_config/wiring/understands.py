"""The understanding of a system: its knowledge base, and the models that lie in folders and may change while it runs.

In: settings. Out: an understander, loaded when it is first asked for, and what keeps it up to date.
"""

from functools import cached_property

from smallpool_config.settings import Settings
from smallpool_config.tagging import understander_of
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge
from smallpool_service.metrics import Metrics


class Understands:
    """Holds the understander of a process; its settings and metrics are the system's."""

    settings: Settings
    metrics: Metrics

    @cached_property
    def knowledge(self) -> KnowledgeBase:
        """The domain knowledge base."""
        return load_knowledge(self.settings.knowledge.path)

    @cached_property
    def understander(self) -> KnowledgeUnderstander:
        """What makes sense of titles."""
        return understander_of(self.knowledge, self.settings.models)

    def refresh_models(self) -> None:
        """Changes over to newer models where their folders hold some; not before the first is loaded."""
        if "understander" in self.__dict__:
            self.understander.refresh()

    def watch_models(self) -> None:
        """The gauge of models that are refused; a scrape loads none."""
        self.metrics.watch(
            "models_refused", "New models in their folders that are refused; those before them go on serving.", self._refused
        )

    def _refused(self) -> float:
        return float("understander" in self.__dict__ and bool(self.understander.refused()))
