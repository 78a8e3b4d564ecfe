"""What the rule builder offers: the fields that a rule may name, and for some of them values that are known.

In: the declared attributes and suggestions, put together by the wiring. Out: fields by name; suggestions by field.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from smallpool_core.fields import ATTRIBUTE_PREFIX, FIELDS, Attributes, Field, field_named


class Suggestion(NamedTuple):
    """A value as it is written into a rule, and how people know it."""

    value: str
    label: str = ""


class Vocabulary(Struct, frozen=True):
    """Attributes that are declared, and suggestions by field; a path is written as its elements with ` › ` between."""

    attributes: Attributes = Attributes({})
    suggestions: Mapping[str, tuple[Suggestion, ...]] = MappingProxyType({})

    def fields(self) -> list[Field]:
        """Every field that a rule may name."""
        declared = (self.field(f"{ATTRIBUTE_PREFIX}{name}") for name in sorted(self.attributes.types))
        return [*FIELDS.values(), *(field for field in declared if field is not None)]

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return field_named(name, self.attributes)
