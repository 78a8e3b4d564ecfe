"""What `pip wheel .` makes: the six packages under their unique names, with the defaults, importable from anywhere."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from checkout import PACKAGES, ROOT, versioned_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_only_unique_names(wheel: zipfile.ZipFile) -> None:
    version = wheel.filename.rpartition("/")[2].split("-")[1] if wheel.filename else ""
    assert {name.partition("/")[0] for name in wheel.namelist()} == {
        *(package.name for package in PACKAGES.values()),
        f"smallpool-{version}.dist-info",
    }


def test_the_wheel_carries_every_default_setting_knowledge_file_and_pool(wheel: zipfile.ZipFile) -> None:
    config = ROOT / "config"
    wanted = {path.relative_to(config) for path in versioned_files() if path.is_relative_to(config)}
    wanted = {path for path in wanted if path.parts[0] != "smallpool_config"}
    prefix = "smallpool_config/defaults/"
    assert wanted
    assert {Path(name.removeprefix(prefix)) for name in wheel.namelist() if name.startswith(prefix)} == wanted


def test_the_wheel_carries_the_templates_words_and_assets_of_the_console(wheel: zipfile.ZipFile) -> None:
    service = ROOT / "service"
    wanted = {
        str(path.relative_to(service)) for path in versioned_files() if path.is_relative_to(service / "smallpool_service" / "console")
    }
    assert {Path(name).suffix for name in wanted} >= {".html", ".toml", ".css", ".js", ".svg"}
    assert wanted <= set(wheel.namelist())


def test_the_wheel_says_that_its_packages_are_typed(wheel: zipfile.ZipFile) -> None:
    assert {f"{package.name}/py.typed" for package in PACKAGES.values()} <= set(wheel.namelist())


def test_from_another_directory_every_package_of_the_wheel_imports(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    names = [package.name for package in PACKAGES.values()]
    program = f"import sys; sys.path.insert(0, 'site'); import {', '.join(names)}\nfor name in {names}: print(sys.modules[name].__file__)"
    ran = subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert [Path(line).resolve().parent for line in ran.stdout.split("\n") if line] == [tmp_path / "site" / name for name in names]
