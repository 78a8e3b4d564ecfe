"""The net that tags titles: embeddings and word classes into a bidirectional LSTM, with a CRF head for each set of types.

In: a `Batch` as tensors. Out: emissions (longest, titles, tags) of one head, for the CRF of `crf.py`. The sets share all but
the heads, so that each keeps its own types and its own habits of labelling.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from msgspec import Struct
from torch import Tensor, nn

from smallpool_models.ner.features import SHAPES, Batch
from smallpool_models.ner.tagging import Tagging


class NetworkSettings(Struct, frozen=True):
    """Widths of the embeddings and of the LSTM (each direction), its layers, and the shares dropped in training. `direct`: the heads read
    the features themselves beside what the LSTM made of them. With no layer it is a plain CRF over the same features, against which the net
    is measured.
    """

    character_width: int = 64
    pair_width: int = 48
    shape_width: int = 16
    word_width: int = 64
    hidden: int = 128
    layers: int = 1
    direct: bool = True
    drop: float = 0.4
    drop_words: float = 0.1


class Tensors(NamedTuple):
    """A `Batch` as torch reads it."""

    characters: Tensor
    left: Tensor
    right: Tensor
    shapes: Tensor
    words: Tensor
    lengths: Tensor


def tensors(batch: Batch) -> Tensors:
    """The batch's arrays, shared where they can be."""
    parts = (batch.characters, batch.left, batch.right, batch.shapes, batch.words, batch.lengths)
    return Tensors(*(torch.from_numpy(part) for part in parts))


class Head(nn.Module):
    """Emissions and transitions of one inventory of types. Steps that no tags may take are held at -1e4."""

    def __init__(self, width: int, tagging: Tagging) -> None:
        super().__init__()
        self.emit = nn.Linear(width, tagging.size)
        self.between = nn.Parameter(torch.zeros(tagging.size, tagging.size))
        self.start = nn.Parameter(torch.zeros(tagging.size))
        self.end = nn.Parameter(torch.zeros(tagging.size))
        follows = torch.from_numpy(tagging.follows())
        may_start = torch.zeros(tagging.size, dtype=torch.bool)
        may_start[torch.from_numpy(tagging.openers)] = True
        may_end = torch.arange(tagging.size) < tagging.closed
        self.register_buffer("forbidden", ~follows, persistent=False)
        self.register_buffer("cannot_start", ~may_start, persistent=False)
        self.register_buffer("cannot_end", ~may_end, persistent=False)

    def transitions(self) -> tuple[Tensor, Tensor, Tensor]:
        """Between tags, from the start and to the end."""
        return (
            self.between.masked_fill(self.get_buffer("forbidden"), NEVER),
            self.start.masked_fill(self.get_buffer("cannot_start"), NEVER),
            self.end.masked_fill(self.get_buffer("cannot_end"), NEVER),
        )


NEVER = -1e4


class BothWays(nn.Module):
    """One layer of a bidirectional LSTM over padded titles. The way back reads each title reversed within its own length, so that padding
    is behind both ways; torch's own bidirectional LSTM over packed titles gives the same in three times the time on a CPU.
    """

    def __init__(self, read: int, hidden: int) -> None:
        super().__init__()
        self.there = nn.LSTM(read, hidden)
        self.back = nn.LSTM(read, hidden)

    def forward(self, read: Tensor, reversal: Tensor) -> Tensor:
        """(longest, titles, 2 × hidden); `reversal` (longest, titles) is where each place lies in the reversed title."""
        there, _ = self.there(read)
        back, _ = self.back(_taken(read, reversal))
        return torch.cat([there, _taken(back, reversal)], dim=-1)


def _taken(values: Tensor, places: Tensor) -> Tensor:
    return values.gather(0, places[..., None].expand(values.shape))


class Network(nn.Module):
    """The shared part and its heads, in the order of the sets."""

    def __init__(self, settings: NetworkSettings, characters: int, pairs: int, classes: int, taggings: Sequence[Tagging]) -> None:
        super().__init__()
        self.settings = settings
        self.characters = nn.Embedding(characters + 1, settings.character_width)
        self.pairs = nn.Embedding(pairs + 1, settings.pair_width)
        self.shapes = nn.Embedding(SHAPES, settings.shape_width)
        self.words = nn.Linear(4 * classes, settings.word_width)
        read = settings.character_width + 2 * settings.pair_width + settings.shape_width + settings.word_width
        widths = [read, *[2 * settings.hidden] * settings.layers]
        self.layers = nn.ModuleList(BothWays(width, settings.hidden) for width in widths[:-1])
        self.width = widths[-1]
        self.reads_directly = settings.direct and settings.layers > 0
        self.heads = nn.ModuleList(Head(self.width + read * self.reads_directly, tagging) for tagging in taggings)
        for embedding in (self.characters, self.pairs, self.shapes):
            nn.init.normal_(embedding.weight, std=0.3)
        self.drop = nn.Dropout(settings.drop)

    def head(self, number: int) -> Head:
        """The head of the set of this number."""
        return cast("Head", self.heads[number])

    def transitions(self, head: int) -> tuple[Tensor, Tensor, Tensor]:
        """Those of the head of this number."""
        return self.head(head).transitions()

    def layer(self, number: int) -> BothWays:
        """The layer of this number, the one that reads the features first."""
        return cast("BothWays", self.layers[number])

    def forward(self, batch: Tensors, head: int) -> Tensor:
        """Emissions (longest, titles, tags)."""
        read, hidden = self.encode(batch)
        if self.reads_directly:
            hidden = torch.cat([hidden, read], dim=-1)
        emissions: Tensor = self.head(head).emit(self.drop(hidden))
        return emissions

    def encode(self, batch: Tensors) -> tuple[Tensor, Tensor]:
        """The features as they are read (longest, titles, read), and what the LSTM makes of them (longest, titles, 2 × hidden)."""
        words = batch.words
        if self.training and self.settings.drop_words:
            words = words * (torch.rand(1, words.shape[1], words.shape[2]) >= self.settings.drop_words)
        read = torch.cat(
            [
                self.characters(batch.characters),
                self.pairs(batch.left),
                self.pairs(batch.right),
                self.shapes(batch.shapes),
                torch.relu(self.words(words)),
            ],
            dim=-1,
        )
        steps = torch.arange(read.shape[0])[:, None]
        reversal = torch.where(steps < batch.lengths, batch.lengths - 1 - steps, steps)
        hidden = read
        for layer in self.layers:
            hidden = layer(self.drop(hidden), reversal)
        return read, hidden


class Ensemble(nn.Module):
    """Nets of one form that were trained apart. Their emissions and transitions are averaged: each errs in places of its own."""

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def member(self, number: int) -> Network:
        """The net of this number."""
        return cast("Network", self.members[number])

    def forward(self, batch: Tensors, head: int) -> Tensor:
        """Emissions (longest, titles, tags)."""
        return torch.stack([member(batch, head) for member in self.members]).mean(dim=0)

    def transitions(self, head: int) -> tuple[Tensor, Tensor, Tensor]:
        """Those of the heads of this number."""
        each = [self.member(number).transitions(head) for number in range(len(self.members))]
        between, start, end = (torch.stack(parts).mean(dim=0) for parts in zip(*each, strict=True))
        return between, start, end
