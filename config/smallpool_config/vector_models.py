"""The model of vectors that lies in a folder, and those that it replaced a while ago.

In: a folder. Out: encoders of items and of people, by the model's name: while stored listings are embedded anew, questions are still asked
of the vectors of the model before.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct

from smallpool_config.in_folder import InFolder
from smallpool_config.settings import ModelSettings
from smallpool_core.encoder_ports import Encoders
from smallpool_core.errors import ModelRefused
from smallpool_models.encoders.interests import OnnxUserEncoder
from smallpool_models.encoders.items import KIND, SCHEMA, OnnxItemEncoder
from smallpool_models.registry.folder import ModelFiles, read_model

MOST_KEPT: Final = 3
"""Models whose encoders a process keeps: the newest, that of the vectors that are searched, and one between the two."""


class _Named(Struct, frozen=True):
    """Encoders under the name of their model."""

    encoders: Encoders

    @property
    def version(self) -> str:
        """The name of the model."""
        return self.encoders.items.model


class ServedVectors(InFolder[_Named]):
    """The encoders of the model in force, and of those before it. `refresh` is for one thread at a time, all else for any."""

    def __init__(self, folder: Path) -> None:
        """Raises `ModelRefused` where the folder holds no model at the start."""
        super().__init__(folder, KIND, SCHEMA, lambda files: _Named(loaded(files)))
        self._known = {**_before(folder), self.version: self.current.encoders}

    @property
    def encoders(self) -> Encoders:
        """Those of the model in force, by which listings are embedded."""
        return self.current.encoders

    def of(self, model: str) -> Encoders | None:
        """The encoders of a model that is in force, or was."""
        return self._known.get(model)

    def refresh(self) -> None:
        """Changes over to another model where the folder holds one; the one before stays known."""
        super().refresh()
        if self.version != next(reversed(self._known)):  # one that came back is the newest again
            known = {name: encoders for name, encoders in self._known.items() if name != self.version}
            self._known = dict([*known.items(), (self.version, self.encoders)][-MOST_KEPT:])


def before(folder: Path) -> Path:
    """Where a promotion leaves the model that lay in the folder before."""
    return folder.with_name(f"{folder.name}.before")


def _before(folder: Path) -> dict[str, Encoders]:
    """The model that was replaced last, by its name: a process that starts while listings are embedded anew has to ask by it."""
    try:
        encoders = loaded(read_model(before(folder), KIND, SCHEMA))
    except ModelRefused:
        return {}
    return {encoders.items.model: encoders}


def loaded(files: ModelFiles) -> Encoders:
    """The encoders of a model's files; raises `ModelRefused`."""
    return Encoders(OnnxItemEncoder(files), OnnxUserEncoder(files))


def vectors_of(models: ModelSettings) -> ServedVectors | None:
    """The model of vectors of these settings, None for none; raises `ModelRefused` where the folder holds none."""
    return None if models.vectors_path is None else ServedVectors(models.vectors_path)
