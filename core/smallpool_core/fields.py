"""The table of fields of a wide item: rule types, SQL schema and index mapping are generated from it.

A rule names a field by its `name`; `attributes.NAME` is a field too when NAME is declared (`Attributes`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from msgspec import Struct


class FieldKind(StrEnum):
    """How a field's values are stored, compared and checked."""

    KEYWORD = "keyword"
    ID = "id"
    WORDS = "words"
    KEYWORDS = "keywords"
    PATH = "path"
    INTEGER = "integer"
    THOUSANDTHS = "thousandths"
    TIME = "time"
    NUMBER = "number"


Operator = Literal[
    "eq", "in", "prefix", "contains_any", "has", "has_any", "has_all",
    "lt", "lte", "gt", "gte", "between", "within",
]  # fmt: skip

_RANGE: tuple[Operator, ...] = ("lt", "lte", "gt", "gte", "between")

OPERATORS: Mapping[FieldKind, tuple[Operator, ...]] = MappingProxyType(
    {
        FieldKind.KEYWORD: ("eq", "in"),
        FieldKind.ID: ("eq", "in"),
        FieldKind.WORDS: ("contains_any",),
        FieldKind.KEYWORDS: ("has", "has_any", "has_all"),
        FieldKind.PATH: ("eq", "prefix", "in"),
        FieldKind.INTEGER: ("eq", "in", *_RANGE),
        FieldKind.THOUSANDTHS: _RANGE,
        FieldKind.TIME: ("within", "lt", "gt"),
        FieldKind.NUMBER: ("eq", "in", *_RANGE),
    }
)


class Field(Struct, frozen=True):
    """One field that rules may name. `choices` closes a keyword; `meaning` is shown to operators."""

    name: str
    kind: FieldKind
    meaning: str
    choices: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators that a rule may apply to this field."""
        return OPERATORS[self.kind]


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        field.name: field
        for field in (
            Field("item_id", FieldKind.ID, "the item's own id, compared exactly"),
            Field("seller_id", FieldKind.ID, "the seller's id, compared exactly"),
            Field("city", FieldKind.KEYWORD, "city of the seller"),
            Field("brand", FieldKind.KEYWORD, "brand, normalised over its aliases"),
            Field("condition", FieldKind.KEYWORD, "grade of wear: new, like_new, good, fair, poor"),
            Field("sale", FieldKind.KEYWORD, "way of sale", ("fixed", "auction", "free", "live")),
            Field("title_words", FieldKind.WORDS, "words of the title; a value is exactly one word"),
            Field("category", FieldKind.PATH, "category path, given or predicted"),
            Field("tags", FieldKind.KEYWORDS, "tags of the item"),
            Field("points", FieldKind.KEYWORDS, "selling points found in the title and description"),
            Field("price_cents", FieldKind.INTEGER, "price in cents (分)"),
            Field("price_band", FieldKind.INTEGER, "price band within the category, from 0"),
            Field("image_count", FieldKind.INTEGER, "number of pictures"),
            Field("quality", FieldKind.THOUSANDTHS, "quality score in [0, 1], steps of 1/1000"),
            Field("seller_score", FieldKind.THOUSANDTHS, "seller score in [0, 1], steps of 1/1000"),
            Field(
                "reposts",
                FieldKind.INTEGER,
                "earlier listings on sale of the same thing, of the six most alike; 0 for an original",
            ),
            Field("published_at", FieldKind.TIME, "when it was or will be published (ms)"),
            Field("starts_at", FieldKind.TIME, "when the auction starts (ms)"),
            Field("expires_at", FieldKind.TIME, "when it leaves (ms)"),
        )
    }
)

ATTRIBUTE_PREFIX = "attributes."


class Attributes(Struct, frozen=True):
    """The declared attributes and their types, read from `config/knowledge/attributes`.

    `written` has, by field, the other forms in which people write its keywords, normalised, and the key that each stands for: a rule
    for the brand `苹果` is one for what is stored as `apple`.
    """

    types: Mapping[str, Literal["keyword", "number"]]
    written: Mapping[str, Mapping[str, str]] = MappingProxyType({})

    def key(self, field: str, keyword: str) -> str:
        """The form in which the field's keyword is stored."""
        return self.written.get(field, {}).get(keyword, keyword)

    def field(self, name: str) -> Field | None:
        """The field named `attributes.NAME`, or None where NAME is not declared."""
        declared = self.types.get(name.removeprefix(ATTRIBUTE_PREFIX))
        if declared is None or not name.startswith(ATTRIBUTE_PREFIX):
            return None
        return Field(name, FieldKind(declared), f"declared attribute, {declared}")


def field_named(name: str, attributes: Attributes) -> Field | None:
    """The field that a rule means by `name`, or None where there is none."""
    return FIELDS.get(name) or attributes.field(name)
