"""Finds the words of the knowledge base in a text, in one pass, the longest at each place.

In: folded text. Out: `Found`s in order, none overlapping another, each with all that its surface may mean.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from smallpool_models.understanding.knowledge import KnowledgeBase, Series, Surface, WordSense
from smallpool_models.understanding.series import is_cut, read_model
from smallpool_models.understanding.trie import trie_of

PREFERENCE = ("mark", "product", "model", "variety", "material", "craft", "period", "brand", "theme", "origin", "style", "function", "whom")
"""Which meaning gives a surface its type where it has several; kinds that are not named come after these."""
_RANK = {kind: rank for rank, kind in enumerate(PREFERENCE)}


class Reading(NamedTuple):
    """One thing that a surface may mean. `kind` is product, brand, model, mark, condition, tag, flag or a kind of point.

    `key` is the normalised key, or what a mark, condition, tag or flag gives. A model has its `brand`.
    """

    kind: str
    key: str
    categories: tuple[str, ...] = ()
    brand: str | None = None
    ambiguous: bool = False


class Sense(NamedTuple):
    """One meaning of an ambiguous word, None for a word of everyday speech; `beside` are words that speak for it."""

    reading: Reading | None
    beside: tuple[str, ...] = ()


class Found(NamedTuple):
    """Characters [start, end) of the text that are a word of the knowledge base; readings by preference.

    `parts` are readings of the words that a compound is made of (`和田玉手镯` of `和田玉` and `手镯`). An ambiguous word has its
    `senses`, the usual one first.
    """

    start: int
    end: int
    readings: tuple[Reading, ...]
    parts: tuple[Reading, ...] = ()
    senses: tuple[Sense, ...] = ()


class _Surface(NamedTuple):
    """What a form means: plain readings by preference, series whose name it is, and the readings of its parts."""

    plain: tuple[Reading, ...] = ()
    lines: tuple[Series, ...] = ()
    parts: tuple[Reading, ...] = ()
    senses: tuple[Sense, ...] = ()


_UNKNOWN = _Surface()


class Lexicon:
    """All surfaces of a knowledge base, in a trie.

    Matching is greedy from the left and takes the longest surface that ends and begins at a word's edge: ASCII
    letters do not run on into letters, nor digits into digits.
    """

    def __init__(self, knowledge: KnowledgeBase) -> None:
        readings: dict[str, list[Reading]] = {}
        for text, reading in _readings(knowledge):
            readings.setdefault(text, []).append(reading)
        lines: dict[str, list[Series]] = {}
        for line in knowledge.series:
            for surface in _forms(line.surfaces):
                lines.setdefault(surface.text, []).append(line)
        listed: dict[str, list[WordSense]] = {}
        for sense in knowledge.senses:
            listed.setdefault(sense.word, []).append(sense)
        self._units = frozenset(unit for measure in knowledge.measures for unit in measure.units)
        self._surfaces: dict[str, _Surface] = {}
        for text in readings.keys() | lines.keys():
            plain = sorted(readings.get(text, ()), key=lambda reading: _RANK.get(reading.kind, len(_RANK)))
            self._surfaces[text] = _Surface(tuple(plain), tuple(lines.get(text, ())), senses=senses_of(plain, listed.get(text, ())))
        for text in readings:
            compound = self._surfaces[text]
            if any(reading.kind in _COMPOUNDS for reading in compound.plain):
                self._surfaces[text] = compound._replace(parts=self._made_of(text))
        self._root = trie_of(self._surfaces)

    def words(self) -> Iterator[str]:
        """Surfaces that are words of the language: names of things, and short phrases of the trade; not names of series."""
        for text, surface in self._surfaces.items():
            kinds = {reading.kind for reading in surface.plain}
            if kinds - _PHRASES or (kinds & {"condition", "tag"} and len(text) <= _LONGEST_PHRASE):
                yield text

    def by_kind(self) -> dict[str, list[str]]:
        """The surfaces by what they may mean; the name of a series is of the kind `model`."""
        kinds: dict[str, list[str]] = {}
        for text, surface in self._surfaces.items():
            for kind in sorted({reading.kind for reading in surface.plain} | ({"model"} if surface.lines else set())):
                kinds.setdefault(kind, []).append(text)
        return kinds

    def knows(self, word: str) -> bool:
        """Whether a normalised word is a surface of the knowledge base."""
        return word in self._surfaces

    def find(self, text: str) -> list[Found]:
        """The words of the knowledge base in the text, in order, none overlapping another."""
        found: list[Found] = []
        characters = [*text]
        length = len(characters)
        root = self._root
        free = 0
        for start, character in enumerate(characters):
            node = root.get(character)
            if node is None or start < free or (character.isascii() and not is_cut(text, start)):
                continue
            best = None
            end = start
            while node is not None:
                end += 1
                if node.value is not None:
                    best = self._accept(text, start, end, node.value) or best
                if end == length:
                    break
                node = node.get(characters[end])
            if best is not None:
                found.append(best)
                free = best.end
        return found

    def _accept(self, text: str, start: int, end: int, surface: _Surface) -> Found | None:
        for line in surface.lines:
            model = read_model(text, end, line, self._units)
            if model is not None and is_cut(text, model[0]):
                return Found(start, model[0], (Reading("model", model[1], (line.category,), line.brand),))
        if not surface.plain or not is_cut(text, end):
            return None
        return Found(start, end, surface.plain, surface.parts, surface.senses)

    def _made_of(self, text: str) -> tuple[Reading, ...]:
        """The readings of the two words that make up a compound without rest, or nothing; the longer first word wins.

        What is sold and made of, as `和田玉` is, stands first for what the thing is made of.
        """
        for cut in range(len(text) - 1, 0, -1):
            head, tail = (self._surfaces.get(part, _UNKNOWN).plain for part in (text[:cut], text[cut:]))
            if head and tail and head[0].kind in _COMPOUNDS and tail[0].kind in _COMPOUNDS:
                return (next((one for one in head if one.kind == "material"), head[0]), tail[0])
        return ()


_PHRASES = frozenset({"condition", "tag", "mark", "flag"})
_LONGEST_PHRASE = 4
_COMPOUNDS = frozenset({"product", "variety", "material", "craft", "period", "theme", "origin"})


def senses_of(plain: Sequence[Reading], listed: Sequence[WordSense]) -> tuple[Sense, ...]:
    """The meanings between which is chosen, none where there is nothing to choose: those that `senses.tsv` lists, and what else the
    tables have; a form marked as ambiguous may always be no more than a word; a thing that is sold may be what another is made of.
    """
    if listed:
        by_entry = {(reading.kind, reading.key): reading for reading in plain}
        senses = [Sense(by_entry.get((one.kind, one.key)), one.beside) for one in listed]
        named = {(one.kind, one.key) for one in listed}
        return (*senses, *(Sense(reading) for entry, reading in by_entry.items() if entry not in named))
    if any(reading.ambiguous for reading in plain):
        return (*map(Sense, plain), Sense(None))
    if len(plain) > 1 and plain[0].kind == "product" and plain[1].kind == "material":
        return tuple(map(Sense, plain))
    return ()


def _readings(knowledge: KnowledgeBase) -> Iterator[tuple[str, Reading]]:
    for product in knowledge.products:
        yield from _each(product.surfaces, "product", product.key, product.categories)
    for brand in knowledge.brands:
        yield from _each(brand.surfaces, "brand", brand.key, brand.categories)
    for kind, entries in knowledge.points.items():
        for entry in entries:
            yield from _each(entry.surfaces, kind, entry.key, entry.categories)
    yield from _listed(knowledge)
    tables = {"condition": knowledge.conditions, "tag": knowledge.tags, "mark": knowledge.marks, "flag": knowledge.flags}
    for kind, meanings in tables.items():
        for meaning in meanings:
            yield meaning.text, Reading(kind, meaning.meaning)


def _listed(knowledge: KnowledgeBase) -> Iterator[tuple[str, Reading]]:
    """What the words of `senses.tsv` mean beside what other tables say of them."""
    entries = {(kind, entry.key): entry for kind, some in {"product": knowledge.products, **knowledge.points}.items() for entry in some}
    brands = {brand.key: brand for brand in knowledge.brands}
    for sense in knowledge.senses:
        entry = brands.get(sense.key) if sense.kind == "brand" else entries.get((sense.kind, sense.key))
        if entry is not None and all(surface.text != sense.word for surface in entry.surfaces):
            yield sense.word, Reading(sense.kind, sense.key, entry.categories, ambiguous=True)


def _each(surfaces: Iterable[Surface], kind: str, key: str, categories: tuple[str, ...]) -> Iterator[tuple[str, Reading]]:
    for surface in _forms(surfaces):
        yield surface.text, Reading(kind, key, categories, ambiguous=surface.ambiguous)


def _forms(surfaces: Iterable[Surface]) -> Iterator[Surface]:
    """Each surface, and without its spaces where it has any (`air jordan`, `airjordan`)."""
    for surface in surfaces:
        yield surface
        if " " in surface.text:
            yield Surface(surface.text.replace(" ", ""), surface.ambiguous)
