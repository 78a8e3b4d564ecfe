"""Splits files of labelled titles into `train/NAME` and `test/NAME` by a hash of the distinct text, a tenth for the test.

In: files, a folder. Out: the two files of each, malformed rows left out. `smallpool train ner` sets apart a further tenth of what it
is given.

    .venv/bin/python benchmarks/split_titles.py --out /tmp/ner ../shared/data/ner/*_titles*.jsonl
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from smallpool_models.ner.titles import Labelled, parted, read_titles

TEST_SHARE = 0.1


def main() -> None:
    """Writes the files and says how many titles each has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    given = parser.parse_args()
    for path in given.files:
        titles = read_titles(path)
        kept, test = parted(titles.titles, TEST_SHARE, "test")
        write(given.out / "train" / path.name, kept)
        write(given.out / "test" / path.name, test)
        print(f"{path.name}: {len(kept)} to train on, {len(test)} to test on, dropped {titles.dropped}")


def write(path: Path, titles: Sequence[Labelled]) -> None:
    """The titles as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(title) + b"\n" for title in titles))


if __name__ == "__main__":
    main()
