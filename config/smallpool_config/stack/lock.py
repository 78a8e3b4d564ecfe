"""Writes `jars.lock` anew from the names in `jars.ROOTS`: `python -m smallpool_config.stack.lock`, after a change of a version there.

In: names and versions. Out: every jar that they need at run time, with the SHA-256 of what Maven brought; look at the difference
before keeping it.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from smallpool_config.stack.jars import LOCK, ROOTS, Jar, coordinates, digest, project, run_maven
from smallpool_config.stack.tools import provide

PREFACE = "# Written by `python -m smallpool_config.stack.lock`: set, group:artifact:version, SHA-256 of the jar.\n"


def lock_text(sets: dict[str, list[Jar]]) -> str:
    """The lock of these sets."""
    return PREFACE + "".join(f"{name} {jar} {jar.sha256}\n" for name, jars in sets.items() for jar in jars)


def resolve(roots: Iterable[str], maven: str) -> list[Jar]:
    """Everything that the roots need at run time, as Maven resolves it today, by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ("-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={folder / 'jars'}")
        run_maven(maven, "copy-dependencies", folder, _dependencies(roots), *options)
        return sorted((_jar(folder / "jars", path) for path in (folder / "jars").rglob("*.jar")), key=str)


def _dependencies(roots: Iterable[str]) -> str:
    rows = (f"<dependency>{coordinates(*root.split(':'))}</dependency>" for root in roots)
    return project(f"<dependencies>{''.join(rows)}</dependencies>")


def _jar(folder: Path, path: Path) -> Jar:
    *group, artifact, version, _file = path.relative_to(folder).parts
    return Jar(".".join(group), artifact, version, digest(path))


def main() -> None:
    """Writes the lock beside this module."""
    (maven,) = provide(["mvn"], print)
    sets = {name: resolve(roots, maven) for name, roots in ROOTS.items()}
    # Elasticsearch gives a module's loader its own libraries; a second copy in the module's folder is refused.
    shared = {str(jar) for jar in sets["elasticsearch"]}
    sets["transport-netty4"] = [jar for jar in sets["transport-netty4"] if str(jar) not in shared]
    Path(__file__).with_name(LOCK).write_text(lock_text(sets), encoding="utf-8")


if __name__ == "__main__":
    main()
