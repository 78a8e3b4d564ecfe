"""The model that a process serves by: loaded from its folder, and changed over when the folder's manifest changes.

In: a folder, what is needed of it, and how it is loaded. Out: always one whole model. A new one is loaded aside while the old one
serves; then a reference is swapped. One that is refused changes nothing, and `refused` says why.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from smallpool_core.errors import ModelRefused
from smallpool_models.registry.folder import MANIFEST, ModelFiles, read_model

M = TypeVar("M")
_log = logging.getLogger(__name__)


class Served(Generic[M]):
    """Holds the current model. `refresh` is for one thread at a time; `current` is for any."""

    def __init__(self, folder: Path, kind: str, schema: int, load: Callable[[ModelFiles], M]) -> None:
        """Raises `ModelRefused` where the folder holds no model to start with."""
        self._folder, self._kind, self._schema, self._load = folder, kind, schema, load
        self._seen = self._stamp()
        self._current = load(read_model(folder, kind, schema))
        self.refused = ""

    @property
    def current(self) -> M:
        """The model in force."""
        return self._current

    def refresh(self) -> bool:
        """Looks at the manifest, and changes over if it is another one; whether it did."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        try:
            following = self._load(read_model(self._folder, self._kind, self._schema))
        except ModelRefused as error:
            if str(error) != self.refused:
                _log.error("the model in %s is refused, the one before goes on serving: %s", self._folder, error)
            self.refused = str(error)
            return False
        self._current, self._seen, self.refused = following, stamp, ""
        return True

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            at = (self._folder / MANIFEST).stat()
        except OSError:
            return None
        return at.st_mtime_ns, at.st_size, at.st_ino
