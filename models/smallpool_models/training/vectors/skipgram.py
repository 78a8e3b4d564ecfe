"""Trains the vectors of items alone: skip-gram over shopping paths (seed section 03).

In: a `Behaviour`, settings. Out: `TrainedVectors` whose interests are one, the mean of what was touched, of which each step back counts
less. Of two items beside each other one is to be told, by the other, from items drawn by f^0.75, those of the step, both corrected by logQ,
and some of its own category: these are what is hard to tell apart.
"""

import time
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct, field
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from smallpool_core.encoder_ports import Parts
from smallpool_models.evaluation.asked import questions_of
from smallpool_models.training.mean import RunningMean, pace
from smallpool_models.training.vectors.checkpoints import Checkpoint, Epoch, mark_of
from smallpool_models.training.vectors.interests import InterestNetwork, Report, TrainedVectors, refuse_unknown
from smallpool_models.training.vectors.item_network import ItemNetwork, ItemNetworkSettings
from smallpool_models.training.vectors.items_read import ItemsRead
from smallpool_models.training.vectors.machines import Machine
from smallpool_models.training.vectors.pairs import NONE, PairSettings, pairs_of
from smallpool_models.training.vectors.sampling import Drawn, counts_of, dropping
from smallpool_models.training.vectors.user_network import UserNetwork, UserNetworkSettings
from smallpool_models.training.vectors.validation import figures_on
from smallpool_models.vectors.behaviour import Behaviour
from smallpool_models.vectors.ragged import Numbers
from smallpool_models.vectors.vocabulary import VectorVocabulary


class SkipGramSettings(Struct, frozen=True):
    """As in `InterestSettings`; `near_negatives` of a pair's own category are drawn beside the `negatives` of a step."""

    seed: int = 1
    epochs: int = 10
    patience: int = 3
    minutes: float = 8.0
    pairs_a_step: int = 1024
    rate: float = 3e-3
    mean_steps: int = 600
    negatives: int = 2048
    near_negatives: int = 4
    scale: float = 12.0
    most_dev: int = 5000
    pairs: PairSettings = field(default_factory=PairSettings)
    items: ItemNetworkSettings = field(default_factory=ItemNetworkSettings)


class _Course(Struct, frozen=True):
    """What does not change from step to step; `members` are the items by category, those of category c from `begins[c]` on."""

    settings: SkipGramSettings
    items: ItemsRead
    drawn: Drawn
    machine: Machine
    categories: Numbers
    members: Numbers
    begins: Numbers


def train_items(
    behaviour: Behaviour, vocabulary: VectorVocabulary, settings: SkipGramSettings, report: Report, checkpoint: Path | None = None
) -> TrainedVectors:
    """Trains until the epochs or minutes are over or the validation rows no longer gain; goes on from a checkpoint as `train_interests`."""
    machine = Machine.here()
    torch.manual_seed(settings.seed)
    report("reading", 0, 1)
    items = ItemsRead(behaviour.items, vocabulary)
    counts = counts_of(behaviour.train, len(behaviour.items)) * items.known
    refuse_unknown(behaviour, int(counts.sum()))
    categories = _categories(behaviour.items)
    order = np.argsort(categories, kind="stable")
    begins = np.searchsorted(categories[order], np.arange(max(int(categories.max()), 0) + 2))
    course = _Course(settings, items, Drawn(counts), machine, categories, order, begins)
    network = machine.take(InterestNetwork(ItemNetwork(settings.items, vocabulary), _plain(settings.items.width), settings.scale))
    optimiser = torch.optim.AdamW([*network.items.parameters(), network.log_scale], lr=settings.rate, weight_decay=0.0, fused=True)
    state = Checkpoint(network, RunningMean(network, settings.mean_steps), optimiser, settings.epochs, mark_of(behaviour, settings))
    state.load(checkpoint)
    asked = questions_of(behaviour.dev).drawn(settings.most_dev, settings.seed)
    chances = np.where(items.known, dropping(counts, settings.pairs.relative), 1.0)  # what has no vector is left out
    while state.goes_on(settings.patience):
        started = time.process_time()
        rng = np.random.default_rng([settings.seed, state.number])
        loss = _epoch(course, state, pairs_of(behaviour.train, categories, chances, settings.pairs, rng), rng, report)
        figures = figures_on(state.mean.network.items, state.mean.network.users, items, asked, settings.seed)
        state.note(Epoch(state.number + 1, loss, figures, machine.agreed(time.process_time() - started)), settings.minutes)
        state.save(checkpoint)
    told = {"items": len(behaviour.items), "rows": len(behaviour.train), "touches": int(counts.sum()), "dev": len(behaviour.dev)}
    return TrainedVectors(state.best_network(), vocabulary, tuple(state.epochs), state.best, told)


@torch.no_grad()
def _plain(width: int) -> UserNetwork:
    """One interest, the mean of what was touched, each step back counting .8 of the one before."""
    users = UserNetwork(UserNetworkSettings(width=width, interests=1, blocks=0, fusion=False))
    for layer in (users.asks, users.own):
        layer.weight.zero_()
        layer.bias.zero_()
    return users


def _epoch(course: _Course, state: Checkpoint[InterestNetwork], pairs: Numbers, rng: np.random.Generator, report: Report) -> float:
    settings, machine = course.settings, course.machine
    begun = time.process_time()
    torch.manual_seed(settings.seed + 7919 * (state.number + 1))
    state.network.train()
    steps = machine.own([pairs[start : start + settings.pairs_a_step] for start in range(0, len(pairs), settings.pairs_a_step)])
    losses = []
    for done, some in enumerate(steps):
        state.optimiser.param_groups[0]["lr"] = settings.rate * pace((state.number * len(steps) + done) / (state.planned * len(steps)))
        with machine.arithmetic():
            loss = _loss(course, state.network, some, rng)
        machine.step(loss, state.network, state.optimiser)
        state.mean.take(state.network)
        losses.append(loss.item())
        report(f"epoch {state.number + 1}", state.number * len(steps) + done + 1, state.planned * len(steps))
        if machine.is_over(begun, settings.minutes):
            break
    return float(np.mean(losses)) if losses else 0.0


def _loss(course: _Course, network: InterestNetwork, pairs: Numbers, rng: np.random.Generator) -> Tensor:
    settings, device = course.settings, course.machine.device
    candidates = np.unique(np.concatenate([pairs[:, 1], course.drawn.draw(settings.negatives, rng)]))
    correction = course.drawn.expected(candidates, settings.negatives, len(pairs))
    near, near_correction = _near(course, pairs, rng)
    needed, places = np.unique(np.concatenate([candidates, pairs[:, 0], near.ravel()]), return_inverse=True)
    vectors = network.items(*(one.to(device) for one in course.items.of(needed)))
    where = torch.from_numpy(places).to(device)
    told, asking = where[: len(candidates)], where[len(candidates) : len(candidates) + len(pairs)]
    hard = where[len(candidates) + len(pairs) :]
    scale = network.log_scale.exp().clamp(max=100)
    asks = vectors[asking]
    logits = scale * (asks @ vectors[told].T) - torch.from_numpy(correction).to(device)
    itself = torch.from_numpy(candidates[None, :] == pairs[:, :1]).to(device)
    logits = logits.masked_fill(itself, -1e4)
    close = scale * (vectors[hard].reshape(*near.shape, -1) @ asks.unsqueeze(2)).squeeze(2) - torch.from_numpy(near_correction).to(device)
    close = close.masked_fill(torch.from_numpy((near == pairs[:, :1]) | (near == pairs[:, 1:])).to(device), -1e4)
    targets = torch.from_numpy(np.searchsorted(candidates, pairs[:, 1])).to(device)
    return functional.cross_entropy(torch.cat([logits, close], dim=1), targets)


def _near(course: _Course, pairs: Numbers, rng: np.random.Generator) -> tuple[Numbers, NDArray[np.float32]]:
    """(pairs, near negatives) items of the category of what is to be told, and logQ of each; the item itself where it has no category."""
    count = course.settings.near_negatives
    category = course.categories[pairs[:, 1]]
    has_one = category != NONE
    begins = course.begins[np.maximum(category, 0)]
    sizes = np.maximum(course.begins[np.maximum(category, 0) + 1] - begins, 1)
    places = begins[:, None] + (rng.random((len(pairs), count)) * sizes[:, None]).astype(np.int64)
    drawn = course.members[np.minimum(places, len(course.members) - 1)]
    near = np.where(has_one[:, None], drawn, pairs[:, 1:])
    return near, np.repeat(np.log(np.minimum(count / sizes, 1))[:, None], count, axis=1).astype(np.float32)


def _categories(items: tuple[Parts, ...]) -> Numbers:
    """(items + 1,) a number for each category, `NONE` without one; number 0 is no item."""
    numbers: dict[str, int] = {}
    told = [numbers.setdefault(one.category, len(numbers)) if one.category else NONE for one in items]
    return np.array([NONE, *told], dtype=np.int64)
