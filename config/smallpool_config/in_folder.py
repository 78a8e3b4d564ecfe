"""What serves by the model that lies in a folder, whatever the model does.

In: a folder, and how its files are loaded. Out: the model in force, its version, and why a newer one is not.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from smallpool_models.registry.folder import ModelFiles
from smallpool_models.registry.served import Served


class Versioned(Protocol):
    """A model that knows its version."""

    @property
    def version(self) -> str:
        """By content."""
        ...


M = TypeVar("M", bound=Versioned)


class InFolder(Generic[M]):
    """The model that lies in a folder now; raises `ModelRefused` where none does at the start."""

    def __init__(self, folder: Path, kind: str, schema: int, load: Callable[[ModelFiles], M]) -> None:
        self._served = Served(folder, kind, schema, load)

    @property
    def version(self) -> str:
        """The version of the model in force."""
        return self._served.current.version

    @property
    def refused(self) -> str:
        """Why a newer model in the folder is not in force; empty where all is well."""
        return self._served.refused

    def refresh(self) -> None:
        """Changes over to another model where the folder holds one."""
        self._served.refresh()

    @property
    def current(self) -> M:
        """The model in force."""
        return self._served.current
