"""What is installed: locked with hashes, complete, the same everywhere, and from whatever registry the reader uses."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from checkout import ROOT, versioned_files

LOCKS = {name: ROOT / "requirements" / f"{name}.txt" for name in ("build", "serve", "dev")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Host and top-level domain apart, so that this file names none either.
REGISTRY_HOSTS = [
    f"{host}.{domain}"
    for host, domain in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("yarnpkg", "com"),
        ("maven", "org"),
        ("maven.apache", "org"),
        ("artifacts.elastic", "co"),
        ("golang", "org"),
        ("crates", "io"),
        ("debian", "org"),
        ("ubuntu", "com"),
        ("tuna.tsinghua.edu", "cn"),
        ("mirrors.aliyun", "com"),
    ]
]


def locked(lock: Path) -> Iterator[Requirement]:
    """The requirements of a lock file, one for each version and marker."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if re.match(r"[a-zA-Z0-9]", line):
            yield Requirement(line.removesuffix("\\").strip())


def locked_here(lock: Path) -> dict[str, str]:
    """name -> version of what a lock installs on this interpreter and platform."""
    rows = [row for row in locked(lock) if row.marker is None or row.marker.evaluate()]
    return {row.name: str(row.specifier).removeprefix("==") for row in rows}


def declared(lock: str) -> list[str]:
    """The requirements of pyproject.toml that a lock answers for."""
    groups = PROJECT["dependency-groups"]
    build, serve = groups["build"], PROJECT["project"]["dependencies"]
    dev = [entry for entry in groups["dev"] if isinstance(entry, str)]
    by_lock: dict[str, list[str]] = {"build": build, "serve": serve, "dev": [*build, *serve, *dev]}
    return by_lock[lock]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_declared_dependency_to_a_version_that_it_allows(lock: str) -> None:
    pinned = locked_here(LOCKS[lock])
    wanted = [Requirement(text) for text in declared(lock)]
    here = [requirement for requirement in wanted if requirement.marker is None or requirement.marker.evaluate()]
    missing = [str(requirement) for requirement in here if pinned.get(requirement.name, "0") not in requirement.specifier]
    assert missing == [], f"run `make lock`: requirements/{lock}.txt does not hold {missing}"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_is_held_by_hashes(lock: str) -> None:
    text = LOCKS[lock].read_text(encoding="utf-8")
    unhashed = [str(row) for row in locked(LOCKS[lock]) if f"{row.name}{row.specifier}" not in hashed(text)]
    assert unhashed == []


def hashed(text: str) -> set[str]:
    """The `name==version` of every entry that is followed by a hash."""
    return set(re.findall(r"^(\S+==[^\s;]+)[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", text, flags=re.MULTILINE))


@pytest.mark.parametrize("smaller", ["build", "serve"])
def test_the_tests_run_on_the_versions_that_serve(smaller: str) -> None:
    everything = locked_here(LOCKS["dev"])
    assert locked_here(LOCKS[smaller]).items() <= everything.items()


def test_no_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(host)}\b" for host in REGISTRY_HOSTS))
    named = {
        str(path.relative_to(ROOT)): found.group()
        for path in versioned_files()
        if (found := pattern.search(path.read_bytes().decode("utf-8", errors="replace")))
    }
    assert named == {}


def test_no_lock_says_where_to_download_from() -> None:
    lines = [line for lock in LOCKS.values() for line in lock.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if "://" in line or re.match(r"(-i|-f|--(extra-)?index|--find-links)", line)] == []
    assert not (ROOT / "uv.lock").exists()
