"""Where the vectors of items begin: what comes soon after an item lies near what that item asks for, before anything is trained.

In: rows of touched items, numbers from 1 on. Out: (items + 1, d) float32 of unit length: half of a row is what an item is found by, the
other half what it asks for; row 0 and those of items nobody touched being 0.

The leading singular vectors of how much more often one item comes within a window after another than by chance: positive pointwise mutual
information, counts of the context to the power .75 (Levy, Goldberg and Dagan, *Improving distributional similarity*, 2015), by a randomised
singular value decomposition (Halko, Martinsson and Tropp, 2011, algorithm 4.4). A matter of seconds, which spares several passes over the
rows. Pairs are counted in the order in which they came: one vector an item for both sides of a pair cannot tell before from after.
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from smallpool_models.training.vectors.item_network import ItemNetwork, unit
from smallpool_models.training.vectors.items_read import ItemsRead
from smallpool_models.vectors.ragged import Numbers, Ragged
from smallpool_models.vectors.vocabulary import FIRST

WINDOW: Final = 5
CONTEXT_POWER: Final = 0.75
_ROUNDS: Final = 4
_SPARE: Final = 16
ID_LENGTH: Final = 0.7
"""How long a residual begins, beside what the item is, whose length is 1."""


def spectral_vectors(rows: Ragged, items: int, width: int, seed: int) -> Tensor:
    """(items + 1, width), `width` being even: what an item is found by, then what it asks for; a half is zeros for what never came after
    another, or never before one.
    """
    pairs, counts = _ahead(rows, items)
    first, second = pairs // (items + 1), pairs % (items + 1)
    before, after = np.bincount(first, counts, items + 1), np.bincount(second, counts, items + 1)
    context = after**CONTEXT_POWER
    told = np.log(counts / (before[first] * (context / max(context.sum(), 1e-12))[second]))
    kept = told > 0
    places = torch.from_numpy(np.stack([first[kept], second[kept]]))
    matrix = torch.sparse_coo_tensor(places, torch.from_numpy(told[kept].astype(np.float32)), (items + 1,) * 2, check_invariants=True)
    asks, found = (unit(side) for side in _leading(matrix.coalesce(), width // 2, seed))
    asks[torch.from_numpy(before == 0)] = 0  # and not the noise of the arithmetic, scaled up
    found[torch.from_numpy(after == 0)] = 0
    return unit(torch.cat([found, asks], dim=1))


@torch.no_grad()
def begin_at(network: ItemNetwork, read: ItemsRead, vectors: Tensor) -> None:
    """Sets the residual of each known id to its item's vector, and each term to the mean of the items that have it."""
    terms, _, ids = read.of(np.arange(len(read)))
    known = ids >= FIRST
    network.ids.weight[ids[known]] = ID_LENGTH * vectors[known]
    item, column = torch.nonzero(terms >= FIRST, as_tuple=True)
    sums = torch.zeros_like(network.terms.weight)
    sums.index_add_(0, terms[item, column], vectors[item])
    there = sums.norm(dim=1) > 0
    network.terms.weight[there] = unit(sums[there])


def _ahead(rows: Ragged, items: int) -> tuple[Numbers, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Pairs as `first * (items + 1) + later`, and what they count: 1/distance within the window."""
    values = np.asarray(rows.values, dtype=np.int64)
    whose = np.repeat(np.arange(len(rows)), rows.lengths)
    keys, counts = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for distance in range(1, WINDOW + 1):
        first, later = values[:-distance], values[distance:]
        near = (whose[:-distance] == whose[distance:]) & (first != later)
        keys.append((first * (items + 1) + later)[near])
        counts.append(np.full(keys[-1].size, 1 / distance))
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    return pairs, np.bincount(place, np.concatenate(counts), pairs.size).astype(np.float64)


def _leading(matrix: Tensor, width: int, seed: int) -> tuple[Tensor, Tensor]:
    """(rows, width) twice, of the leading left and right singular vectors times the root of their values; zeros where there are fewer."""
    generator = torch.Generator().manual_seed(seed)
    turned = matrix.t().coalesce()
    basis = torch.sparse.mm(matrix, torch.randn(matrix.shape[1], min(width + _SPARE, matrix.shape[0]), generator=generator))
    for _ in range(_ROUNDS):
        basis = torch.sparse.mm(matrix, torch.sparse.mm(turned, torch.linalg.qr(basis)[0]))
    basis = torch.linalg.qr(basis)[0]
    left, values, right = torch.linalg.svd(torch.sparse.mm(turned, basis).t(), full_matrices=False)
    sides = ((basis @ left * values.sqrt())[:, :width], (right.T * values.sqrt())[:, :width])
    one, other = (torch.nn.functional.pad(side, (0, width - side.shape[1])) for side in sides)
    return one, other
