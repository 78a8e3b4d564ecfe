"""Everything that servers are started from, ready on this machine: programs, verified jars, and Elasticsearch's main class compiled.

In: the cache. Out: a `Kit`. The first time it fetches and compiles; after that it only looks whether all is as it should be.
"""

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.resources import files
from itertools import chain
from pathlib import Path

from msgspec import Struct

from smallpool_config.stack.cache import cache_folder
from smallpool_config.stack.jars import ROOTS, Jar, locked, verified
from smallpool_config.stack.state import Kind
from smallpool_config.stack.tools import check_java, provide
from smallpool_core.errors import SmallpoolError

MAIN_CLASS = "ElasticsearchNode"
PROGRAMS: Mapping[Kind, tuple[str, ...]] = {"elasticsearch": ("java", "javac"), "kafka": ("java",), "redis": ("redis-server",)}
JARS: Mapping[Kind, tuple[str, ...]] = {"elasticsearch": ("elasticsearch", "transport-netty4"), "kafka": ("kafka",), "redis": ()}
"""The sets in the lock that each server is made of."""
Tell = Callable[[str], None]
"""Takes a line on what is being done."""


class Kit(Struct, frozen=True):
    """Paths of programs, versions of servers, jars by their sets in the lock, and Elasticsearch's compiled main class."""

    programs: dict[str, str]
    versions: dict[Kind, str]
    jars: dict[str, tuple[Path, ...]]
    classes: Path

    def path_of(self, jars: str) -> str:
        """A set of jars, as Java takes a class path or a module path."""
        return ":".join(map(str, self.jars[jars]))


def make_kit(kinds: Collection[Kind], tell: Tell) -> Kit:
    """What these kinds of servers are started from; installs, fetches and compiles what is missing."""
    needed = sorted({program for kind in kinds for program in PROGRAMS[kind]})
    programs = dict(zip(needed, provide(needed, tell), strict=True))
    if "java" in programs:
        check_java(programs["java"])
    sets, folder = locked(), cache_folder() / "jars"
    wanted = {name: sets[name] for kind in kinds for name in JARS[kind]}
    tell("looking whether all that the servers need is there")
    verified(folder, list(chain.from_iterable(wanted.values())), tell)
    jars = {name: tuple(folder / jar.path for jar in several) for name, several in wanted.items()}
    versions = {kind: _version(kind, programs) for kind in kinds}
    classes = _classes(programs["javac"], jars["elasticsearch"], sets["elasticsearch"]) if "elasticsearch" in kinds else Path()
    return Kit(programs, versions, jars, classes)


def _version(kind: Kind, programs: Mapping[str, str]) -> str:
    """The version that the lock pins, or that of the installed program."""
    if kind in ROOTS:
        return ROOTS[kind][0].rpartition(":")[2]
    said = subprocess.run([programs["redis-server"], "--version"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"v=(\S+)", said)
    return found[1] if found else "unknown"


def _classes(javac: str, jars: Sequence[Path], named: Sequence[Jar]) -> Path:
    """The compiled main class, in a folder named after its source and the jars that it was compiled for."""
    source = files("smallpool_config.stack").joinpath(f"java/{MAIN_CLASS}.java").read_bytes()
    identity = hashlib.sha256(b"\0".join([source, *(jar.sha256.encode() for jar in named)])).hexdigest()[:16]
    compiled = cache_folder() / "classes" / identity
    if not compiled.is_dir():
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="compiling-", dir=compiled.parent) as name:
            _compile(javac, source, jars, Path(name))
            Path(name, "classes").rename(compiled)
    return compiled


def _compile(javac: str, source: bytes, jars: Sequence[Path], folder: Path) -> None:
    file = folder / f"{MAIN_CLASS}.java"
    file.write_bytes(source)
    modules = ["--module-path", ":".join(map(str, jars)), "--add-modules", "ALL-MODULE-PATH"]
    command = [javac, *modules, "-d", str(folder / "classes"), str(file)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise SmallpoolError(f"compiling {file.name} with {javac}: {ran.stderr.strip()}; use a JDK of version 17 or later")
