"""Files of labelled titles: what is read, what is dropped and counted, how they are parted."""

import json
from pathlib import Path

import pytest

from smallpool_core.errors import TitlesRefused
from smallpool_models.ner.titles import Labelled, parted, read_titles

GOOD = {"text": "海尔 空调遥控器", "spans": [[3, 8, "product"], [0, 2, "brand"]]}


def written(folder: Path, *rows: object) -> Path:
    path = folder / "titles.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def test_a_title_is_read_with_its_spans_in_order(tmp_path: Path) -> None:
    read = read_titles(written(tmp_path, GOOD))
    assert read.titles == (Labelled("海尔 空调遥控器", ((0, 2, "brand"), (3, 8, "product"))),)
    assert (read.name, read.types, read.dropped) == ("titles", ("brand", "product"), {})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "坏�字", "spans": []}, "holds U+FFFD"),
        ({"text": "中秋[1_3]:礼品册:HC卡", "spans": []}, "holds a dumped tag"),
        ({"text": "短", "spans": [[0, 9, "product"]]}, "a span outside the text"),
        ({"text": "短", "spans": [[0, 0, "product"]]}, "a span outside the text"),
        ({"text": "手机壳", "spans": [[0, 2, "product"], [1, 3, "product"]]}, "spans that overlap"),
        ({"text": "", "spans": []}, "an empty text"),
        ({"text": 5}, "no row of text and spans"),
        ("{", "no row of text and spans"),
        (GOOD, "the same text again"),
    ],
)
def test_a_malformed_row_is_dropped_and_counted(tmp_path: Path, row: object, reason: str) -> None:
    read = read_titles(written(tmp_path, GOOD, row))
    assert len(read.titles) == 1
    assert read.dropped == {reason: 1}


def test_a_file_without_a_usable_row_is_refused_with_the_format(tmp_path: Path) -> None:
    with pytest.raises(TitlesRefused, match="each line must be"):
        read_titles(written(tmp_path, "{", {"text": ""}))


def test_the_same_title_is_always_set_apart_alike() -> None:
    titles = [Labelled(f"标题{number}", ()) for number in range(2_000)]
    kept, apart = parted(titles, 0.1, "test")
    assert 150 < len(apart) < 250
    assert len(kept) + len(apart) == 2_000
    assert parted(titles[::-1], 0.1, "test")[1] == apart[::-1]
    assert set(apart) != set(parted(titles, 0.1, "dev")[1])
