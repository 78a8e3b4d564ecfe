"""Reads the TOML files of the knowledge base: attributes, quality and the style of generated listings.

In: a `Reader`. Out: typed settings; every section that does not fit is a problem of its own.
"""

import math
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
from smallpool_models.understanding.quality_model import PARTS, QualityModel
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
    return msgspec.convert(sections, QualitySettings)


def read_quality_model(reader: Reader) -> QualityModel | None:
    """`quality_model.json` as `smallpool train quality` writes it; None where it is none, with what is wrong noted."""
    name = "quality_model.json"
    model = reader.json(name, QualityModel)
    if model is None:
        return None
    if model.weights.keys() != set(PARTS) or not all(0 <= weight < math.inf for weight in model.weights.values()):
        reader.refuse(f"{name}:weights", sorted(model.weights), f"a weight of 0 or more for each of {', '.join(PARTS)}; train it again")
    if any(len(pair) != 2 for pair in model.characters.pairs) or any(len(triple) != 3 for triple in model.phrases.triples):
        reader.refuse(f"{name}:characters", "a string of another length", "pairs have two characters and triples three; train it again")
    rises = zip(model.curve, model.curve[1:], strict=False)
    if (
        not model.curve
        or not all(low[0] < high[0] and low[1] <= high[1] for low, high in rises)
        or not 0 <= model.curve[0][1] <= model.curve[-1][1] <= 1
    ):
        reader.refuse(f"{name}:curve", f"{len(model.curve)} points", "pairs that rise, their shares within 0 and 1; train it again")
    return model


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
