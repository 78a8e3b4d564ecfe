"""How often words with several meanings are given the right one, on titles written for it (`tests/models/ambiguous_titles.tsv`).

In: which half, by the CRC of the title; `even` alone was looked at while the method was made. Out: shares as JSON, and what was wrong.
"""

import argparse
import json
import random
import sys
import zlib
from pathlib import Path

from smallpool_core.items import Given, Understood
from smallpool_models.evaluation.intervals import interval
from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge

TITLES = Path(__file__).parents[1] / "tests" / "models" / "ambiguous_titles.tsv"
NONE = "none"


def mentions(file: Path, half: str) -> list[tuple[str, str, str]]:
    """(word, sense, title) of one half."""
    lines = [line.split("\t") for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")][1:]
    wanted = {"even": (0,), "odd": (1,), "all": (0, 1)}[half]
    return [(word, sense, title) for word, sense, title in lines if zlib.crc32(title.encode()) % 2 in wanted]


def is_right(word: str, sense: str, title: str, understood: Understood, senses: dict[str, set[tuple[str, str]]]) -> bool:
    """Whether what stands at the word is what is meant; of a word of everyday speech, whether none of its other meanings does. A
    longer known word that covers it (`珍珠项链`) is right where the meaning is among the selling points.
    """
    at = title.index(word)
    there = {(span.type, span.key) for span in understood.spans if span.start < at + len(word) and at < span.end}
    there |= {("brand", understood.brand) for kind, _ in there if kind == "model" and understood.brand}
    kind, _, key = sense.partition(" ")
    if sense == NONE:
        return not there & senses[word]
    end = at + len(word)
    covers = any(span.start <= at and end <= span.end and span.end - span.start > len(word) for span in understood.spans)
    return (kind, key) in there or (covers and key in understood.points)


def main() -> None:
    """Measures the shipped knowledge base."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--half", choices=("even", "odd", "all"), default="all")
    asked.add_argument("--data", type=Path, default=TITLES)
    asked.add_argument("--knowledge", type=Path, default=Path(__file__).parents[1] / "config" / "knowledge")
    options = asked.parse_args()
    rows = mentions(options.data, options.half)
    understander = KnowledgeUnderstander(load_knowledge(options.knowledge))
    senses: dict[str, set[tuple[str, str]]] = {}
    for word, sense, _ in mentions(options.data, "all"):
        kind, _, key = sense.partition(" ")
        senses.setdefault(word, set()).add((kind, key))
    right = []
    for (word, sense, title), one in zip(rows, understander.understand([Given(title=title) for _, _, title in rows]), strict=True):
        right.append(is_right(word, sense, title, one, senses))
        if not right[-1]:
            sys.stderr.write(f"{word} ({sense}): {title}: {[(span.type, span.key) for span in one.spans]}\n")
    share = round(sum(right) / len(right), 4)
    told = {"half": options.half, "words": len({word for word, _, _ in rows}), "mentions": len(rows), "right": share}
    seeded = random.Random(1)
    sys.stdout.write(json.dumps({**told, "interval": interval(right, seeded)}) + "\n")


if __name__ == "__main__":
    main()
