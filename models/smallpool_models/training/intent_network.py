"""The net that says what words mean: what is learnt of each of their pieces, summed, beside a sketch of the pieces themselves.

In: pieces of texts as tensors, and coordinates of their sketch. Out: unit vectors, (texts, sketch + width). The sketch keeps exact matches,
which a sum of few learnt numbers blurs; how much a piece counts in both is learnt. Without a sketch it is the query's tower of DSSM (Huang
et al., 2013) over the bags of fastText (Joulin et al., 2017).
"""

from typing import cast

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional

from smallpool_models.intent.reading import Pieces, coordinates


class IntentNetworkSettings(Struct, frozen=True):
    """`sketch` coordinates, a power of two or none, beside `width` that are learnt; `share` is the length of the learnt part beside that of
    the sketch, which has 1.
    """

    sketch: int = 4096
    width: int = 128
    share: float = 1.0


class IntentNetwork(nn.Module):
    """`pieces` are known, number 0 being none. `gains` are logarithms, 0 at first."""

    def __init__(self, settings: IntentNetworkSettings, pieces: int) -> None:
        super().__init__()
        self.settings = settings
        self.table = nn.EmbeddingBag(pieces + 1, settings.width, mode="sum", padding_idx=0, sparse=True)
        nn.init.normal_(self.table.weight, std=settings.width**-0.5)
        self.gains = nn.Parameter(torch.zeros(pieces + 1))
        with torch.no_grad():
            self.table.weight[0].fill_(0)

    @property
    def dimensions(self) -> int:
        """Of each vector."""
        return self.settings.sketch + self.settings.width

    def forward(self, pieces: Pieces, drop: float = 0.0) -> Tensor:
        """(texts, dimensions), rows of unit length, of zeros for a text without a piece; in training a share of the pieces is left out."""
        numbers = torch.from_numpy(pieces.numbers)
        weights = torch.from_numpy(pieces.weights) * torch.exp(self.gains[numbers])
        if drop and self.training:
            weights = weights * (torch.rand_like(weights) >= drop)
        return self.joined(self._sketch(pieces, weights), self.table(numbers, per_sample_weights=weights))

    def joined(self, sketch: Tensor, summed: Tensor) -> Tensor:
        """The vector of both parts."""
        learnt = functional.normalize(summed, dim=1)
        if not self.settings.sketch:
            return learnt
        return functional.normalize(torch.cat([functional.normalize(sketch, dim=1), self.settings.share * learnt], dim=1), dim=1)

    def _sketch(self, pieces: Pieces, weights: Tensor) -> Tensor:
        size = self.settings.sketch
        if not size:
            return weights[:, :0]
        places, signs = coordinates(pieces.hashes, size)
        rows = torch.arange(len(pieces))[:, None, None] * size + torch.from_numpy(places)
        values = weights[..., None] * torch.from_numpy(signs)
        flat = torch.zeros(len(pieces) * size).index_add(0, rows.flatten(), values.flatten())
        return flat.reshape(len(pieces), size)

    def learnt_gains(self) -> list[float]:
        """How much each piece counts beside its rarity, that of the unknown first."""
        return cast("list[float]", torch.exp(self.gains.detach()).tolist())

    @torch.no_grad()
    def round_off(self) -> None:
        """Rounds the table to 16 bits, in which it is kept: what is measured hereafter is what will be served."""
        self.table.weight.copy_(self.table.weight.half().float())
