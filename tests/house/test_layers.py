"""Who may import whom: the contracts of pyproject.toml hold, and they would notice."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from checkout import PACKAGES, ROOT, modules

FORBIDDEN = {
    "smallpool_core.intruder": "smallpool_stores",
    "smallpool_indexer.intruder": "smallpool_service",
    "smallpool_service.intruder": "smallpool_stores",
    "smallpool_models.intruder": "torch",
    "smallpool_stores.intruder": "sqlite3",
    "smallpool_stores.sqlite.intruder": "redis",
    "smallpool_config.intruder": "elasticsearch",
    "smallpool_core.heavy": "numpy",
}
ALLOWED = {
    "smallpool_config.guest": "smallpool_stores",
    "smallpool_service.guest": "smallpool_core",
    "smallpool_stores.sqlite.guest": "sqlite3",
    "smallpool_stores.kafka.deep.guest": "kafka",
    "smallpool_models.encoders.guest": "onnxruntime",
    "smallpool_models.training.guest": "torch",
    "smallpool_core.guest": "msgspec",
}


def lint_with(added: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the contracts over packages that hold nothing but the added `module -> what it imports`."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for root, package in PACKAGES.items():
        copy = folder / root / package.name
        copy.mkdir(parents=True)
        (copy / "__init__.py").touch()
    for name, imported in added.items():
        path = folder / name.partition("_")[2].partition(".")[0] / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in path.relative_to(folder).parents[:-2]:
            (folder / parent / "__init__.py").touch()
        path.write_text(f"import {imported}\n")
    return run_contracts(folder)


def run_contracts(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"]
    paths = os.pathsep.join(str(checkout / root) for root in PACKAGES)
    return subprocess.run(command, cwd=checkout, env={"PYTHONPATH": paths}, check=False, capture_output=True, text=True)


def test_the_import_contracts_hold() -> None:
    linted = run_contracts(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_forbidden_import_breaks_a_contract(tmp_path: Path) -> None:
    linted = lint_with(FORBIDDEN, tmp_path)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    reported = {f"{module} -> {imported}" for module, imported in FORBIDDEN.items() if f"{module} -> {imported}" in linted.stdout}
    assert reported == {f"{module} -> {imported}" for module, imported in FORBIDDEN.items()}


def test_an_adapter_may_import_its_own_vendor_and_config_may_import_all(tmp_path: Path) -> None:
    linted = lint_with(ALLOWED, tmp_path)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("module", modules(PACKAGES["core"]))
def test_core_imports_the_standard_library_and_msgspec_only(module: str) -> None:
    tree = ast.parse(modules(PACKAGES["core"])[module].read_text(encoding="utf-8"))
    assert set(imported_packages(tree)) - set(sys.stdlib_module_names) <= {"msgspec", "smallpool_core"}


def imported_packages(tree: ast.AST) -> Iterator[str]:
    """The top-level package of every import, also of one inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
