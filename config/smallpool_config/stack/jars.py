"""The published jars that Elasticsearch and Kafka are made of: pinned by version and digest, fetched by Maven, never used unverified.

In: `jars.lock` of this package. Out: verified files in the cache; Maven is asked only for what is missing or not what the lock says.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from xml.sax.saxutils import escape

from msgspec import Struct

from smallpool_config.stack.cache import held
from smallpool_config.stack.tools import provide
from smallpool_core.errors import SmallpoolError

ROOTS: Mapping[str, tuple[str, ...]] = {
    "elasticsearch": ("org.elasticsearch:elasticsearch:8.19.21",),
    "transport-netty4": ("org.elasticsearch.plugin:transport-netty4:8.19.21",),
    "kafka": ("org.apache.kafka:kafka_2.13:4.1.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"),
}
"""What each set of jars is asked for by name; the lock holds all that these need."""
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
LOCK = "jars.lock"
COPY_LIMIT_S = 900


class Jar(Struct, frozen=True):
    """One published jar: whose it is, which version, and the digest of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def path(self) -> Path:
        """Where it lies under the folder of jars, laid out as Maven lays out its own."""
        return Path(*self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar")


def locked() -> dict[str, tuple[Jar, ...]]:
    """The jars of every set, as the lock names them."""
    return parse_lock(files("smallpool_config.stack").joinpath(LOCK).read_text(encoding="utf-8"))


def parse_lock(text: str) -> dict[str, tuple[Jar, ...]]:
    """The sets of a lock: a line a jar, `set group:artifact:version sha256`, and comments."""
    sets: dict[str, list[Jar]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, coordinate, sha256 = line.split()
            group, artifact, version = coordinate.split(":")
            sets.setdefault(name, []).append(Jar(group, artifact, version, sha256))
    return {name: tuple(jars) for name, jars in sets.items()}


def verified(folder: Path, jars: Sequence[Jar], tell: Callable[[str], None]) -> list[Path]:
    """The jars' files under the folder, every digest checked; what does not hold is fetched anew first.

    Where all hold, neither Maven nor a network is needed. Raises `SmallpoolError` where Maven fails, or brings another file than the
    lock says.
    """
    with held(folder / ".lock"):
        if wanted := [jar for jar in jars if digest(folder / jar.path) != jar.sha256]:
            (maven,) = provide(["mvn"], tell)
            tell(f"fetching {len(wanted)} jars by Maven")
            _fetch(folder, wanted, maven)
    return [folder / jar.path for jar in jars]


def digest(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal; empty where there is no file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(folder: Path, jars: Sequence[Jar], maven: str) -> None:
    """Brings the jars into the folder: through a folder of their own, out of which only what is verified is moved."""
    with tempfile.TemporaryDirectory(prefix="fetched-", dir=folder) as name:
        fetched = Path(name)
        run_maven(maven, "copy", fetched, copy_pom(jars, fetched))
        for jar in jars:
            found = digest(fetched / jar.path)
            if found != jar.sha256:
                raise SmallpoolError(
                    f"fetching {jar}: Maven brought a file with SHA-256 {found or '(no file)'}, but {LOCK} pins {jar.sha256}; nothing "
                    "of it is used: remove it from Maven's local repository, see that the mirror in Maven's settings is sound, try again"
                )
        for jar in jars:
            (folder / jar.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(fetched / jar.path, folder / jar.path)


def copy_pom(jars: Iterable[Jar], to: Path) -> str:
    """A project that copies exactly these jars, and nothing that they would pull in."""
    items = "".join(
        f"<artifactItem>{coordinates(jar.group, jar.artifact, jar.version)}"
        f"<outputDirectory>{escape(str((to / jar.path).parent))}</outputDirectory></artifactItem>"
        for jar in jars
    )
    plugin = f"{coordinates(*PLUGIN.split(':'))}<configuration><artifactItems>{items}</artifactItems></configuration>"
    return project(f"<build><plugins><plugin>{plugin}</plugin></plugins></build>")


def project(content: str) -> str:
    """A Maven project with this content."""
    return (
        f"<project><modelVersion>4.0.0</modelVersion>{coordinates('smallpool', 'stack', '1')}<packaging>pom</packaging>{content}</project>"
    )


def coordinates(group: str, artifact: str, version: str) -> str:
    """What names an artifact inside a project."""
    return f"<groupId>{escape(group)}</groupId><artifactId>{escape(artifact)}</artifactId><version>{escape(version)}</version>"


def run_maven(maven: str, goal: str, folder: Path, pom: str, *options: str) -> None:
    """Runs one goal of the pinned dependency plugin on a project that exists for this run alone; Maven's settings choose the mirror."""
    path = folder / "pom.xml"
    path.write_text(pom, encoding="utf-8")
    command = [maven, "--batch-mode", "--quiet", "--file", str(path), f"{PLUGIN}:{goal}", *options]
    try:
        ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=COPY_LIMIT_S)
    except subprocess.TimeoutExpired as exc:
        raise SmallpoolError(
            f"fetching jars with {maven}: not done after {COPY_LIMIT_S} s; see that the machine reaches a Maven repository, and try again"
        ) from exc
    finally:
        path.unlink()
    if ran.returncode:
        said = "\n".join([*ran.stdout.strip().splitlines()[:4], *ran.stderr.strip().splitlines()[-4:]])
        raise SmallpoolError(
            f"fetching jars with {maven}: it ended with {ran.returncode} and said: {said}; "
            "see that the machine reaches a Maven repository, or name a mirror in Maven's settings, and try again"
        )
