"""docs/reliability.md names every case, and for each the tests that there are."""

import re
from collections.abc import Iterator
from pathlib import Path

from checkout import ROOT

TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "reliability.md"
_ROW = re.compile(r"^\| (\d+) \|.*\| ([^|]+) \|$", re.MULTILINE)
_CASE = re.compile(r"^(?:async )?def test_case_(\d\d)_", re.MULTILINE)


def rows() -> dict[int, str]:
    """What the last column says, by number."""
    return {int(number): shown for number, shown in _ROW.findall(PAGE.read_text("utf-8"))}


def named(shown: str) -> Iterator[Path]:
    return (TESTS / name for name in re.findall(r"`([\w/]+\.py)`", shown))


def test_every_case_has_its_row() -> None:
    assert list(rows()) == list(range(1, 41))


def test_a_row_names_files_that_are_there_or_says_what_it_comes_with() -> None:
    for number, shown in rows().items():
        assert "comes with" in shown or any(named(shown)), number
        assert [path for path in named(shown) if not path.is_file()] == []


def test_rows_and_the_tests_of_their_number_name_each_other() -> None:
    cases = {path: {int(number) for number in _CASE.findall(path.read_text("utf-8"))} for path in (TESTS / "faults").glob("test_*.py")}
    for path, numbers in cases.items():
        assert numbers == {number for number, shown in rows().items() if path in named(shown)} - other_than(path), path.name


def other_than(path: Path) -> set[int]:
    """Cases that a file shows by the way, in tests named after another number."""
    return {14} if path.name == "test_disk.py" else set()
