"""The part of every wiring that runs experiments.

In: the ports that this needs. Out: what the read path is told of buckets, and what reports and training are made from.
"""

from abc import ABC, abstractmethod
from functools import cached_property

from smallpool_config.settings import Settings
from smallpool_core.catalogue import Catalogue
from smallpool_core.experiment_ports import ExperimentStore
from smallpool_service.experiments.operating import ExperimentDesk
from smallpool_service.experiments.placing import Experiments
from smallpool_stores.duckdb.outcomes import open_outcomes


class RunsExperiments(ABC):
    """Each part is built when it is first asked for."""

    settings: Settings

    @property
    @abstractmethod
    def experiment_store(self) -> ExperimentStore:
        """The experiments."""

    @property
    @abstractmethod
    def catalogue(self) -> Catalogue:
        """The pools as this process knows them, for reading."""

    @cached_property
    def experiments(self) -> Experiments:
        """The experiments as this process knows them."""
        return Experiments(self.experiment_store, self.catalogue, self.settings.read)

    @cached_property
    def experiment_desk(self) -> ExperimentDesk:
        """What operators work on."""
        return ExperimentDesk(self.experiment_store, self.experiments, open_outcomes)
