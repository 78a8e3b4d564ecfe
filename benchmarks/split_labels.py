"""Splits a file of titles with labels into `train.tsv` and `test.tsv` by a hash of the distinct title, a fifth for the test.

In: `category TAB title` or `id TAB title TAB tag#;#tag...`, a folder, a seed. Out: the two files. With `--rare` the test has the titles
with one of the three tenths of the tags that a hash draws, and of each of these at most two stay to be learnt from.

    .venv/bin/python benchmarks/split_labels.py --out /tmp/category --seed 1 ../shared/data/titles/category30.tsv
"""

import argparse
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from smallpool_models.labels.rows import TAG_SEPARATOR, LabelledTitle, read_categories, read_tags
from smallpool_models.ner.titles import parted

TEST_SHARE = 0.2
RARE_SHARE = 0.3
MOST_LEARNT = 2


def main() -> None:
    """Writes the files and says how many titles each has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rare", action="store_true")
    given = parser.parse_args()
    has_tags = given.file.read_text("utf-8").split("\n", 1)[0].count("\t") == 2
    titles = (read_tags if has_tags else read_categories)(given.file).titles
    kept, test = rare_apart(titles, given.seed) if given.rare else parted(titles, TEST_SHARE, f"test {given.seed}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", kept), ("test", test)):
        lines = [row(number, title, has_tags=has_tags) for number, title in enumerate(part)]
        (given.out / f"{name}.tsv").write_text("".join(lines), "utf-8")
    print(f"{given.file.name}: {len(kept)} to train on, {len(test)} to test on")


def row(number: int, title: LabelledTitle, *, has_tags: bool) -> str:
    """One line."""
    return f"{number}\t{title.text}\t{TAG_SEPARATOR.join(title.labels)}\n" if has_tags else f"{title.labels[0]}\t{title.text}\n"


def drawn(text: str, salt: str) -> float:
    """A number in [0, 1) that follows from the text."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{text}".encode()).digest()[:6]) / 2**48


def rare_apart(titles: Sequence[LabelledTitle], seed: int) -> tuple[list[LabelledTitle], list[LabelledTitle]]:
    """Titles to learn from, and titles to test on, each with at least one tag that is rare in the first."""
    rare = {tag for title in titles for tag in title.labels if drawn(tag, f"rare {seed}") < RARE_SHARE}
    learnt: Counter[str] = Counter()
    kept: list[LabelledTitle] = []
    test: list[LabelledTitle] = []
    for title in sorted(titles, key=lambda one: drawn(one.text, f"order {seed}")):
        has = rare & set(title.labels)
        if all(learnt[tag] < MOST_LEARNT for tag in has):
            kept.append(title)
            learnt.update(has)
        else:
            test.append(title)
    return kept, test


if __name__ == "__main__":
    main()
