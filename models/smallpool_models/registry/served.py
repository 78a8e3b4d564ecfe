"""What a process serves by that lies in a folder: a model, or the knowledge base; changed over when the folder changes.

In: a folder, what is needed of it, and how it is loaded. Out: always one whole of it. A new one is loaded aside while the old one
serves; then a reference is swapped. One that is refused changes nothing, and `refused` says why.
"""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from smallpool_core.errors import ModelRefused, Refused
from smallpool_models.registry.folder import MANIFEST, ModelFiles, read_model

M = TypeVar("M")
_log = logging.getLogger(__name__)


class Swapped(Generic[M]):
    """Holds what is in force. `refresh` is for one thread at a time; `current` is for any."""

    def __init__(self, name: str, stamp: Callable[[], object], load: Callable[[], M]) -> None:
        """`stamp` changes when what lies there does. Raises `Refused` where there is nothing to start with."""
        self._name, self._stamp, self._load = name, stamp, load
        self._seen = stamp()
        self._current = load()
        self.refused = ""

    @property
    def current(self) -> M:
        """What is in force."""
        return self._current

    def refresh(self) -> bool:
        """Looks at the folder, and changes over if something else lies there; whether it did."""
        stamp = self._stamp()
        if stamp == self._seen:
            self.refused = ""
        if not self._is_worth_loading(stamp):
            return False
        try:
            following = self._load()
        except Refused as error:
            self._note(stamp, error)
            if str(error) != self.refused:
                _log.error("%s is refused, the one before goes on serving: %s", self._name, error)
            self.refused = str(error)
            return False
        self._current, self._seen, self.refused = following, stamp, ""
        return True

    def _is_worth_loading(self, stamp: object) -> bool:
        """Whether to try what is another than the one in force; a model that was refused is tried again, since its files may still come."""
        return stamp != self._seen

    def _note(self, stamp: object, error: Refused) -> None:
        """What is to be kept of a refusal beside its text."""


class Served(Swapped[M]):
    """The model of a folder, by its manifest, which is written last."""

    def __init__(self, folder: Path, kind: str, schema: int, load: Callable[[ModelFiles], M]) -> None:
        """Raises `ModelRefused` where the folder holds no model to start with."""
        super().__init__(f"the model in {folder}", lambda: _stamp_of([folder / MANIFEST]), lambda: load(read_model(folder, kind, schema)))


class Watched(Swapped[M]):
    """Files that people edit, such as the knowledge base: taken in once nothing changes from one look to the next, and tried once, unless
    it was a model that was refused: that lies elsewhere, and its files may still come.
    """

    def __init__(self, name: str, folder: Path, load: Callable[[], M], seen: object = None) -> None:
        """`seen` is the `stamp_of` the folder from before what `load` gives first was read, if that was earlier. Raises `Refused` where the
        folder holds nothing to start with.
        """
        self._last: object = None
        self._tried: object = None
        super().__init__(name, lambda: stamp_of(folder), load)
        if seen is not None:
            self._seen = seen

    def _is_worth_loading(self, stamp: object) -> bool:
        is_settled, self._last = stamp == self._last, stamp
        if stamp == self._seen:
            self._tried = None
        return is_settled and stamp not in (self._seen, self._tried)

    def _note(self, stamp: object, error: Refused) -> None:
        if not isinstance(error, ModelRefused):
            self._tried = stamp


def stamp_of(folder: Path) -> object:
    """What changes when a file of the folder does; None where it cannot be asked."""
    return _stamp_of(folder.glob("**/*"))


def _stamp_of(files: Iterable[Path]) -> object:
    """Names, times, sizes and inodes of what are files; None where one, or the folder, cannot be asked."""
    try:
        stats = [(file.name, file.stat()) for file in sorted(files) if file.is_file()]
    except OSError:
        return None
    return [(name, at.st_mtime_ns, at.st_size, at.st_ino) for name, at in stats]
