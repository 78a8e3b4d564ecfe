"""Reads the TOML files of the knowledge base: attributes, quality and the style of generated listings.

In: a `Reader`. Out: typed settings; every section that does not fit is a problem of its own.
"""

from collections.abc import Collection
from types import MappingProxyType
from typing import Literal, get_type_hints

import msgspec
from msgspec import Struct

from smallpool_core.fields import Attributes
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.knowledge import (
    POINT_TYPES,
    AttributeNames,
    ListingGroup,
    ListingNoise,
    ListingStyles,
    QualitySettings,
)
from smallpool_models.understanding.readers import category_key
from smallpool_models.understanding.tables import Reader

POINT_SOURCES = ("model", *POINT_TYPES)
"""Kinds of selling point that may fill an attribute."""


class _GivenAs(Struct, frozen=True, forbid_unknown_fields=True):
    given_as: tuple[str, ...] = ()


class _Attribute(Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    type: Literal["keyword", "number"]
    meaning: str
    source: str = ""
    given_as: tuple[str, ...] = ()


def read_attributes(reader: Reader) -> tuple[Attributes, AttributeNames]:
    """`attributes.toml`: the declared attributes and where their values come from."""
    name = "attributes.toml"
    content = reader.toml(name)
    declared = reader.convert(name, "attributes", content.pop("attributes", {}), dict[str, object]) or {}
    types: dict[str, Literal["keyword", "number"]] = {}
    given: dict[str, str] = {}
    points: dict[str, str] = {}
    for section in ("brand", "condition"):
        names = reader.convert(name, section, content.pop(section, {}), _GivenAs)
        given.update({reader.key(name, text): section for text in (names.given_as if names else ())})
    for key, value in declared.items():
        attribute = reader.convert(name, f"attributes.{key}", value, _Attribute)
        if attribute is None:
            continue
        types[key] = attribute.type
        given.update({reader.key(name, text): key for text in (key, *attribute.given_as)})
        if attribute.source:
            points[attribute.source] = key
            if attribute.source not in POINT_SOURCES or attribute.type != "keyword":
                reader.refuse(
                    f"{name}:[attributes.{key}]", f"from {attribute.source!r}", f"a keyword comes from {', '.join(POINT_SOURCES)}"
                )
    for section in content:
        reader.refuse(f"{name}:[{section}]", "an unknown section", "the sections are brand, condition and attributes.NAME")
    return Attributes(MappingProxyType(types)), AttributeNames(MappingProxyType(given), MappingProxyType(points))


def read_quality(reader: Reader) -> QualitySettings | None:
    """`quality.toml`, section by section; None where one does not fit."""
    name = "quality.toml"
    content = reader.toml(name)
    hints = get_type_hints(QualitySettings)
    sections = {section: reader.convert(name, section, content.get(section), kind) for section, kind in hints.items()}
    for section in content.keys() - hints.keys():
        reader.refuse(f"{name}:[{section}]", "an unknown section", f"the sections are {', '.join(hints)}")
    if None in sections.values():
        return None
    settings = msgspec.convert(sections, QualitySettings)
    parts = set(hints) - {"weights"}
    if settings.weights.keys() != parts:
        reader.refuse(f"{name}:[weights]", sorted(settings.weights), f"the weights are of exactly {sorted(parts)}")
    if abs(sum(settings.weights.values()) - 1) > 1e-9 or min(settings.weights.values(), default=0) < 0:
        reader.refuse(f"{name}:[weights]", f"a sum of {sum(settings.weights.values()):g}", "weights are at least 0 and sum to 1")
    return settings


def read_listings(reader: Reader, categories: Collection[str]) -> ListingStyles | None:
    """`listings.toml`: every top category must belong to exactly one group."""
    name = "listings.toml"
    content = reader.toml(name)
    groups = reader.convert(name, "groups", content.get("groups"), tuple[ListingGroup, ...])
    noise = reader.convert(name, "noise", content.get("noise"), ListingNoise)
    specs = reader.convert(name, "specs", content.get("specs"), dict[str, tuple[str, ...]])
    colourful = reader.convert(name, "colourful", content.get("colourful"), tuple[str, ...])
    if groups is None or noise is None or specs is None or colourful is None:
        return None
    tops = {key.split(PATH_SEPARATOR)[0] for key in categories}
    listed = [top for group in groups for top in group.tops]
    if sorted(listed) != sorted(tops):
        wrong = sorted((set(listed) ^ tops) | {top for top in listed if listed.count(top) > 1})
        reader.refuse(f"{name}:[[groups]]", wrong, "each top category of categories.tsv belongs to exactly one group")
    for written in specs:
        if not any(key == category_key(written) or key.startswith(category_key(written) + PATH_SEPARATOR) for key in categories):
            reader.refuse(f"{name}:[specs]", written, "no category of categories.tsv is this or starts with it")
    return ListingStyles(colourful, groups, noise, specs)
