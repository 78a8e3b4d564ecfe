"""Loads a folder of knowledge files into a `KnowledgeBase`, or refuses it with every mistake, its file and its line.

In: the folder. Out: the knowledge base; `KnowledgeRefused` carries one `Problem` for each mistake.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace

from smallpool_core.errors import KnowledgeRefused
from smallpool_models.understanding.knowledge import GRADES, POINT_TYPES, KnowledgeBase
from smallpool_models.understanding.readers import (
    read_brands,
    read_categories,
    read_characters,
    read_cities,
    read_entries,
    read_meanings,
    read_measures,
    read_price_tenths,
    read_series,
    read_tags,
    read_words,
    written_forms,
)
from smallpool_models.understanding.relations import read_relations, read_senses
from smallpool_models.understanding.settings import read_attributes, read_listings, read_quality, read_quality_model
from smallpool_models.understanding.tables import Reader


def load_knowledge(folder: Path) -> KnowledgeBase:
    """Reads and checks all files of `folder`; raises `KnowledgeRefused` with every problem found."""
    reader = Reader(folder)
    categories = read_categories(reader)
    price_tenths = read_price_tenths(reader)
    brands = read_brands(reader, categories)
    series = read_series(reader, categories, {brand.key for brand in brands})
    products = read_entries(reader, "products.tsv", "product", categories, required=True)
    points = {kind: read_entries(reader, f"points/{kind}.tsv", "point", categories, required=False) for kind in POINT_TYPES}
    for name in reader.names("points/*.tsv"):
        if name.removeprefix("points/").removesuffix(".tsv") not in POINT_TYPES:
            reader.refuse(name, "a kind of selling point that is not known", f"the kinds are {', '.join(POINT_TYPES)}")
    entries = {kind: [entry.key for entry in some] for kind, some in {"product": products, **points}.items()}
    entries["brand"] = [brand.key for brand in brands]
    relations, senses = read_relations(reader, entries), read_senses(reader, entries)
    conditions = read_meanings(reader, "conditions.tsv", "grade", GRADES)
    attributes, attribute_names = read_attributes(reader)
    attributes = replace(attributes, written=written_forms(brands, conditions))
    measures = read_measures(reader, categories, attributes)
    tags = read_tags(reader)
    marks = read_meanings(reader, "marks.tsv", "role", ("gift", "compatible", "ignore"))
    flags = read_meanings(reader, "flags.tsv", "kind", ("contact", "forbidden", "hype"))
    stopwords, cities, simplified = read_words(reader, "stopwords.tsv"), read_cities(reader), read_characters(reader)
    quality, listings = read_quality(reader), read_listings(reader, categories)
    quality_model = read_quality_model(reader)
    if reader.problems or quality is None or quality_model is None or listings is None:
        raise KnowledgeRefused(reader.problems)
    return KnowledgeBase(
        version=content_version(reader.files),
        categories=MappingProxyType(categories),
        price_tenths=MappingProxyType(price_tenths),
        products=products,
        brands=brands,
        series=series,
        points=MappingProxyType(points),
        relations=relations,
        senses=senses,
        measures=measures,
        conditions=conditions,
        tags=tags,
        marks=marks,
        flags=flags,
        stopwords=stopwords,
        cities=MappingProxyType(cities),
        simplified=MappingProxyType(simplified),
        attributes=attributes,
        attribute_names=attribute_names,
        quality=quality,
        quality_model=quality_model,
        listings=listings,
    )


def content_version(files: Mapping[str, bytes]) -> str:
    """The first 12 hex digits of the sha256 over names and contents, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()[:12]
