"""The rankers that the settings name, each kept as its folder has it.

In: settings of models. Out: rankers by pool; the one of `""` is for every pool that has none of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from smallpool_config.in_folder import InFolder
from smallpool_config.settings import ModelSettings
from smallpool_models.encoders.ranker import KIND, SCHEMA, OnnxRanker


class ServedRanker(InFolder[OnnxRanker]):
    """Ranks with the model that lies in a folder now."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, KIND, SCHEMA, OnnxRanker)

    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        """See `Ranker.rank`; one model for the whole page."""
        return await self.current.rank(rows)


def rankers_of(models: ModelSettings) -> Mapping[str, ServedRanker]:
    """Each folder is loaded once, however many pools it ranks."""
    loaded: dict[str, ServedRanker] = {}
    for folder in models.rankers.values():
        if folder not in loaded:
            loaded[folder] = ServedRanker(Path(folder))
    return {pool_id: loaded[folder] for pool_id, folder in models.rankers.items()}
