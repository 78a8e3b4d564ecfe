"""How a training moves: the learning rate over time, and the mean of the weights that is kept.

In: the weights of each step. Out: their exponential mean, which on some thousand titles is worth more than any single step's.
"""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)
_EVERY = 4
"""Of so many steps only the last is taken, since neighbours differ little; before there were as many, the latest is the mean."""


def pace(gone: float) -> float:
    """The share of the learning rate when so much of the training has gone: it rises over the first tenth and falls to nothing."""
    return max(min(gone / 0.1, (1 - gone) / 0.9), 0.01)


class RunningMean(Generic[N]):
    """An exponential mean of the weights over some `steps`; it follows fast at first."""

    def __init__(self, network: N, steps: int) -> None:
        self.network = copy.deepcopy(network).eval()
        self._steps = steps
        self.taken = 0

    @torch.no_grad()
    def take(self, network: N) -> None:
        """Moves the mean towards the weights."""
        self.taken += 1
        is_early = self.taken < _EVERY
        if self.taken % _EVERY and not is_early:
            return
        share = 1.0 if is_early else _EVERY / min(self._steps, _EVERY + self.taken / 5)
        for kept, new in zip(self.network.parameters(), network.parameters(), strict=True):
            kept.lerp_(new, share)
