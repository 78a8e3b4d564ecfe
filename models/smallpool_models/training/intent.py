"""Trains the net of keyword intent, in up to three lessons: parts of any titles find those titles, parts of the domain's own find those,
and tags (or searches, or what else is meant to find an item) find the titles that hold them, with what they match to the letter given.

In: titles with tags, further titles. Out: `TrainedIntent`. The first lesson is the transfer across domains. Each lesson is a softmax over
the titles of a step; of a tag with several titles there, all are right (Khosla et al., 2020), and the other way round. Titles are read by
the same net, or stand where a model of items has put them.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from msgspec import Struct, field
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from smallpool_core.errors import Problem, TitlesRefused
from smallpool_models.intent.matching import Matcher
from smallpool_models.intent.parts import part_of
from smallpool_models.intent.reading import PieceReader, PieceVocabulary, learnt_pieces
from smallpool_models.labels.rows import LabelledTitle
from smallpool_models.training.intent_network import IntentNetwork, IntentNetworkSettings
from smallpool_models.training.mean import pace

Report = Callable[[str, int, int], None]
FEWEST_TITLES = 2


class IntentSettings(Struct, frozen=True):
    """How training goes: steps of each lesson, titles a step, the learning rate and the temperature of the first two lessons and of the
    last, how much faster it is learnt how much a piece counts, the share of pieces left out, what titles that find their tags and parts
    of titles count beside the last lesson, and which pieces are read (measured, see docs/results/intent.md).
    """

    seed: int = 1
    transfer_steps: int = 80
    domain_steps: int = 40
    tag_steps: int = 60
    titles_a_step: int = 384
    most_tags: int = 512
    rate: float = 1e-2
    tag_rate: float = 1e-2
    gain_rate: float = 4.0
    temperature: float = 0.05
    tag_temperature: float = 0.3
    drop: float = 0.3
    titles_find_tags: float = 0.5
    parts_beside: float = 0.0
    fewest: int = 2
    most_pieces: int = 120_000
    network: IntentNetworkSettings = field(default_factory=IntentNetworkSettings)

    @classmethod
    def within(cls, dimensions: int) -> "IntentSettings":
        """For a marketplace, in the space of its items if they have one, small enough to ship: nothing but what is learnt."""
        return cls(
            transfer_steps=0,
            domain_steps=80,
            tag_steps=300,
            titles_a_step=256,
            tag_rate=1e-2,
            tag_temperature=0.05,
            fewest=3,
            most_pieces=12_000,
            network=IntentNetworkSettings(sketch=0, width=dimensions),
        )


class Shelf(Struct, frozen=True):
    """Titles; where a model of items has put them, `vectors` (titles, d) float32 of unit length, and the net learns to point there."""

    titles: tuple[str, ...]
    vectors: NDArray[np.float32] | None = None


class Lesson(Struct, frozen=True):
    """The figures of one lesson: its mean loss over the last steps, of how many."""

    name: str
    steps: int
    loss: float
    seconds: float


class TrainedIntent(Struct, frozen=True):
    """A net and how it came about."""

    network: IntentNetwork
    vocabulary: PieceVocabulary
    lessons: tuple[Lesson, ...]
    counts: dict[str, int]


class _Teacher:
    """Takes steps of one net; the rate falls over each lesson."""

    def __init__(
        self, network: IntentNetwork, reader: PieceReader, matcher: Matcher | None, settings: IntentSettings, report: Report
    ) -> None:
        self.network, self.reader, self.matcher, self.settings, self._report = network, reader, matcher, settings, report
        self.rng = random.Random(settings.seed)  # noqa: S311  seeded
        self.lessons: list[Lesson] = []

    def teach(self, name: str, losses: Iterator[Tensor], steps: int, rate: float) -> None:
        """Follows the losses for so many steps."""
        if not steps:
            return
        times = (self.settings.gain_rate, 1.0)
        dense = torch.optim.Adam([self.network.gains])
        sparse = torch.optim.SparseAdam([self.network.table.weight])
        self.network.train()
        begun, seen = time.perf_counter(), []
        for done in range(steps):
            loss = next(losses)
            for optimiser, faster in zip((dense, sparse), times, strict=True):
                optimiser.param_groups[0]["lr"] = rate * faster * pace(done / steps)
                optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            dense.step()
            sparse.step()  # type: ignore[no-untyped-call]
            seen.append(loss.item())
            self._report(name, done + 1, steps)
        last = seen[-max(1, steps // 5) :]
        self.lessons.append(Lesson(name, steps, round(sum(last) / len(last), 4), round(time.perf_counter() - begun, 1)))

    def parts(self, shelf: Shelf) -> Iterator[Tensor]:
        """Parts of titles find their titles, or, where exact matches need not be learnt, what is left of these without the part; two titles
        alike to the letter count as wrong for each other, which is rare.
        """
        while True:
            rows = self._rows(len(shelf.titles))
            texts, left = zip(*(part_of(shelf.titles[row], self.rng) for row in rows), strict=True)
            held = [shelf.titles[row] for row in rows] if self.matcher is None else left
            titles = self._placed(shelf, rows, held)
            scores = self.network(self.reader.read(texts)) @ titles.T / self.settings.temperature
            right = torch.arange(len(rows))
            yield functional.cross_entropy(scores, right) + self.settings.titles_find_tags * functional.cross_entropy(scores.T, right)

    def tags(self, shelf: Shelf, tagged: Sequence[LabelledTitle]) -> Iterator[Tensor]:
        """Tags find the titles that hold them."""
        beside = self.parts(shelf)
        while True:
            rows = self._rows(len(tagged))
            held = sorted({tag for row in rows for tag in tagged[row].labels})
            tags = sorted(self.rng.sample(held, min(len(held), self.settings.most_tags)))
            numbers = {tag: number for number, tag in enumerate(tags)}
            right = torch.zeros(len(tags), len(rows))
            for column, row in enumerate(rows):
                right[[numbers[tag] for tag in tagged[row].labels if tag in numbers], column] = 1
            held_by = [shelf.titles[row] for row in rows]
            titles = self._placed(shelf, rows, held_by)
            scores = self.network(self.reader.read(tags), self.settings.drop) @ titles.T
            if self.matcher is not None:
                matched = self.matcher.asked(tags) @ self.matcher.titled(held_by).T
                scores = scores + torch.from_numpy(matched) / self.settings.network.share**2
            scores = scores / self.settings.tag_temperature
            loss = _of_several(scores, right) + self.settings.titles_find_tags * _of_several(scores.T, right.T)
            yield loss + self.settings.parts_beside * next(beside) if self.settings.parts_beside else loss

    def _placed(self, shelf: Shelf, rows: NDArray[np.int64], titles: Sequence[str]) -> Tensor:
        """Where titles of a shelf stand, (titles, d) of unit length; `titles` are what the net reads of them."""
        if shelf.vectors is not None:
            return torch.from_numpy(shelf.vectors[rows])
        placed: Tensor = self.network(self.reader.read(titles), self.settings.drop)
        return placed

    def _rows(self, titles: int) -> NDArray[np.int64]:
        return np.array(self.rng.sample(range(titles), min(titles, self.settings.titles_a_step)), dtype=np.int64)


def _of_several(scores: Tensor, right: Tensor) -> Tensor:
    """The mean over rows with a right column of the mean of `-log softmax` over these."""
    counts = right.sum(dim=1)
    losses = -(functional.log_softmax(scores, dim=1) * right).sum(dim=1) / counts.clamp(min=1)
    return losses[counts > 0].mean()


def train_intent(
    tagged: Sequence[LabelledTitle], placed: NDArray[np.float32] | None, others: Shelf, settings: IntentSettings, report: Report
) -> TrainedIntent:
    """The net after all lessons. `placed` are the vectors of the tagged titles where a model of items gives them, `others` the titles of
    the first lesson, which is left out where there are none. Raises `TitlesRefused` where there is too little to tell titles apart.
    """
    own = Shelf(tuple(title.text for title in tagged), placed)
    if len(own.titles) < FEWEST_TITLES or not any(title.labels for title in tagged):
        raise TitlesRefused([Problem("--data", f"{len(own.titles)} titles to learn from", "two titles with tags are the least")])
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    tags = sorted({tag for title in tagged for tag in title.labels})
    # without a sketch a piece that is unknown says nothing: that of a search which found several items is to be known
    meant = tags if settings.network.sketch else [tag for title in tagged for tag in title.labels]
    vocabulary = learnt_pieces(own.titles, [*meant, *others.titles], settings.fewest, settings.most_pieces)
    reader = PieceReader(vocabulary)
    matcher = Matcher(vocabulary, settings.network.sketch) if settings.network.sketch else None
    teacher = _Teacher(IntentNetwork(settings.network, len(vocabulary.pieces)), reader, matcher, settings, report)
    if others.titles and settings.transfer_steps:
        teacher.teach("transfer", teacher.parts(others), settings.transfer_steps, settings.rate)
    teacher.teach("domain", teacher.parts(own), settings.domain_steps, settings.rate)
    teacher.teach("tags", teacher.tags(own, tagged), settings.tag_steps, settings.tag_rate)
    teacher.network.round_off()
    counts = {"titles": len(own.titles), "tags": len(tags), "other_titles": len(others.titles), "pieces": len(vocabulary.pieces)}
    return TrainedIntent(teacher.network.eval(), vocabulary, tuple(teacher.lessons), counts)


@torch.no_grad()
def vectors_of(trained: TrainedIntent, texts: Sequence[str]) -> NDArray[np.float32]:
    """What texts ask for, (texts, d) of unit length, by torch: what the exported graph has to give too."""
    network = trained.network.eval()
    size = network.settings.sketch
    matched = Matcher(trained.vocabulary, size).asked(texts) if size else np.zeros((len(texts), 0), dtype=np.float32)
    vectors: NDArray[np.float32] = network.joined(torch.from_numpy(matched), network(PieceReader(trained.vocabulary).read(texts))).numpy()
    return vectors
