"""Trains the NCF baseline of seed 000: whether a person would touch an item, from the items that they touched before.

In: sequences of items for training, questions that decide when to stop, a seed. Out: the weights of the best epoch.

As in the paper: a binary cross-entropy over each touched item and four drawn ones that the person did not touch, Adam, GMF and MLP in
tables of their own. What a person is, is the mean of what they touched before (see `evaluation/ncf.py`).
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor, nn

from smallpool_models.evaluation.ncf import Ncf, NcfWeights
from smallpool_models.evaluation.next_item import Places, Questions, ranks

FAR = 50
"""An epoch is as good as the share of targets that it puts among so many."""


class NcfSettings(Struct, frozen=True):
    """How training goes: at most `epochs`, stopped after `patience` of them without a better one. `history` are the latest items that
    make a person, `drawn` the items that are drawn beside a touched one, `asked` the questions that judge an epoch, at most.
    """

    seed: int = 1
    epochs: int = 12
    patience: int = 2
    size: int = 32
    hidden: int = 16
    history: int = 20
    drawn: int = 4
    examples_a_step: int = 1024
    rate: float = 5e-3
    asked: int = 3_000


class _Net(nn.Module):
    """The tables and the two layers; `NcfWeights` says what each is."""

    def __init__(self, items: int, settings: NcfSettings) -> None:
        super().__init__()
        size, hidden = settings.size, settings.hidden
        self.touched = nn.EmbeddingBag(items + 1, 2 * size, mode="mean", padding_idx=items, sparse=True)
        self.offered = nn.Embedding(items, 2 * size, sparse=True)
        self.bias = nn.Embedding(items, 1, sparse=True)
        self.product = nn.Parameter(torch.ones(size))
        self.of_person = nn.Linear(size, hidden)
        self.of_item = nn.Linear(size, hidden, bias=False)
        self.out = nn.Linear(hidden, 1, bias=False)
        for table in (self.touched, self.offered):
            nn.init.normal_(table.weight, std=0.1)
        nn.init.zeros_(self.bias.weight)

    def forward(self, histories: Tensor, items: Tensor) -> Tensor:
        """(examples, history) and (examples, offered) numbers of items; (examples, offered) how likely each is touched, as logits."""
        person, item = self.touched(histories), self.offered(items)
        size = len(self.product)
        product = (person[:, None, :size] * item[..., :size]) @ self.product
        hidden = torch.relu(self.of_person(person[:, size:])[:, None] + self.of_item(item[..., size:]))
        said: Tensor = product + self.out(hidden).squeeze(-1) + self.bias(items).squeeze(-1)
        return said

    @torch.no_grad()
    def weights(self) -> NcfWeights:
        tables = (self.touched.weight[:-1], self.offered.weight, self.product, self.of_person.weight, self.of_item.weight)
        layers = (self.of_person.bias, self.out.weight[0], self.bias.weight[:, 0])
        return NcfWeights(*(part.detach().numpy().copy() for part in (*tables, *layers)))


def train_ncf(
    sequences: Sequence[Places], judged_by: Questions, items: int, settings: NcfSettings, report: Callable[[str, int, int], None]
) -> NcfWeights:
    """The weights of the epoch that found most targets of `judged_by`, the first ones where no sequence has two items; tells `report` how
    many epochs are done.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    histories, targets = _examples(sequences, items, settings.history)
    net = _Net(items, settings)
    tables = [net.touched.weight, net.offered.weight, net.bias.weight]
    layers = [net.product, *net.of_person.parameters(), *net.of_item.parameters(), *net.out.parameters()]
    steps = (torch.optim.SparseAdam(tables, lr=settings.rate), torch.optim.Adam(layers, lr=settings.rate))
    asked = judged_by.drawn(settings.asked, settings.seed)
    best, best_found, since = net.weights(), -1, 0
    for epoch in range(settings.epochs if len(targets) else 0):
        report("ncf", epoch, settings.epochs)
        for chosen in np.array_split(rng.permutation(len(targets)), max(1, len(targets) // settings.examples_a_step)):
            _step(net, steps, histories[chosen], _offered(targets[chosen], items, settings.drawn, rng))
        weights = net.weights()
        found = int(np.count_nonzero(ranks(Ncf(weights), asked, settings.seed) <= FAR))
        best, best_found, since = (weights, found, 0) if found > best_found else (best, best_found, since + 1)
        if since == settings.patience:
            break
    return best


def _step(net: _Net, steps: Sequence[torch.optim.Optimizer], histories: Places, offered: Places) -> None:
    said = net(torch.from_numpy(histories), torch.from_numpy(offered))
    truth = torch.zeros_like(said)
    truth[:, 0] = 1
    loss = nn.functional.binary_cross_entropy_with_logits(said, truth)
    for step in steps:
        step.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for step in steps:
        step.step()


def _examples(sequences: Sequence[Places], nothing: int, width: int) -> tuple[Places, Places]:
    """(examples, width) of what came before, `nothing` where there is less, and (examples,) what came."""
    histories, targets = [np.zeros((0, width), dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
    for sequence in sequences:
        if sequence.size < 2:
            continue
        padded = np.concatenate([np.full(width, nothing, dtype=np.int32), sequence[:-1]])
        histories.append(np.lib.stride_tricks.sliding_window_view(padded, width)[1:])
        targets.append(sequence[1:])
    return np.concatenate(histories), np.concatenate(targets)


def _offered(targets: Places, items: int, drawn: int, rng: np.random.Generator) -> Places:
    """(examples, 1 + drawn): the touched item, and others that anybody may have touched, each as likely as the other."""
    return np.concatenate([targets[:, None], rng.integers(0, items, (len(targets), drawn), dtype=np.int32)], axis=1)
