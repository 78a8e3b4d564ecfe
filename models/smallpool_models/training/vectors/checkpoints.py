"""Where a training stands after an epoch, kept so that one that was broken off goes on and ends as if it had not been.

In: nets, their running mean, an optimiser; the figures of each epoch. Out: a file beside the model, read without unpickling anything.
"""

import copy
import hashlib
import pickle
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import torch
from msgspec import Struct, convert, to_builtins
from torch import nn

from smallpool_core.errors import ModelRefused, Problem
from smallpool_models.training.mean import RunningMean
from smallpool_models.training.vectors.machines import leads
from smallpool_models.vectors.behaviour import Behaviour

N = TypeVar("N", bound=nn.Module)


class Epoch(Struct, frozen=True):
    """One pass: the mean loss, figures on the validation rows of which the first decides, and how long it took."""

    number: int
    loss: float
    dev: dict[str, float]
    seconds: float

    @property
    def reached(self) -> float:
        """The figure that decides."""
        return next(iter(self.dev.values()))


def mark_of(behaviour: Behaviour, settings: Struct) -> str:
    """By what a state knows its training again: the rows that are learnt from, and the settings."""
    rows = [behaviour.sha256, len(behaviour.items), len(behaviour.train.values), len(behaviour.dev.values)]
    return hashlib.sha256(msgspec.json.encode([rows, settings])).hexdigest()


class Checkpoint(Generic[N]):
    """The state of a training; `number` counts the epochs that are over, `planned` how many there will be, `mark` says whose it is."""

    def __init__(self, network: N, mean: RunningMean[N], optimiser: torch.optim.Optimizer, planned: int, mark: str) -> None:
        self.network, self.mean, self.optimiser, self.planned, self._mark = network, mean, optimiser, planned, mark
        self.epochs: list[Epoch] = []
        self.best = 0
        self._best_weights: dict[str, Any] = {}

    @property
    def number(self) -> int:
        """Epochs that are over."""
        return len(self.epochs)

    def goes_on(self, patience: int) -> bool:
        """Whether there is another epoch."""
        return self.number < self.planned and (not self.epochs or self.number - 1 - self.best < patience)

    def note(self, epoch: Epoch, minutes: float) -> None:
        """Adds an epoch; after the first one the plan is cut to what fits into the minutes."""
        self.epochs.append(epoch)
        if self.number == 1:
            self.planned = min(self.planned, max(1, int(minutes * 60 / max(epoch.seconds, 1e-3))))
        if self.number == 1 or epoch.reached > self.epochs[self.best].reached:
            self.best = self.number - 1
            self._best_weights = copy.deepcopy(self.mean.network.state_dict())

    def best_network(self) -> N:
        """The running mean as it was at the best epoch."""
        self.mean.network.load_state_dict(self._best_weights)
        return self.mean.network.eval()

    def save(self, file: Path | None) -> None:
        """Writes the state, whole or not at all."""
        if file is None or not leads():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "mark": self._mark,
            "network": self.network.state_dict(),
            "mean": self.mean.network.state_dict(),
            "taken": self.mean.taken,
            "optimiser": self.optimiser.state_dict(),
            "planned": self.planned,
            "epochs": to_builtins(self.epochs),
            "best": self.best,
            "best_weights": self._best_weights,
        }
        aside = file.with_suffix(".part")
        torch.save(state, aside)
        aside.replace(file)

    def load(self, file: Path | None) -> None:
        """Takes up what lies there, if anything does. Raises `ModelRefused` for the state of another training."""
        if file is None or not file.is_file():
            return
        try:
            self._take(torch.load(file, map_location="cpu", weights_only=True))
        except (RuntimeError, ValueError, TypeError, KeyError, EOFError, OSError, pickle.UnpicklingError) as error:
            told = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise ModelRefused(
                [Problem(str(file), told, "remove it, or go on with the data and settings that it was made with")]
            ) from error

    def _take(self, state: dict[str, Any]) -> None:
        if state["mark"] != self._mark:
            raise ValueError("the state of a training on other data or with other settings")
        self.network.load_state_dict(state["network"])
        self.mean.network.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.mean.taken, self.planned, self.best = state["taken"], state["planned"], state["best"]
        self.epochs = convert(state["epochs"], list[Epoch])
        self._best_weights = state["best_weights"]
