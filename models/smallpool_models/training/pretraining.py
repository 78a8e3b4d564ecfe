"""Lets the net read titles that nobody labelled before it is trained: it guesses characters that are hidden from it.

In: a net, the features of titles. Out: the mean loss; the net's embeddings and LSTM know more of how titles run, its heads are as before.
The cloze of BERT (Devlin et al., 2019, section 3.1) with a bidirectional LSTM: all by which a hidden character would be seen is hidden too.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from smallpool_models.ner.features import UNKNOWN, Batch, Features
from smallpool_models.training.network import Network, tensors

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and of how much."""
_TIMED = 16
"""Steps by whose time it is decided how many there will be."""


class PretrainingSettings(Struct, frozen=True):
    """How often the titles are read, in steps of how many, and which share of their characters is hidden each time."""

    epochs: int = 3
    titles_a_step: int = 64
    rate: float = 3e-3
    hidden_share: float = 0.15


def pretrain(
    network: Network, features: Features, classes: int, settings: PretrainingSettings, seed: int, report: Report, seconds: float = np.inf
) -> float:
    """Trains all but the heads, in no more steps than fit into `seconds` of computing as the first ones go; the mean loss a hidden
    character in the last epoch, in nats.
    """
    started = time.process_time()
    rng = np.random.default_rng(seed)
    guess = nn.Linear(network.width, network.characters.num_embeddings)
    parameters = [*(weights for name, weights in network.named_parameters() if not name.startswith("heads.")), *guess.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.rate, weight_decay=0.01, fused=True)
    steps = -(-len(features.lengths) // settings.titles_a_step)
    losses: list[float] = []
    order: list[NDArray[np.int64]] = []
    network.train()
    done, planned = 0, steps * settings.epochs
    while done < planned and time.process_time() - started < seconds:
        if not order:
            order, losses = _order(features, settings.titles_a_step, rng), []
        batch = features.batch(order.pop(), classes)
        hidden = _hidden(batch, settings.hidden_share, rng)
        _, seen = network.encode(tensors(_without(batch, hidden)))
        loss = cross_entropy(guess(network.drop(seen[torch.from_numpy(hidden)])), torch.from_numpy(batch.characters[hidden]))
        optimiser.param_groups[0]["lr"] = settings.rate * (1 - 0.95 * done / planned)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        losses.append(loss.item())
        done += 1
        if done == _TIMED:
            planned = int(min(planned, seconds * _TIMED / (time.process_time() - started)))
        report("reading unlabelled titles", done, planned)
    return sum(losses) / max(len(losses), 1)


def _order(features: Features, size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """All titles in steps of similar length, in random order."""
    keyed = (features.lengths + 8 * rng.random(len(features.lengths))).argsort()
    steps = [keyed[start : start + size] for start in range(0, len(keyed), size)]
    return [steps[number] for number in rng.permutation(len(steps))]


def _hidden(batch: Batch, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(longest, titles): which known characters are hidden; at least one, so that every step has something to guess."""
    inside = (np.arange(len(batch.characters))[:, None] < batch.lengths) & (batch.characters != UNKNOWN)
    hidden: NDArray[np.bool_] = inside & (rng.random(inside.shape) < share)
    return hidden if hidden.any() else inside


def _without(batch: Batch, hidden: NDArray[np.bool_]) -> Batch:
    """The batch without these characters, the pairs that they are part of, and the words that are found there."""
    before, behind = np.zeros_like(hidden), np.zeros_like(hidden)
    before[1:], behind[:-1] = hidden[:-1], hidden[1:]
    return Batch(
        np.where(hidden, UNKNOWN, batch.characters),
        np.where(hidden | before, UNKNOWN, batch.left),
        np.where(hidden | behind, UNKNOWN, batch.right),
        batch.shapes,
        np.where(hidden[..., None], np.float32(0), batch.words),
        batch.lengths,
    )
