"""The net that says what words mean: what is learnt of each of their pieces, summed, beside what they match to the letter.

In: pieces of texts as tensors, and `intent.matching`'s vectors of the texts. Out: unit vectors, (texts, dimensions). Exact matches, which a
sum of few learnt numbers blurs, are not learnt; how much a piece counts in the sum is. Without the matching part it is the query's tower of
DSSM (Huang et al., 2013) over the bags of fastText (Joulin et al., 2017).
"""

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional

from smallpool_models.intent.reading import Pieces


class IntentNetworkSettings(Struct, frozen=True):
    """`sketch` coordinates of what is matched, or none, beside `width` that are learnt; `share` is the length of the learnt part beside
    that of the other, which has 1.
    """

    sketch: int = 4096
    width: int = 128
    share: float = 0.11


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

    def forward(self, pieces: Pieces, drop: float = 0.0) -> Tensor:
        """What is learnt: (texts, width), rows of unit length, of zeros for a text without a known piece; in training a share of the pieces
        is left out.
        """
        numbers = torch.from_numpy(pieces.numbers)
        weights = torch.from_numpy(pieces.weights) * torch.exp(self.gains[numbers])
        if drop and self.training:
            weights = weights * (torch.rand_like(weights) >= drop)
        return functional.normalize(self.table(numbers, per_sample_weights=weights), dim=1)

    def joined(self, matched: Tensor, learnt: Tensor) -> Tensor:
        """The vector of both parts, (texts, dimensions)."""
        if not self.settings.sketch:
            return learnt
        return functional.normalize(torch.cat([matched, self.settings.share * learnt], dim=1), dim=1)

    @torch.no_grad()
    def round_off(self) -> None:
        """Folds how much a piece counts into its row of the table and rounds that to 16 bits, in which it is kept: what is measured
        hereafter is what will be served.
        """
        self.table.weight.copy_((self.table.weight * torch.exp(self.gains)[:, None]).half().float())
        self.gains.zero_()
