"""What a tagger adds to the knowledge base alone, on public titles whose types are mapped to the knowledge base's.

In: files of labelled titles, a model's folder. Out: for each file the F1 of exact spans of the dictionary alone, of the tagger alone
and of what the understander makes of both, with the paired 95 % interval of what is gained. Types that have no counterpart are left
out on both sides.

    .venv/bin/python benchmarks/shipped_ner.py --model config/models/ner --half odd ../shared/data/ner/*_titles*.jsonl

`--half` takes the titles whose CRC is even or odd: what generated titles look like was chosen on the even half.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from smallpool_config.cli.titles import Half, is_in
from smallpool_config.settings import KnowledgeSettings, ModelSettings
from smallpool_config.tagging import ServedTagger, understander_of
from smallpool_core.items import Given
from smallpool_models.ner.scores import counts, difference, score
from smallpool_models.ner.titles import Place, TitleSet, read_titles
from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge

NUMBERED = {
    "1": "brand",
    "4": "product",
    "40": "product",
    "38": "model",
    "12": "material",
    "16": "colour",
    "11": "function",
    "5": "function",
    "13": "style",
    "14": "style",
    "8": "whom",
    "18": "spec",
    "54": "spec",
}
"""Types of `jd_titles_fine`, as ../shared/data/README.md reads them."""
NAMED = {"brand": "brand", "product": "product", "model": "model", "pattern": "pattern"}
OURS = {"spec": "pattern", "origin": "pattern"}
"""What the other sets call pattern are sizes and places."""


def main() -> None:
    """Prints one line a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--half", type=Half, choices=list(Half), default=Half.ALL)
    given = parser.parse_args()
    knowledge = load_knowledge(KnowledgeSettings().path)
    alone = understander_of(knowledge, ModelSettings(ner=""))
    tagger = ServedTagger(given.model, alone.segmenter)
    for path in given.files:
        titles = read_titles(path)
        half = tuple(title for title in titles.titles if is_in(given.half, title.text))
        compare(replace(titles, titles=half), alone, tagger)


def compare(titles: TitleSet, alone: KnowledgeUnderstander, tagger: ServedTagger) -> None:
    """One file's line."""
    numbered = titles.types[0].isdigit()
    mapped = NUMBERED if numbered else {name: kind for name, kind in NAMED.items() if name in titles.types}
    wanted = frozenset(mapped.values())
    ours = {} if numbered else OURS
    texts = [title.text for title in titles.titles]
    there = [kept(title.spans, mapped, wanted) for title in titles.titles]
    by_knowledge = [kept(spans, ours, wanted) for spans in understood(alone, texts)]
    by_both = [kept(spans, ours, wanted) for spans in understood(alone.tagged_by(tagger), texts)]
    by_tagger = [kept(spans, ours, wanted) for spans in tagger.tag(texts)[1]]
    low, high = difference(counts(there, by_both), counts(there, by_knowledge))
    figures = [f"{name} {100 * score(there, found).f1:.1f}" for name, found in (("dictionary", by_knowledge), ("tagger", by_tagger))]
    both = score(there, by_both)
    print(
        f"{titles.name}, {len(texts)} titles ({', '.join(sorted(wanted))}): {', '.join(figures)}, both {100 * both.f1:.1f}"
        f" (precision {100 * both.precision:.1f}, recall {100 * both.recall:.1f}); gained [{100 * low:.1f}, {100 * high:.1f}]"
    )


def understood(understander: KnowledgeUnderstander, texts: Sequence[str]) -> list[list[Place]]:
    """The spans that the understander gives."""
    made = [
        one
        for first in range(0, len(texts), 64)
        for one in understander.understand([Given(title=text) for text in texts[first : first + 64]])
    ]
    return [[(span.start, span.end, span.type) for span in one.spans] for one in made]


def kept(spans: Sequence[Place], mapped: dict[str, str], wanted: frozenset[str]) -> list[Place]:
    """The spans of wanted types, under their mapped names."""
    renamed = [(start, end, mapped.get(kind, kind)) for start, end, kind in spans]
    return [span for span in renamed if span[2] in wanted]


if __name__ == "__main__":
    main()
