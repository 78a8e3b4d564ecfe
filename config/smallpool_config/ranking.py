"""The rankers that the settings name, each kept as its folder has it.

In: settings of models. Out: rankers by pool; the one of `""` is for every pool that has none of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from smallpool_config.settings import ModelSettings
from smallpool_models.encoders.ranker import KIND, SCHEMA, OnnxRanker
from smallpool_models.registry.served import Served


class ServedRanker:
    """Ranks with the model that lies in a folder now; raises `ModelRefused` where none does at the start."""

    def __init__(self, folder: Path) -> None:
        self._served = Served(folder, KIND, SCHEMA, OnnxRanker)

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

    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        """See `Ranker.rank`; one model for the whole page."""
        return await self._served.current.rank(rows)


def rankers_of(models: ModelSettings) -> Mapping[str, ServedRanker]:
    """Each folder is loaded once, however many pools it ranks."""
    loaded: dict[str, ServedRanker] = {}
    for folder in models.rankers.values():
        if folder not in loaded:
            loaded[folder] = ServedRanker(Path(folder))
    return {pool_id: loaded[folder] for pool_id, folder in models.rankers.items()}
