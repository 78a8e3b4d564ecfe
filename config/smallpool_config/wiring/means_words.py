"""What words mean in a system: the model of intent that lies in a folder, and the keywords of the marketplace by it.

In: settings, the knowledge base. Out: a word encoder, where one is set, and related keywords.
"""

from collections.abc import Mapping
from functools import cached_property

from msgspec.structs import replace

from smallpool_config.in_folder import InFolder
from smallpool_config.wiring.understands import Understands
from smallpool_core.encoder_ports import Encoders, WordEncoder
from smallpool_core.keyword_ports import Keywords
from smallpool_models.encoders.words import KIND, SCHEMA, IntentEncoder
from smallpool_models.intent.keywords import KeywordBook
from smallpool_models.understanding import KnowledgeBase


class MeansWords(Understands):
    """Holds what words mean; loaded with what understands words, or when it is first asked for."""

    @cached_property
    def _intent(self) -> InFolder[IntentEncoder] | None:
        folder = self.settings.models.intent_path
        return None if folder is None else InFolder(folder, KIND, SCHEMA, IntentEncoder)

    def word_encoder(self) -> WordEncoder | None:
        """The one in force; None where the settings name none. Raises `ModelRefused` where its folder holds none at the start."""
        return None if self._intent is None else self._intent.current

    def load_words(self) -> None:
        """With the model of intent: a request would wait for it, and one that is no model is found out at the start."""
        super().load_words()
        self.word_encoder()

    def encoders_of(self, model: str) -> Encoders | None:
        """With that of words, where these lie in the space of the model's items."""
        found, words = super().encoders_of(model), self.word_encoder()
        return replace(found, words=words) if found is not None and words is not None and words.model == model else found

    @cached_property
    def keywords(self) -> Keywords:
        """Keywords of the knowledge base, and of what is on sale."""
        return KeywordBook(self.word_encoder, names_of(self.knowledge))

    def refresh_models(self) -> None:
        """Changes over to another model of intent too, where the folder holds one."""
        super().refresh_models()
        if (served := self.__dict__.get("_intent")) is not None:
            served.refresh()

    def watch_models(self) -> None:
        """The gauge of a model of intent that is refused beside those of other models; a scrape loads nothing."""
        super().watch_models()
        self.metrics.watch(
            "intent_model_refused",
            "Whether a new model of intent in its folder is refused; the one before goes on serving.",
            lambda: float(bool((served := self.__dict__.get("_intent")) is not None and served.refused)),
        )


def names_of(knowledge: KnowledgeBase) -> Mapping[str, tuple[str, ...]]:
    """What the knowledge base has a name for, with the other ways to write it: products, selling points, brands, and categories."""
    entries = [entry for some in (knowledge.products, *knowledge.points.values()) for entry in some]
    named = {entry.name: tuple(surface.text for surface in entry.surfaces) for entry in entries}
    brands = {brand.display: tuple(surface.text for surface in brand.surfaces) for brand in knowledge.brands}
    levels: dict[str, tuple[str, ...]] = {name: () for category in knowledge.categories.values() for name in category.path}
    return levels | brands | named
