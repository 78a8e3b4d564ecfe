"""Imports modules in a fresh interpreter and prints, as JSON, every I/O that one of them does while being imported.

In: `import_probe.py MODULE...`, with the source roots as PYTHONPATH. Out: `[{"module", "event", "detail"}, ...]`.
What the import system itself reads is no I/O of a module; nor is what another distribution does when it is imported.
"""

import importlib
import json
import os
import sys
from types import FrameType
from typing import TextIO

WATCHED = ("open", "os.", "socket.", "sqlite3.", "subprocess.", "shutil.", "tempfile.", "urllib.", "ctypes.dlopen")
EXTRAS = frozenset({"elasticsearch", "faiss", "kafka", "onnxruntime", "redis", "torch"})
"""Imported by adapters and nets of the optional installs; without them such a module is not imported here."""


def is_ours(frame: FrameType | None, roots: tuple[str, ...]) -> bool:
    """Whether a file under one of the source roots does this, itself or by a call, other than by importing something."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        if frame.f_code.co_filename.startswith(roots):
            return True
        frame = frame.f_back
    return False


def probe(roots: tuple[str, ...], names: list[str], out: TextIO) -> None:
    """Imports each module by name and writes what was found."""
    found: list[dict[str, str]] = []
    importing = ""

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(WATCHED) and is_ours(sys._getframe(1), roots):
            found.append({"module": importing, "event": event, "detail": repr(arguments)[:200]})

    sys.addaudithook(audit)
    for importing in names:
        try:
            importlib.import_module(importing)
        except ModuleNotFoundError as exc:
            if (exc.name or "").partition(".")[0] not in EXTRAS:
                raise
    importing = "after the imports"
    json.dump(found, out)


if __name__ == "__main__":
    source_roots = tuple(folder + os.sep for folder in os.environ["PYTHONPATH"].split(os.pathsep))
    probe(source_roots, sys.argv[1:], sys.stdout)
