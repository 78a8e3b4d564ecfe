"""The checkout as the tests see it: where it is, its source roots and packages, and its files."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = ("core", "indexer", "service", "models", "stores", "config")
PACKAGES = {root: ROOT / root / f"smallpool_{root}" for root in SOURCE_ROOTS}


def modules(package: Path) -> dict[str, Path]:
    """Every module of a package by its dotted name, `smallpool_core.terms` -> its file."""
    return {_dotted(path.relative_to(package.parent)): path for path in sorted(package.rglob("*.py"))}


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def versioned_files() -> list[Path]:
    """Every file that is in git or would be by `git add .`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
