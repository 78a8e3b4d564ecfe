"""How the house is built: its folders, its typed packages, files of a length that is read in one go."""

from pathlib import Path

import pytest

from checkout import PACKAGES, ROOT, SOURCE_ROOTS, modules, versioned_files

MAX_LINES = 400
FOLDERS = (*SOURCE_ROOTS, "tests", "benchmarks", "deploy", "docs", "requirements")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_of_the_house_has_something_in_it(folder: str) -> None:
    assert any(path.is_relative_to(ROOT / folder) for path in versioned_files())


def test_a_source_root_holds_one_package_and_nothing_else_to_import() -> None:
    importable = {root: [path.parent.name for path in sorted((ROOT / root).glob("*/__init__.py"))] for root in SOURCE_ROOTS}
    assert importable == {root: [package.name] for root, package in PACKAGES.items()}
    assert [path for root in SOURCE_ROOTS for path in (ROOT / root).glob("*.py")] == []


@pytest.mark.parametrize("package", PACKAGES.values(), ids=lambda package: package.name)
def test_every_package_is_marked_as_typed(package: Path) -> None:
    assert (package / "py.typed").is_file()


def test_no_file_is_longer_than_400_lines() -> None:
    files = [path for package in PACKAGES.values() for path in modules(package).values()]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_every_test_file_has_a_name_of_its_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_every_folder_of_a_package_is_a_package() -> None:
    folders = {path.parent for package in PACKAGES.values() for path in modules(package).values()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
