"""What the knowledge base says of its entries beside each other: relations between them, and the meanings of ambiguous words.

In: rows of `relations.tsv` and `senses.tsv`, and the entries that they name. Out: `Relation`s and `Meanings`, each mistake at its line.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from smallpool_models.understanding.knowledge import Relation, WordSense
from smallpool_models.understanding.tables import Reader

NOTHING: Final = "none"
"""The meaning of a word of everyday speech."""
RELATIONS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        "material_of": (frozenset({"material"}), frozenset({"product"})),
        "kind_of": (frozenset({"product", "variety", "material"}), frozenset({"product", "variety", "material"})),
        "brand_makes": (frozenset({"brand"}), frozenset({"product"})),
        "period_of": (frozenset({"period"}), frozenset({"product", "variety"})),
    }
)
"""The kinds of entries that stand before and after each relation."""
Entries = Mapping[str, Sequence[str]]
"""The keys that there are, by kind."""


def read_relations(reader: Reader, entries: Entries) -> tuple[Relation, ...]:
    """`relations.tsv`: one relation an object, in file order."""
    relations: list[Relation] = []
    broader: dict[str, str] = {}
    kinds = _kinds(entries)
    for row in reader.table("relations.tsv", ("subject", "relation", "objects")):
        name = reader.choice(row, "relation", tuple(RELATIONS))
        before, after = RELATIONS.get(name, (frozenset(), frozenset()))
        subject, objects = reader.key(row.place, row["subject"]), [reader.key(row.place, text) for text in row.list("objects")]
        if not objects:
            reader.refuse(row.place, "no objects", "say what the subject stands in this relation to")
        for key, wanted in ((subject, before), *((key, after) for key in objects)):
            if wanted and wanted.isdisjoint(kinds.get(key, ())):
                reader.refuse(row.place, key, f"{name} wants a key of the kind {' or '.join(sorted(wanted))} here")
        relations += [Relation(subject, name, key) for key in objects]
        if name == "kind_of":
            for key in objects[:1]:
                if broader.setdefault(subject, key) != key:
                    reader.refuse(row.place, subject, f"it is a kind of {broader[subject]!r} already; a thing is a kind of one other")
            if len(objects) > 1 or _runs_in_a_circle(subject, broader):
                reader.refuse(row.place, row["objects"], "a thing is a kind of one other, and never of itself")
    return tuple(relations)


def read_senses(reader: Reader, entries: Entries) -> tuple[WordSense, ...]:
    """`senses.tsv`: the meanings of ambiguous words, in file order, the usual one of a word first."""
    senses: list[WordSense] = []
    seen: dict[tuple[str, str, str], str] = {}
    for row in reader.table("senses.tsv", ("word", "sense", "beside")):
        word = reader.key(row.place, row["word"])
        kind, _, written = row["sense"].partition(" ")
        key = reader.key(row.place, written) if written else ""
        if (kind == NOTHING) == bool(written) or (kind != NOTHING and key not in entries.get(kind, ())):
            reader.refuse(row.place, f"sense {row['sense']!r}", f"a sense is {NOTHING}, or a kind and a key of its table: brand apple")
        first = seen.setdefault((word, kind, key), row.place)
        if first != row.place:
            reader.refuse(row.place, row["sense"], f"{first} says this already")
        senses.append(WordSense(word, kind, key, tuple(reader.key(row.place, text) for text in row.list("beside"))))
    return tuple(senses)


def _kinds(entries: Entries) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for kind, keys in entries.items():
        for key in keys:
            kinds.setdefault(key, set()).add(kind)
    return kinds


def _runs_in_a_circle(subject: str, broader: Mapping[str, str]) -> bool:
    at, steps = broader.get(subject), 0
    while at is not None and at != subject and steps <= len(broader):
        at, steps = broader.get(at), steps + 1
    return at is not None
