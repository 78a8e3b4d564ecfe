"""Where a training computes: a core, a GPU, or several of them under `torchrun`.

In: the environment that `torchrun` sets, or none. Out: a `Machine`. On a GPU products are in bf16; several share the steps of an epoch and
take the mean of their gradients.
"""

import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from msgspec import Struct
from torch import Tensor, distributed, nn

N = TypeVar("N", bound=nn.Module)
S = TypeVar("S")
MOST_GRADIENT = 1.0


def leads() -> bool:
    """Whether this process is the one that writes."""
    return os.environ.get("RANK", "0") == "0"


class Machine(Struct, frozen=True):
    """This process is number `rank` of `count`."""

    device: torch.device
    rank: int
    count: int

    @classmethod
    def here(cls) -> "Machine":
        """Joins the others where `torchrun` started several."""
        rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        has_gpu = torch.cuda.is_available()
        if count > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if has_gpu else "gloo")
        if not has_gpu:
            torch.set_num_threads(1)
        return cls(torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if has_gpu else torch.device("cpu"), rank, count)

    def take(self, network: N) -> N:
        """The net on the device, with the weights that the first process has."""
        network = network.to(self.device)
        for weights in network.parameters() if self.count > 1 else ():
            distributed.broadcast(weights.data, 0)
        return network

    def agreed(self, seconds: float) -> float:
        """The longest that any of the processes took: they must plan alike."""
        if self.count == 1:
            return seconds
        longest = torch.tensor(seconds, device=self.device)
        distributed.all_reduce(longest, distributed.ReduceOp.MAX)
        return longest.item()

    def is_over(self, started: float, minutes: float) -> bool:
        """Whether more than these minutes were computed since, in any of the processes."""
        return self.agreed(time.process_time() - started) > minutes * 60

    def own(self, steps: Sequence[S]) -> list[S]:
        """The steps that are this process's, as many as each other one has."""
        return list(steps)[self.rank : len(steps) // self.count * self.count : self.count]

    def arithmetic(self) -> AbstractContextManager[object]:
        """bf16 on a GPU."""
        return torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else nullcontext()

    def step(self, loss: Tensor, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        """Moves the weights, by the mean of the gradients of all processes."""
        optimiser.zero_grad(set_to_none=False)
        torch.autograd.backward(loss)
        for weights in network.parameters() if self.count > 1 else ():
            if weights.grad is not None:
                distributed.all_reduce(weights.grad)
                weights.grad /= self.count
        nn.utils.clip_grad_norm_(network.parameters(), MOST_GRADIENT)
        optimiser.step()
