"""The domain knowledge base as it is held in memory: immutable, normalised, and versioned by its content.

Files and formats: `config/knowledge/README.md`. `load_knowledge` reads and checks a folder. Keys and surfaces are
normalised (`smallpool_core.normalise`); `name` and `display` keep the form in which people write them.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from smallpool_core.fields import Attributes
from smallpool_models.understanding.quality_model import QualityModel

POINT_TYPES = ("variety", "material", "craft", "period", "origin", "theme", "style", "function", "whom", "colour")
"""Kinds of selling point with a file of their own, the most telling first; product, model and spec come from other tables."""

GRADES = ("new", "like_new", "good", "fair", "poor")
Role = Literal["gift", "compatible", "ignore"]
Match = Literal["unit", "before", "both", "either"]


class Category(Struct, frozen=True):
    """A category: its path as shown, and the log-normal distribution of its prices (median in cents, sigma of ln)."""

    path: tuple[str, ...]
    median_cents: float
    spread: float


class Surface(Struct, frozen=True):
    """A normalised form in which something is written; an ambiguous one counts only where what stands beside it speaks for it."""

    text: str
    ambiguous: bool = False


class Entry(Struct, frozen=True):
    """A product or a selling point. `categories` are path keys; of a product the first is the usual one."""

    key: str
    name: str
    surfaces: tuple[Surface, ...]
    categories: tuple[str, ...]


class Brand(Struct, frozen=True):
    """A brand and the categories (path keys) of what it makes, the best known first."""

    key: str
    display: str
    surfaces: tuple[Surface, ...]
    categories: tuple[str, ...]


class Relation(Struct, frozen=True):
    """`subject` stands in the relation `name` to `object`; both are keys of entries."""

    subject: str
    name: str
    object: str


class WordSense(Struct, frozen=True):
    """One meaning of an ambiguous word: the entry `key` of a kind, or of the kind `none` a word of everyday speech. `beside` has words
    that speak for it where they stand in the same text; a `0` before one asks for a digit there (`0斤`).
    """

    word: str
    kind: str
    key: str
    beside: tuple[str, ...]


class Series(Struct, frozen=True):
    """A line of models: a surface, then one of `numbers` (`*` any number, `?` none needed), then any of `suffixes`."""

    key: str
    name: str
    brand: str
    category: str
    surfaces: tuple[Surface, ...]
    numbers: tuple[str, ...]
    suffixes: tuple[str, ...]
    any_number: bool
    optional: bool


class Measure(Struct, frozen=True):
    """A number with one of `units`, or after one of `before`, within [low, high]; `factor` turns it into the attribute's unit.

    `categories` are path keys or their leading elements; empty fits all.
    """

    attribute: str
    units: tuple[str, ...]
    before: tuple[str, ...]
    match: Match
    factor: float
    low: float
    high: float
    categories: tuple[str, ...]


class Meaning(Struct, frozen=True):
    """A surface and what it gives: the grade of a condition word, the tag of a phrase, the role of a mark, the kind of a flag."""

    text: str
    meaning: str


class CompletenessSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When a description counts in full; selling points at which their share is 1 - 1/e."""

    description_characters: int
    points: int


class ContentSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Words of the title at which the part is 1 - 1/e, and how many of them one foreign word takes away."""

    words: int
    foreign: float


class PhotoSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many pictures are enough, and the score where their number is unknown."""

    full: int
    unknown: float


class PriceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Deviations of ln(price) at which a price stops being plausible, and is absurd."""

    fair_deviations: float
    absurd_deviations: float
    unknown: float


class ClaritySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Lengths of a title, in characters, and the share of punctuation that makes it unreadable."""

    shortest: int
    ideal_shortest: int
    ideal_longest: int
    longest: int
    marks_share: float


class StuffingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many brands, products and words of hype a title may hold, and with how many beyond it the part is 1/2."""

    brands: int
    products: int
    hype: int
    half: float


class FocusSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many words of a title may fit other categories better than its own, and with how many beyond it, for each word that does fit
    and one more, the part is 1/2.
    """

    foreign: int
    half: float


class ConductSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Scores of listings with contact details or forbidden goods."""

    contact: float
    forbidden: float


class QualitySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`quality.toml`: the settings of each part; how they add up is `quality_model.json`."""

    completeness: CompletenessSettings
    photos: PhotoSettings
    price: PriceSettings
    clarity: ClaritySettings
    stuffing: StuffingSettings
    conduct: ConductSettings
    content: ContentSettings
    focus: FocusSettings


class ListingGroup(Struct, frozen=True, forbid_unknown_fields=True):
    """How generated listings of some top categories read, and how they are sold."""

    name: str
    share: float
    tops: tuple[str, ...]
    conditions: tuple[str, ...]
    tags: tuple[str, ...]
    auction_share: float
    free_share: float
    titles: tuple[str, ...]
    sentences: tuple[str, ...]


class ListingNoise(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of generated listings that are not as they should be."""

    no_category: float
    no_description: float
    contact: float
    stuffed: float
    no_images: float
    contact_texts: tuple[str, ...]


class ListingStyles(Struct, frozen=True, forbid_unknown_fields=True):
    """`listings.toml`: groups of patterns, noise, tops whose things come in colours, specs by category prefix as written there."""

    colourful: tuple[str, ...]
    groups: tuple[ListingGroup, ...]
    noise: ListingNoise
    specs: dict[str, tuple[str, ...]]


class AttributeNames(Struct, frozen=True):
    """Where attributes come from.

    `given` maps a seller's name of an attribute (normalised) to the attribute, or to `brand` or `condition`;
    `points` maps a kind of selling point to the attribute that it fills.
    """

    given: Mapping[str, str]
    points: Mapping[str, str]


class KnowledgeBase(Struct, frozen=True):
    """Everything in the folder, checked. `version` is the first 12 hex digits of the sha256 of all files and their names."""

    version: str
    categories: Mapping[str, Category]
    price_tenths: Mapping[str, tuple[int, ...]]
    products: tuple[Entry, ...]
    brands: tuple[Brand, ...]
    series: tuple[Series, ...]
    points: Mapping[str, tuple[Entry, ...]]
    relations: tuple[Relation, ...]
    senses: tuple[WordSense, ...]
    measures: tuple[Measure, ...]
    conditions: tuple[Meaning, ...]
    tags: tuple[Meaning, ...]
    marks: tuple[Meaning, ...]
    flags: tuple[Meaning, ...]
    stopwords: frozenset[str]
    cities: Mapping[str, int]
    simplified: Mapping[int, str]
    attributes: Attributes
    attribute_names: AttributeNames
    quality: QualitySettings
    quality_model: QualityModel
    listings: ListingStyles
