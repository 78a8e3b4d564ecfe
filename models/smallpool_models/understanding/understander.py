"""Understands listings with the domain knowledge base and jieba, and with trained models of spans, category and tags where they are given.

In: items as sellers gave them. Out: `Understood`, one an item, in order. The same text, knowledge and model give the same result.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import NamedTuple

from smallpool_core.items import THOUSAND, Given, Understood
from smallpool_core.normalise import normalise, path_key
from smallpool_core.reposts import Sketch
from smallpool_models.understanding.attributes import attributes_of, given_text
from smallpool_models.understanding.brand import believed_brands, brand_of
from smallpool_models.understanding.category import Placed, given_path, place
from smallpool_models.understanding.characters import Characters, shape_of
from smallpool_models.understanding.fitting import Fitting
from smallpool_models.understanding.knowledge import GRADES, KnowledgeBase
from smallpool_models.understanding.labelled import CategoryModel, Guess, TagModel, all_tags, settled
from smallpool_models.understanding.lexicon import Lexicon
from smallpool_models.understanding.measures import Measures
from smallpool_models.understanding.merge import NOTHING, Tagged, Tagger, further_points
from smallpool_models.understanding.phrases import Phrases
from smallpool_models.understanding.points import Broader, Heard, Point, hear, in_order, keys_of, points_of, spans_of, telling
from smallpool_models.understanding.prices import Prices
from smallpool_models.understanding.quality import Seen, judge
from smallpool_models.understanding.quality_model import combined
from smallpool_models.understanding.segment import Segmenter
from smallpool_models.understanding.senses import Senses
from smallpool_models.understanding.sketch import MOST_SKETCHED, Said, Sketcher
from smallpool_models.understanding.tags import condition_of, tags_of
from smallpool_models.understanding.text import Folded, Folder

MOST_TITLE = 1_000
MOST_DESCRIPTION = 2_000
"""Characters that are read; the rest is left out. Titles are cut and counted when they are taken in."""
NEUTRAL_SELLER_SCORE = THOUSAND // 2
"""Until sellers have a history they are all worth the same."""


class _Read(NamedTuple):
    """A listing's texts, and the words heard in each."""

    title: Folded
    description: Folded
    in_title: list[Heard]
    in_description: list[Heard]
    words: list[str]
    shape: str
    order: float

    def said(self) -> Said:
        """What is sketched of it."""
        sketched = [word for word in self.in_description if word.end <= MOST_SKETCHED]
        return (self.title.text, self.in_title), (self.description.text[:MOST_SKETCHED], sketched)


class _Added(NamedTuple):
    """What models say of one title."""

    spans: Sequence[Tagged]
    category: Guess | None
    tags: tuple[str, ...]


class KnowledgeUnderstander:
    """Holds the indexes made from one knowledge base; understanding itself keeps no state.

    Construction reads jieba's dictionary (about 1 s); nothing is read when the module is imported.
    """

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self._tagger: Tagger | None = None
        self._categories: CategoryModel | None = None
        self._tags: TagModel | None = None
        self._folder = Folder(knowledge.simplified)
        self._lexicon = Lexicon(knowledge)
        self._senses = Senses(knowledge)
        self._broader = Broader(knowledge)
        self._measures = Measures(knowledge.measures)
        self._segmenter = Segmenter([*self._lexicon.words(), *self._measures.units])
        self._category_ranks = {key: rank for rank, key in enumerate(knowledge.categories)}
        self._prices = Prices(knowledge.categories, knowledge.price_tenths)
        self._brands = {brand.key: brand for brand in knowledge.brands}
        self._characters = Characters(knowledge.quality_model.characters)
        self._fitting = Fitting(knowledge.quality_model.categories)
        self._phrases = Phrases(knowledge.quality_model.phrases, self._characters)
        self._sketcher = Sketcher()
        self._versions = {"knowledge": knowledge.version, "segmenter": self._segmenter.version}

    @property
    def version(self) -> str:
        """The versions of the knowledge base, of the segmenter and of the models that there are."""
        models = (f"+{name}-{model.version}" for name, model in self._models().items())
        return f"{self._knowledge.version}+{self._segmenter.version}{''.join(models)}"

    def _models(self) -> dict[str, Tagger | CategoryModel | TagModel]:
        """The models in use, by the name under which `versions` has them."""
        models = {"ner": self._tagger, "category": self._categories, "tags": self._tags}
        return {name: model for name, model in models.items() if model is not None}

    @property
    def versions(self) -> Mapping[str, str]:
        """The same by name, as they stand on what is understood now."""
        return self._versions | {name: model.version for name, model in self._models().items()}

    @property
    def knowledge(self) -> KnowledgeBase:
        """The knowledge base that it understands by."""
        return self._knowledge

    @property
    def lexicon(self) -> Lexicon:
        """The words of the knowledge base."""
        return self._lexicon

    @property
    def segmenter(self) -> Segmenter:
        """What cuts texts into words; taggers share it, since jieba's dictionary takes some 80 MB."""
        return self._segmenter

    def tagged_by(self, tagger: Tagger) -> "KnowledgeUnderstander":
        """The same understander with a tagger; all that was loaded is shared."""
        made = copy(self)
        made._tagger = tagger  # noqa: SLF001  a copy of its own class
        return made

    def labelled_by(self, categories: CategoryModel | None = None, tags: TagModel | None = None) -> "KnowledgeUnderstander":
        """The same understander with models of category and tags; all that was loaded is shared."""
        made = copy(self)
        made._categories, made._tags = categories, tags  # noqa: SLF001  a copy of its own class
        return made

    def refresh(self) -> None:
        """Lets the models change over to newer ones."""
        for model in self._models().values():
            model.refresh()

    def refused(self) -> str:
        """Why newer models are not in force; empty where all is well."""
        return "; ".join(filter(None, (model.refused for model in self._models().values())))

    def conditions(self, title: str) -> list[Tagged]:
        """The words that say in what condition the item is, in characters of the title; `Understood` has only what they mean."""
        folded = self._folder.fold(title[:MOST_TITLE])
        found = self._lexicon.find(folded.text)
        return [(*folded.original(one.start, one.end), "condition") for one in found if one.readings[0].kind == "condition"]

    def split_words(self, text: str) -> tuple[str, ...]:
        """The words of a text as titles are cut; a rule's value on `title_words` must be exactly one."""
        return tuple(self._segmenter.cut(normalise(text)))

    def pieces(self, text: str) -> list[str]:
        """The text cut into words, signs and spaces; joined they are the text as it stands."""
        return self._segmenter.pieces(text)

    def quality_of(self, parts: Mapping[str, float]) -> int:
        """The quality, in thousandths, that these parts add up to."""
        return round(combined(parts, self._knowledge.quality_model) * THOUSAND)

    def folded(self, title: str) -> str:
        """A title as its characters are counted and words are matched."""
        return self._folder.fold(title[:MOST_TITLE]).text

    @property
    def judged_categories(self) -> frozenset[str]:
        """Keys of the categories of which the quality model knows what fits them."""
        return frozenset(self._fitting.names)

    def category_of(self, given: Given) -> str:
        """The key of the category that the seller gave."""
        return path_key(given_path(given.category))

    def understand(self, given: Sequence[Given]) -> list[Understood]:
        """One result an item, in order; never raises, whatever the text holds."""
        titles = [self._folder.fold(item.title[:MOST_TITLE]) for item in given]
        versions = dict(self._versions)
        models = self._by_models(given, [title.text for title in titles], versions)
        read = self._read(given, titles)
        sketches = self._sketcher.sketches([one.said() for one in read])
        return [self._understand(*one, versions) for one in zip(given, read, models, sketches, strict=True)]

    def _by_models(self, given: Sequence[Given], texts: Sequence[str], versions: dict[str, str]) -> list[_Added]:
        """What the models say of each title; each answers by one version for the whole batch, which is put into `versions`."""
        spans: Sequence[Sequence[Tagged]] = [()] * len(texts)
        guesses: list[Guess | None] = [None] * len(texts)
        tags: Sequence[tuple[str, ...]] = [()] * len(texts)
        if self._tagger is not None:
            versions["ner"], spans = self._tagger.tag(texts)
        if self._categories is not None:
            asked = [place for place, item in enumerate(given) if not given_path(item.category)]
            versions["category"], answers = self._categories.predict([texts[place] for place in asked])
            for place, answer in zip(asked, answers, strict=True):
                guesses[place] = answer
        if self._tags is not None:
            versions["tags"], tags = self._tags.predict(texts)
        return [_Added(*one) for one in zip(spans, guesses, tags, strict=True)]

    def _read(self, given: Sequence[Given], titles: Sequence[Folded]) -> list[_Read]:
        words = self._segmenter.cut_all([title.normal for title in titles])
        shapes = [shape_of(title.text) for title in titles]
        orders = self._characters.scores(shapes)
        read = []
        for item, title, cut, shape, order in zip(given, titles, words, shapes, orders, strict=True):
            description = self._folder.fold(item.description[:MOST_DESCRIPTION])
            told, further, category = self._lexicon.find(title.text), self._lexicon.find(description.text), self.category_of(item)
            in_title = hear(title.text, self._senses.choose(title.text, told, category, further))
            in_description = hear(description.text, self._senses.choose(description.text, further, category, told))
            read.append(_Read(title, description, in_title, in_description, cut, shape, order))
        return read

    def _understand(self, given: Given, read: _Read, models: _Added, sketch: Sketch, versions: Mapping[str, str]) -> Understood:
        title, description, in_title, in_description, words, shape, order = read
        heard = [*in_title, *in_description]
        by_words = place(given.category, in_title, in_description, self._category_ranks, lambda: self._head_noun(words))
        placed = settled(by_words, models.category)
        believed = believed_brands(in_title)
        measured = self._measures.find(title.text, placed.key, _models(in_title))
        further = self._measures.find(description.text, placed.key, _models(in_description))
        marked = frozenset(believed)
        added = further_points(title.text, models.spans, in_title, measured, self._knowledge.stopwords) if models.spans else NOTHING
        title_points = in_order([*points_of(in_title, measured, marked, in_title=True), *added.points])
        points = [*title_points, *points_of(in_description, further, marked, in_title=False)]
        keys = keys_of(points)
        condition = self._condition(given, heard)
        title_words = self._segmenter.with_parts(words)
        fit = self._fitting.fit(words, placed.key)
        seen = Seen(
            title=title.text,
            description=description.text,
            in_title=in_title,
            heard=heard,
            points=telling(points),
            words=len(title_words),
            image_count=given.image_count if given.image_count is not None else len(given.images) or None,
            deviations=None if given.price_cents is None else self._prices.deviations(given.price_cents, placed.path),
            is_start_price=given.sale in {"auction", "free", "live"},
            has_category=placed.source != "head_noun",
            has_condition=condition is not None,
            has_city=bool(given.city),
            order=order,
            category_fit=fit.score,
            phrases=self._phrases.score(shape),
            belonging=fit.belonging,
            own=fit.own,
            foreign=fit.foreign,
        )
        parts = judge(seen, self._knowledge.quality)
        return Understood(
            title_words=title_words,
            category=placed.path,
            category_source=placed.source,
            category_confidence=placed.confidence,
            brand=self._brand(given, believed, placed, added.brands),
            condition=condition,
            tags=all_tags(tags_of(heard), models.tags),
            points=self._broader.added(keys, placed.key),
            spans=spans_of(title, [*title_points, *added.brands], in_title, marked),
            attributes=attributes_of(
                given.attributes, heard, [*measured, *further], self._knowledge.attributes, self._knowledge.attribute_names
            ),
            price_band=self._prices.band(given.price_cents, placed.path),
            quality=self.quality_of(parts),
            quality_parts=parts,
            seller_score=NEUTRAL_SELLER_SCORE,
            versions=dict(versions),
            sketch=sketch,
        )

    def _brand(self, given: Given, believed: Sequence[str], placed: Placed, tagged: Sequence[Point]) -> str | None:
        """What the seller gave as brand, by its key where it is known; else what the title names; else the first that is tagged."""
        written = given_text(given.attributes, "brand", self._knowledge.attribute_names)
        if written:
            return self._knowledge.attributes.key("brand", written)
        return brand_of(believed, placed, self._brands) or next((one.key for one in tagged), None)

    def _condition(self, given: Given, heard: Sequence[Heard]) -> str | None:
        written = given_text(given.attributes, "condition", self._knowledge.attribute_names)
        grade = self._knowledge.attributes.key("condition", written) if written else None
        return grade if grade in GRADES else condition_of(heard)

    def _head_noun(self, cut: Sequence[str]) -> str | None:
        """The last word that is no stop word and none of the knowledge base; Chinese words before all others."""
        words = [word for word in cut if self._may_head(word)]
        chinese = (word for word in reversed(words) if not word.isascii() and len(word) > 1)
        return next(chinese, words[-1] if words else None)

    def _may_head(self, word: str) -> bool:
        return word not in self._knowledge.stopwords and not self._lexicon.knows(word) and any(map(str.isalpha, word))


def _models(heard: Sequence[Heard]) -> list[tuple[int, int]]:
    """Spans whose numbers belong to a model and are no measures."""
    return [(word.start, word.end) for word in heard if word.kind == "model"]
