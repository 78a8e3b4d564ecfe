"""The net that labels titles: several readers of the same runs of characters, whose scores are added.

In: `Grams` as tensors. Out: scores (readers, titles, labels). The first reader is linear (TF-IDF times a weight for each run and label);
the others sum what is learnt of each run, as fastText does (Joulin et al., 2017), through one layer. Each of them learns by itself
and sees other runs left out, so that they err on different titles.
"""

from typing import cast

import torch
from msgspec import Struct
from torch import Tensor, nn

LINEAR_SCALE = 8.0
SUM_SCALE = 4.0
"""Rows are of unit length; these bring sums to the size of scores, so that one learning rate suits all."""


class LabelNetworkSettings(Struct, frozen=True):
    """`linear`: whether there is a linear reader. `sums` further readers of `width` each; the shares of runs, and of what is read, that
    are left out in training.
    """

    linear: bool = True
    sums: int = 3
    width: int = 64
    drop_grams: float = 0.4
    drop: float = 0.3


class LabelNetwork(nn.Module):
    """`grams` runs are known, number 0 being none."""

    def __init__(self, settings: LabelNetworkSettings, grams: int, labels: int) -> None:
        super().__init__()
        self.settings = settings
        tables = [labels] * settings.linear + [settings.width] * settings.sums
        self.tables = nn.ModuleList(nn.EmbeddingBag(grams + 1, width, mode="sum", padding_idx=0) for width in tables)
        self.outs = nn.ModuleList(nn.Linear(settings.width, labels) for _ in range(settings.sums))
        self.bias = nn.Parameter(torch.zeros(labels))
        self.drop = nn.Dropout(settings.drop)
        for number in range(len(tables)):
            nn.init.normal_(self.table(number), std=0.0 if self.is_linear(number) else 0.1)
            with torch.no_grad():
                self.table(number)[0].fill_(0)

    def table(self, number: int) -> Tensor:
        """What the reader of this number looks runs up in, (runs, width)."""
        return cast("nn.EmbeddingBag", self.tables[number]).weight

    def out(self, number: int) -> nn.Linear:
        """The last layer of the reader of this number, the linear one not counted."""
        return cast("nn.Linear", self.outs[number])

    def is_linear(self, number: int) -> bool:
        """Whether the reader of this number is the linear one."""
        return self.settings.linear and number == 0

    def forward(self, numbers: Tensor, weights: Tensor) -> Tensor:
        """Scores by each reader, (readers, titles, labels)."""
        return torch.stack([self._read(number, numbers, self._left(weights)) for number in range(len(self.tables))])

    def _left(self, weights: Tensor) -> Tensor:
        share = self.settings.drop_grams
        if not self.training or not share:
            return weights
        return weights * (torch.rand_like(weights) >= share) / (1 - share)

    def _read(self, number: int, numbers: Tensor, weights: Tensor) -> Tensor:
        table = self.tables[number]
        if self.is_linear(number):
            scored: Tensor = table(numbers, per_sample_weights=weights * LINEAR_SCALE) + self.bias
            return scored
        summed = torch.relu(table(numbers, per_sample_weights=weights * SUM_SCALE))
        out: Tensor = self.out(number - self.settings.linear)(self.drop(summed))
        return out

    @torch.no_grad()
    def round_off(self) -> None:
        """Rounds the tables to 16 bits, in which they are kept: what is measured hereafter is what will be served."""
        for number in range(len(self.tables)):
            self.table(number).copy_(self.table(number).half().float())
