"""A plain CRF over the same characters, pairs and words as the tagger, and what the tagger gains over it on the same test titles.

In: what `split_titles.py` wrote, gazetteers, taggers trained on its `train/`; with `--against` another tagger instead of the plain CRF.
Out: for each file the F1 of both on `test/`, with bootstrap intervals of the tagger's F1 and of the paired difference, and that of brands.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/crf_baseline.py --split /tmp/ner --model /tmp/ner/model ../shared/data/gazetteers/*.dic
"""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from smallpool_config.settings import KnowledgeSettings
from smallpool_models.encoders.ner import KIND, SCHEMA, SpanTagger
from smallpool_models.ner.lexicons import known_words
from smallpool_models.ner.scores import counts, difference, interval, score, score_by_type
from smallpool_models.ner.titles import Place, TitleSet, read_titles
from smallpool_models.registry.folder import read_model
from smallpool_models.training.card import ner_card
from smallpool_models.training.folder import write_ner
from smallpool_models.training.ner import NerSettings, train_ner
from smallpool_models.training.network import NetworkSettings
from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge
from smallpool_models.understanding.segment import Segmenter

BRANDS = {"brand", "1"}


def main() -> None:
    """Prints one line a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gazetteers", nargs="*", type=Path)
    parser.add_argument("--split", required=True, type=Path)
    parser.add_argument("--model", required=True, type=Path, action="append", help="repeatable")
    parser.add_argument("--seed", type=int, default=1, help="of the plain CRF, which has as many nets as the tagger")
    parser.add_argument("--against", type=Path, help="folder of a tagger to compare with")
    given = parser.parse_args()
    understander = KnowledgeUnderstander(load_knowledge(KnowledgeSettings().path))
    if given.against:
        name, other = str(given.against), opened(given.against, understander.segmenter)
    else:
        known = known_words(understander.lexicon, given.gazetteers)
        sets = [read_titles(path) for path in sorted((given.split / "train").glob("*.jsonl"))]
        settings = NerSettings(seed=given.seed, network=NetworkSettings(layers=0))
        name, other = "plain CRF", trained(sets, known, understander.segmenter, settings)
    tests = [read_titles(path) for path in sorted((given.split / "test").glob("*.jsonl"))]
    for model in given.model:
        print(model)
        for titles in tests:
            compare(titles, opened(model, understander.segmenter), other, name)


def trained(sets: list[TitleSet], known: Mapping[str, Iterable[str]], segmenter: Segmenter, settings: NerSettings) -> SpanTagger:
    """The plain CRF, as it would be served."""
    words = {name: list(some) for name, some in known.items()}
    made = train_ner(sets, words, segmenter, settings, lambda *_: None)
    with TemporaryDirectory() as folder:
        write_ner(Path(folder), made, ner_card(made, sets, words, settings))
        return opened(Path(folder), segmenter)


def opened(folder: Path, segmenter: Segmenter) -> SpanTagger:
    """The tagger of a folder."""
    return SpanTagger(read_model(folder, KIND, SCHEMA), segmenter)


def found_by(tagger: SpanTagger, titles: TitleSet) -> list[list[Place]]:
    """What it finds with the head of these types."""
    return tagger.tag([title.text for title in titles.titles], tagger.head_for(titles.types) or next(iter(tagger.heads)))


def compare(titles: TitleSet, tagger: SpanTagger, other: SpanTagger, name: str) -> None:
    """One file's line."""
    there = [title.spans for title in titles.titles]
    found, base = found_by(tagger, titles), found_by(other, titles)
    (low, high), (least, most) = interval(counts(there, found)), difference(counts(there, found), counts(there, base))
    brand = next(one.f1 for kind, one in score_by_type(there, found).items() if kind in BRANDS)
    print(
        f"{titles.name}: tagger {100 * score(there, found).f1:.1f} [{100 * low:.1f}, {100 * high:.1f}], brand {100 * brand:.1f};"
        f" {name} {100 * score(there, base).f1:.1f}, gained [{100 * least:.1f}, {100 * most:.1f}]",
        flush=True,
    )


if __name__ == "__main__":
    main()
