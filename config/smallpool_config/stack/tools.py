"""The programs that the stack stands on: Java, its compiler, Maven and redis-server; installed where that can be done without asking.

In: names of programs. Out: their paths. As root on a Debian what is missing is installed; elsewhere the error is the command that does it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence

from smallpool_core.errors import SmallpoolError

PACKAGES = {"java": "default-jdk-headless", "javac": "default-jdk-headless", "mvn": "maven", "redis-server": "redis-server"}
"""The Debian package of each program."""
PATIENT = ("-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=120")
"""A mirror may not give a package at once, and somebody else may hold the lock."""
JAVA_NEEDED = 17
"""What Elasticsearch 8.19 and Kafka 4.1 need."""


def provide(names: Sequence[str], tell: Callable[[str], None]) -> list[str]:
    """The paths of programs; what is missing is installed as root on a Debian, else `SmallpoolError` has the command that would."""
    if missing := [name for name in names if shutil.which(name) is None]:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise SmallpoolError(
                f"the stack needs {', '.join(missing)}, and PATH has none; install what is missing: {install_command(missing)}"
            )
        tell(f"installing {', '.join(_packages(missing))}")
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *_packages(missing))
    return [_path(name) for name in names]


def _path(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SmallpoolError(f"{PACKAGES[name]} is installed, but PATH has no {name}; see where `dpkg -L {PACKAGES[name]}` has it")
    return found


def check_java(java: str) -> None:
    """Raises `SmallpoolError` for a Java that the servers do not run on."""
    said = subprocess.run([java, "-version"], check=False, capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA_NEEDED:
        raise SmallpoolError(
            f"the servers need Java {JAVA_NEEDED} or later, and {java} says: {said.strip() or '(nothing)'}; "
            f"install one and put it first in PATH: sudo apt-get install --yes openjdk-{JAVA_NEEDED}-jdk-headless"
        )


def install_command(names: Iterable[str]) -> str:
    """What a user types to have these programs."""
    return f"sudo apt-get update && sudo apt-get install --yes {' '.join(_packages(names))}"


def _packages(names: Iterable[str]) -> list[str]:
    return sorted({PACKAGES[name] for name in names})


def _apt(*arguments: str) -> None:
    command = ["apt-get", "-qq", *PATIENT, *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if ran.returncode:
        said = ran.stderr.strip()
        raise SmallpoolError(f"`{' '.join(command)}` ended with {ran.returncode} and said: {said}; run it by hand, and mend what it names")
