"""Trains the interests of people, and the items' vectors with them.

In: a `Behaviour`, settings, a net of items to start from or none. Out: `TrainedVectors`: the nets with the best weights on the validation
rows, what they read, the figures of each epoch. The weights that are kept are a running mean of those of the steps.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from msgspec import Struct, field
from torch import Tensor, nn

from smallpool_core.errors import Problem, Refused
from smallpool_models.evaluation.asked import questions_of
from smallpool_models.training.mean import RunningMean, pace
from smallpool_models.training.vectors.checkpoints import Checkpoint, Epoch, mark_of
from smallpool_models.training.vectors.interest_loss import Asked, interest_loss
from smallpool_models.training.vectors.item_network import ItemNetwork, ItemNetworkSettings, unit
from smallpool_models.training.vectors.items_read import ItemsRead
from smallpool_models.training.vectors.machines import Machine
from smallpool_models.training.vectors.sampling import Drawn, counts_of
from smallpool_models.training.vectors.spectral import begin_at, spectral_vectors
from smallpool_models.training.vectors.user_network import Touched, UserNetwork, UserNetworkSettings
from smallpool_models.training.vectors.validation import figures_on
from smallpool_models.vectors.behaviour import Behaviour
from smallpool_models.vectors.ragged import Numbers, Ragged, ragged
from smallpool_models.vectors.vocabulary import VectorVocabulary

Report = Callable[[str, int, int], None]


class InterestSettings(Struct, frozen=True):
    """How training goes. There are at most `epochs`, and no more than fit into `minutes` as the first one goes, which is broken off where
    it takes longer by itself; `patience` counts those without a better figure on the validation rows, of which `most_dev` are asked. A row
    is cut into pieces of `longest` items. An item is told apart from `negatives` drawn items and those of the step; from all where there
    are no more. `scale` is what cosines are multiplied by at first. `metric` is λ. `profile_share` of the rows know a profile, for which
    the mean of what was touched stands in. With `spectral` a net of items that knows ids begins at the vectors of co-visits, and the net of
    people so that each item asks for what came after it: that pays on short sessions and costs on long sequences (measured, see
    docs/results/vectors.md).
    """

    seed: int = 1
    epochs: int = 40
    patience: int = 5
    minutes: float = 12.0
    touches_a_step: int = 900
    longest: int = 50
    rate: float = 2e-3
    decay: float = 0.0
    mean_steps: int = 600
    negatives: int = 2048
    scale: float = 15.0
    metric: float = 0.05
    selection: bool = True
    spectral: bool = True
    profile_share: float = 0.3
    most_dev: int = 5000
    items: ItemNetworkSettings = field(default_factory=ItemNetworkSettings)
    users: UserNetworkSettings = field(default_factory=UserNetworkSettings)


class InterestNetwork(nn.Module):
    """Both nets, and what cosines are multiplied by."""

    def __init__(self, items: ItemNetwork, users: UserNetwork, scale: float) -> None:
        super().__init__()
        self.items, self.users = items, users
        self.log_scale = nn.Parameter(torch.tensor(float(np.log(scale))))


class TrainedVectors(Struct, frozen=True):
    """The nets with their best weights and how that came about."""

    network: InterestNetwork
    vocabulary: VectorVocabulary
    epochs: tuple[Epoch, ...]
    best: int
    counts: dict[str, int]


class _Course(Struct, frozen=True):
    """What does not change from step to step."""

    settings: InterestSettings
    rows: Ragged
    items: ItemsRead
    drawn: Drawn
    machine: Machine


def train_interests(
    behaviour: Behaviour,
    vocabulary: VectorVocabulary,
    settings: InterestSettings,
    report: Report,
    start: ItemNetwork | None = None,
    checkpoint: Path | None = None,
) -> TrainedVectors:
    """Trains until the epochs or minutes are over or the validation rows no longer gain. Where `checkpoint` holds a file, it goes on from
    there and ends where it would have ended; it is written after each epoch.
    """
    machine = Machine.here()
    torch.manual_seed(settings.seed)
    report("reading", 0, 1)
    items = ItemsRead(behaviour.items, vocabulary)
    rows = ragged(_pieces(behaviour.train, settings.longest + 1, items.known))
    refuse_unknown(behaviour, len(rows.values))
    course = _Course(settings, rows, items, Drawn(counts_of(rows, len(behaviour.items))), machine)
    network = machine.take(InterestNetwork(start or ItemNetwork(settings.items, vocabulary), UserNetwork(settings.users), settings.scale))
    if settings.spectral and settings.items.ids and start is None:
        begin_at(network.items, items, spectral_vectors(rows, len(behaviour.items), settings.items.width, settings.seed))
        network.users.begin_ahead()
    state = Checkpoint(
        network, RunningMean(network, settings.mean_steps), _optimiser(network, settings), settings.epochs, mark_of(behaviour, settings)
    )
    state.load(checkpoint)
    asked = questions_of(behaviour.dev).drawn(settings.most_dev, settings.seed)
    while state.goes_on(settings.patience):
        started = time.process_time()
        loss = _epoch(course, state, report)
        figures = figures_on(state.mean.network.items, state.mean.network.users, items, asked, settings.seed)
        state.note(Epoch(state.number + 1, loss, figures, machine.agreed(time.process_time() - started)), settings.minutes)
        state.save(checkpoint)
    counts = {"items": len(behaviour.items), "rows": len(rows), "touches": len(rows.values), "dev": len(behaviour.dev)}
    return TrainedVectors(state.best_network(), vocabulary, tuple(state.epochs), state.best, counts)


def refuse_unknown(behaviour: Behaviour, touches: int) -> None:
    """Raises `Refused` where nothing is known of any touched item: none would ever have a vector."""
    if not touches:
        found = "nothing is known of any item that was touched"
        raise Refused([Problem(behaviour.name, found, "say what items are (--attributes, --items), or let ids count: --ids on")])


def _pieces(rows: Ragged, most: int, known: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Iterator[Numbers]:
    """Rows without their breaks and without what has no vector, as they are served; long ones in pieces of at most so many items, of which
    each begins with the last item of the one before.
    """
    for row in rows:
        numbers = row[known[row]].astype(np.int64)
        for start in range(0, max(len(numbers) - 1, 1), most - 1):
            yield numbers[start : start + most]


def _optimiser(network: nn.Module, settings: InterestSettings) -> torch.optim.Optimizer:
    return torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay, fused=True)


def _epoch(course: _Course, state: Checkpoint[InterestNetwork], report: Report) -> float:
    """One pass over the rows; the mean loss. What is drawn follows from the seed and the number of the epoch alone."""
    settings, machine = course.settings, course.machine
    rng = np.random.default_rng([settings.seed, state.number])
    begun = time.process_time()
    torch.manual_seed(settings.seed + 7919 * (state.number + 1))
    state.network.train()
    steps = machine.own(_order(course.rows, settings.touches_a_step, rng))
    losses = []
    for done, rows in enumerate(steps):
        state.optimiser.param_groups[0]["lr"] = settings.rate * pace((state.number * len(steps) + done) / (state.planned * len(steps)))
        with machine.arithmetic():
            loss = _loss(course, state.network, course.rows.padded(rows, settings.longest + 1, last=True), rng)
        machine.step(loss, state.network, state.optimiser)
        state.mean.take(state.network)
        losses.append(loss.item())
        report(f"epoch {state.number + 1}", state.number * len(steps) + done + 1, state.planned * len(steps))
        if machine.is_over(begun, settings.minutes):
            break
    return float(np.mean(losses)) if losses else 0.0


def _order(rows: Ragged, size: int, rng: np.random.Generator) -> list[Numbers]:
    """Rows that have a next item, in steps of about `size` touches, in each of similar length; in random order."""
    usable = np.flatnonzero(rows.lengths > 1)
    if not usable.size:
        return []
    keyed = usable[np.argsort(rows.lengths[usable] + 2 * rng.random(len(usable)), kind="stable")]
    step_of = np.cumsum(rows.lengths[keyed]) // size
    steps = np.split(keyed, np.flatnonzero(np.diff(step_of)) + 1)
    return [steps[place] for place in rng.permutation(len(steps))]


def _loss(course: _Course, network: InterestNetwork, rows: Numbers, rng: np.random.Generator) -> Tensor:
    """Of one step; `rows` is (rows, places + 1) of item numbers, 0 behind each."""
    settings, device = course.settings, course.machine.device
    rows = rows[:, : int((rows > 0).sum(axis=1).max())]
    history, following = rows[:, :-1], rows[:, 1:]
    asked = (following > 0) & ~_is_again(history, following)
    if not asked.any():
        return network.log_scale * 0
    candidates, correction = _candidates(course, following[asked], rng)
    needed, places = np.unique(np.concatenate([candidates, rows.ravel()]), return_inverse=True)
    vectors = network.items(*(one.to(device) for one in course.items.of(needed)))
    where = torch.from_numpy(places[len(candidates) :].reshape(rows.shape)).to(device)
    touched = vectors[where[:, :-1]]
    there = torch.from_numpy(history > 0).to(device)
    interests = network.users(Touched(touched, there, _profile(touched, there, settings.profile_share)))
    target = torch.from_numpy(np.searchsorted(candidates, following[asked])).to(device)
    mask = torch.from_numpy(asked).to(device)
    step = Asked(
        interests[mask],
        vectors[torch.from_numpy(places[: len(candidates)]).to(device)],
        target,
        torch.from_numpy(correction).to(device),
        torch.from_numpy(_own_way(history, asked, candidates)).to(device),
    )
    return interest_loss(step, network.log_scale.exp().clamp(max=100), selection=settings.selection, metric=settings.metric)


def _candidates(
    course: _Course, targets: Numbers, rng: np.random.Generator
) -> tuple[Numbers, "np.ndarray[tuple[int], np.dtype[np.float32]]"]:
    """The numbers, in order, and logQ of each."""
    negatives = course.settings.negatives
    everything = np.flatnonzero(course.drawn.shares > 0)
    if len(everything) <= negatives:
        return everything, np.zeros(len(everything), dtype=np.float32)
    candidates = np.unique(np.concatenate([targets, course.drawn.draw(negatives, rng)]))
    return candidates, course.drawn.expected(candidates, negatives, len(targets))


def _is_again(history: Numbers, following: Numbers) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """(rows, places) whether what comes next was touched before: it is not shown again, so nothing is asked there."""
    upto = np.tri(history.shape[1], dtype=np.bool_)
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = ((following[:, :, None] == history[:, None, :]) & upto).any(axis=2)
    return found


def _own_way(history: Numbers, asked: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]", candidates: Numbers) -> Numbers:
    """(2, hits): for each place that is asked about, the candidates that were touched up to there."""
    place_of = np.where(asked, np.cumsum(asked).reshape(asked.shape) - 1, -1)
    found = np.searchsorted(candidates, history)
    is_candidate = (history > 0) & (candidates[np.minimum(found, len(candidates) - 1)] == history)
    row, earlier, later = np.nonzero(
        is_candidate[:, :, None] & asked[:, None, :] & np.triu(np.ones((history.shape[1],) * 2, dtype=np.bool_))
    )
    return np.stack([place_of[row, later], found[row, earlier]])


def _profile(touched: Tensor, there: Tensor, share: float) -> Tensor:
    """(rows, places, d): what stands in for a profile, which no data here have: of some rows the mean of what was touched up to a place."""
    sums = (touched * there.unsqueeze(2)).detach().cumsum(dim=1)
    known = torch.rand(len(touched), 1, 1, device=touched.device) < share
    return unit(sums) * known
