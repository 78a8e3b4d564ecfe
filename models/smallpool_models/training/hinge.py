"""Linear support vector machines, one a label: what a net that learns by gradient steps is joined with.

In: the runs of titles, and which labels they have. Out: `Machines`. Solved by Newton's method with conjugate gradients and a halving of
steps that go too far (Keerthi and DeCoste, 2005), for all labels at once: the same minimum that LIBLINEAR's L2-loss machines have.
"""

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor

from smallpool_models.labels.deciding import Scores
from smallpool_models.labels.grams import Grams

LABELS_AT_ONCE = 64
"""More would not fit into a core's cache, and of thousands not into memory."""
_ROUNDS = 20
_DIRECTIONS = 30
_HALVINGS = 6
_DONE = 1e-4
"""A label is solved where its gradient has fallen to this share of what it was at first."""
_NEAR = 0.02


class Machines(Struct, frozen=True):
    """`weights` is (runs + 1, labels), row 0, which is of no run, being 0; `bias` is (labels,)."""

    weights: Tensor
    bias: Tensor

    def scores(self, grams: Grams) -> Scores:
        """(titles, labels): 1 and -1 are the margins."""
        found: Scores = (torch.mm(sparse(grams, len(self.weights) - 1), self.weights) + self.bias).numpy()
        return found


def sparse(grams: Grams, runs: int) -> Tensor:
    """(titles, runs + 1) of the weights."""
    title, place = np.nonzero(grams.weights)
    places = torch.from_numpy(np.stack([title, grams.numbers[title, place]]))
    shape = (len(grams.weights), runs + 1)
    return torch.sparse_coo_tensor(places, torch.from_numpy(grams.weights[title, place]), shape, check_invariants=True).coalesce()


@torch.no_grad()
def solved(grams: Grams, runs: int, truth: NDArray[np.float32], cost: float) -> Machines:
    """The machines of `truth`, (titles, labels) of 0 and 1; `cost` is what a title beyond its margin counts beside the weights."""
    rows = _with_one(sparse(grams, runs))
    turned = rows.t().coalesce()
    parts = [
        _solved(rows, turned, torch.from_numpy(2 * truth[:, first : first + LABELS_AT_ONCE] - 1), cost)
        for first in range(0, truth.shape[1], LABELS_AT_ONCE)
    ]
    weights = torch.cat(parts, dim=1)
    return Machines(weights[:-1].contiguous(), weights[-1].clone())


def _with_one(rows: Tensor) -> Tensor:
    """A last column of ones, whose weight is the bias."""
    titles = rows.shape[0]
    places = torch.stack([torch.arange(titles), torch.zeros(titles, dtype=torch.int64)])
    ones = torch.sparse_coo_tensor(places, torch.ones(titles), (titles, 1), check_invariants=True)
    return torch.cat([rows, ones], dim=1).coalesce()


def _solved(rows: Tensor, turned: Tensor, sides: Tensor, cost: float) -> Tensor:
    """(runs + 2, labels) of sides, (titles, labels) of 1 and -1."""
    weights = torch.zeros(rows.shape[1], sides.shape[1])
    said = torch.zeros_like(sides)
    first = None
    for _ in range(_ROUNDS):
        short = (1 - sides * said).clamp_min(0)
        slope = weights - 2 * cost * torch.mm(turned, sides * short)
        size = slope.norm(dim=0)
        first = size if first is None else first
        open_ = size > _DONE * first
        if not open_.any():
            break
        step = _direction(rows, turned, (short > 0).float() * (2 * cost), -slope * open_)
        moved = torch.mm(rows, step)
        share = _share(weights, step, said, moved, sides, cost)
        weights += step * share
        said += moved * share
    return weights


def _direction(rows: Tensor, turned: Tensor, counted: Tensor, wanted: Tensor) -> Tensor:
    """Of each column the step that takes its slope to nothing, were the machine as bent everywhere as here."""
    step = torch.zeros_like(wanted)
    left = wanted.clone()
    along = left.clone()
    size = left.square().sum(0)
    enough = size * _NEAR**2
    for _ in range(_DIRECTIONS):
        bent = along + torch.mm(turned, counted * torch.mm(rows, along))
        far = torch.where(size > enough, size / (along * bent).sum(0).clamp_min(1e-12), torch.zeros_like(size))
        step += along * far
        left -= bent * far
        following = left.square().sum(0)
        if not (following > enough).any():
            break
        along = left + along * (following / size.clamp_min(1e-12))
        size = following
    return step


def _share(weights: Tensor, step: Tensor, said: Tensor, moved: Tensor, sides: Tensor, cost: float) -> Tensor:
    """Of each column how much of its step is gone: the whole, or halves of it until the loss falls, or nothing."""

    def loss(share: Tensor) -> Tensor:
        short = (1 - sides * (said + moved * share)).clamp_min(0)
        return 0.5 * (weights + step * share).square().sum(0) + cost * short.square().sum(0)

    share = torch.ones(step.shape[1])
    now = loss(torch.zeros_like(share))
    for _ in range(_HALVINGS):
        higher = loss(share) > now
        if not higher.any():
            return share
        share = torch.where(higher, share / 2, share)
    return torch.where(loss(share) > now, torch.zeros_like(share), share)
