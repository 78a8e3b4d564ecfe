"""What every benchmark says of itself: percentiles, memory, and what it was measured on."""

import os
import platform
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")


def percentile(milliseconds: Sequence[float], share: int) -> float:
    """The `share`-th percentile, linearly interpolated, to a microsecond."""
    return round(float(np.percentile(np.asarray(milliseconds), share)), 3)


def resident_mb() -> float:
    """Resident memory of this process now, in MB (10^6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": platform.system(),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def tracked(values: Iterable[T], label: str, total: int) -> Iterator[T]:
    """The values, with a progress bar on stderr while they are taken, where there is a terminal to show it."""
    if not sys.stderr.isatty():
        yield from values
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(values, total=total, description=label)
