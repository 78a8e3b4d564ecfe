"""Turns the rows of each knowledge table into typed values, noting every mistake at its file and line.

In: a `Reader` and what the row refers to (categories, brands, attributes). Out: tuples of entries in file order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

from smallpool_core.fields import Attributes
from smallpool_core.normalise import PATH_SEPARATOR, path_key
from smallpool_models.understanding.knowledge import Brand, Category, Entry, Match, Meaning, Measure, Series, Surface
from smallpool_models.understanding.tables import Reader, Row

_AMBIGUOUS = "?"

PRICES_FILE = "prices.tsv"
PRICES_COLUMNS = ("category", "listings", "tenths")
BANDS = 10


def category_key(written: str) -> str:
    """The path key of a category as files write it, `"数码/手机"`."""
    return path_key(written.split("/"))


def read_categories(reader: Reader) -> dict[str, Category]:
    """`categories.tsv` by path key."""
    categories: dict[str, Category] = {}
    for row in reader.table("categories.tsv", ("category", "median_yuan", "spread")):
        path = tuple(row["category"].split("/"))
        if not all(element.strip() for element in path) or PATH_SEPARATOR in row["category"]:
            reader.refuse(row.place, row["category"], f"a category is words joined by /, none of them empty, without {PATH_SEPARATOR}")
        key = category_key(row["category"])
        if key in categories:
            reader.refuse(row.place, row["category"], "this category stands here for the second time")
        median, spread = reader.number(row, "median_yuan", above=0), reader.number(row, "spread", above=0)
        categories[key] = Category(path, median * 100, spread)
    return categories


def read_entries(reader: Reader, name: str, column: str, categories: Mapping[str, Category], *, required: bool) -> tuple[Entry, ...]:
    """A table of products or selling points; `required` asks each to have a category."""
    entries = []
    seen = _Surfaces(reader)
    for row in reader.table(name, (column, "aliases", "categories")):
        surfaces = seen.of(row, row[column], (row[column], *row.list("aliases")))
        fits = _categories_of(reader, row, "categories", categories)
        if required and not fits:
            reader.refuse(row.place, "no category", f"a {column} belongs to at least one category of categories.tsv")
        entries.append(Entry(reader.key(row.place, row[column]), row[column], surfaces, fits))
    return tuple(entries)


def read_brands(reader: Reader, categories: Mapping[str, Category]) -> tuple[Brand, ...]:
    """`brands.tsv`; the key and the displayed form are forms of the brand too."""
    brands: dict[str, Brand] = {}
    seen = _Surfaces(reader)
    for row in reader.table("brands.tsv", ("brand", "display", "aliases", "categories")):
        key = reader.key(row.place, row["brand"])
        if key in brands:
            reader.refuse(row.place, row["brand"], "this brand stands here for the second time")
        aliases = row.list("aliases")
        forms = [form for form in (row["brand"], row["display"]) if form and form + _AMBIGUOUS not in aliases]
        surfaces = seen.of(row, key, (*forms, *aliases))
        brands[key] = Brand(key, row["display"] or row["brand"], surfaces, _categories_of(reader, row, "categories", categories))
    return tuple(brands.values())


def read_series(reader: Reader, categories: Mapping[str, Category], brands: Collection[str]) -> tuple[Series, ...]:
    """`series.tsv`."""
    lines = []
    seen = _Surfaces(reader)
    for row in reader.table("series.tsv", ("series", "brand", "category", "aliases", "numbers", "suffixes")):
        if row["brand"] not in brands:
            reader.refuse(row.place, row["brand"], "the brand of a series is a key of brands.tsv")
        numbers = row.list("numbers")
        if not numbers:
            reader.refuse(row.place, "no numbers", "say which numbers or words follow, * for any number, ? where none is needed")
        lines.append(
            Series(
                key=reader.key(row.place, row["series"]),
                name=row["series"],
                brand=row["brand"],
                category="".join(_categories_of(reader, row, "category", categories)),
                surfaces=seen.of(row, row["series"], (row["series"], *row.list("aliases"))),
                numbers=_longest_first(reader.key(row.place, text) for text in numbers if text not in {"*", "?"}),
                suffixes=_longest_first(reader.key(row.place, text) for text in row.list("suffixes")),
                any_number="*" in numbers,
                optional="?" in numbers,
            )
        )
    return tuple(lines)


def read_measures(reader: Reader, categories: Mapping[str, Category], attributes: Attributes) -> tuple[Measure, ...]:
    """`measures.tsv`, in file order, which decides where several fit."""
    columns = ("attribute", "units", "before", "match", "factor", "low", "high", "categories")
    prefixes = {PATH_SEPARATOR.join(key.split(PATH_SEPARATOR)[:depth]) for key in categories for depth in (1, 2, 3)}
    measures = []
    for row in reader.table("measures.tsv", columns):
        if attributes.types.get(row["attribute"]) != "number":
            reader.refuse(row.place, row["attribute"], "a measure fills an attribute that attributes.toml declares as a number")
        match = reader.choice(row, "match", ("unit", "before", "both", "either"))
        if match != "before" and not row["units"]:
            reader.refuse(row.place, "no units", f"match {match} needs units")
        if match != "unit" and not row["before"]:
            reader.refuse(row.place, "no words before", f"match {match} needs words before the number")
        fits = tuple(category_key(written) for written in row.list("categories"))
        for written, key in zip(row.list("categories"), fits, strict=True):
            if key not in prefixes:
                reader.refuse(row.place, written, "no category of categories.tsv is this or starts with it")
        measures.append(
            Measure(
                attribute=row["attribute"],
                units=tuple(reader.key(row.place, unit) for unit in row.list("units")),
                before=tuple(reader.key(row.place, word) for word in row.list("before")),
                match=cast("Match", match),
                factor=reader.number(row, "factor", above=0),
                low=reader.number(row, "low", above=0),
                high=reader.number(row, "high", above=0),
                categories=fits,
            )
        )
    return tuple(measures)


def read_meanings(reader: Reader, name: str, column: str, choices: Sequence[str]) -> tuple[Meaning, ...]:
    """A table of words, each with one meaning out of `choices`."""
    seen = _Surfaces(reader)
    return tuple(
        Meaning(surface.text, reader.choice(row, column, choices))
        for row in reader.table(name, ("word", column))
        for surface in seen.of(row, row["word"], (row["word"],))
    )


def read_tags(reader: Reader) -> tuple[Meaning, ...]:
    """`tags.tsv`: each word with the normalised tag that it gives."""
    meanings = []
    seen = _Surfaces(reader)
    for row in reader.table("tags.tsv", ("tag", "words")):
        if not row.list("words"):
            reader.refuse(row.place, "no words", "a tag needs at least one word that gives it")
        tag = reader.key(row.place, row["tag"])
        meanings += [Meaning(surface.text, tag) for surface in seen.of(row, row["tag"], row.list("words"))]
    return tuple(meanings)


def read_words(reader: Reader, name: str) -> frozenset[str]:
    """A table of words, normalised."""
    return frozenset(reader.key(row.place, row["word"]) for row in reader.table(name, ("word",)))


def read_cities(reader: Reader) -> dict[str, int]:
    """`cities.tsv`: weight by city, as written."""
    return {row["city"]: round(reader.number(row, "weight", above=0)) for row in reader.table("cities.tsv", ("city", "weight"))}


def read_characters(reader: Reader) -> dict[int, str]:
    """`characters.tsv` as a table for `str.translate`; one character for one, so that offsets stay."""
    table: dict[int, str] = {}
    for row in reader.table("characters.tsv", ("traditional", "simplified")):
        if len(row["traditional"]) != 1 or len(row["simplified"]) != 1:
            reader.refuse(row.place, f"{row['traditional']} {row['simplified']}", "each cell is exactly one character")
        else:
            table[ord(row["traditional"])] = row["simplified"]
    return table


def written_forms(brands: Iterable[Brand], conditions: Iterable[Meaning]) -> Mapping[str, Mapping[str, str]]:
    """By which key each form of a brand and each word of wear is stored."""
    forms = {surface.text: brand.key for brand in brands for surface in brand.surfaces}
    return {"brand": forms, "condition": {word.text: word.meaning for word in conditions}}


class _Surfaces:
    """Makes the surfaces of a table's rows and refuses one that two keys of the same table claim."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._owner: dict[str, tuple[str, str]] = {}

    def of(self, row: Row, owner: str, forms: Iterable[str]) -> tuple[Surface, ...]:
        surfaces: dict[str, Surface] = {}
        for form in forms:
            text = self._reader.key(row.place, form.removesuffix(_AMBIGUOUS))
            first = self._owner.setdefault(text, (owner, row.place))
            if first != (owner, row.place):
                self._reader.refuse(row.place, form, f"{first[1]} has it for {first[0]!r} already; a word means one thing in a table")
            surfaces.setdefault(text, Surface(text, form.endswith(_AMBIGUOUS)))
        return tuple(surfaces.values())


def _categories_of(reader: Reader, row: Row, column: str, categories: Mapping[str, Category]) -> tuple[str, ...]:
    keys = []
    for written in row.list(column):
        key = category_key(written)
        if key in categories:
            keys.append(key)
        else:
            reader.refuse(row.place, written, "it is not in categories.tsv; add it there or correct it here")
    return tuple(dict.fromkeys(keys))


def _longest_first(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(texts), key=lambda text: (-len(text), text)))


def read_price_tenths(reader: Reader) -> dict[str, tuple[int, ...]]:
    """`prices.tsv`, where there is one: the nine prices in cents between the bands of a category, rising."""
    tenths: dict[str, tuple[int, ...]] = {}
    if not reader.names(PRICES_FILE):
        return tenths
    for row in reader.table(PRICES_FILE, PRICES_COLUMNS):
        try:
            cents = tuple(round(float(cell) * 100) for cell in row.list("tenths"))
        except (ValueError, OverflowError):
            cents = ()
        if len(cents) != BANDS - 1 or list(cents) != sorted(cents) or cents[0] < 0:
            reader.refuse(
                row.place, f"tenths {row['tenths']!r}", f"{BANDS - 1} prices in yuan that do not fall are wanted, with | between them"
            )
        else:
            tenths[category_key(row["category"])] = cents
    return tenths
