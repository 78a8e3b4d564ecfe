"""Trains the tagger on one or several sets of labelled titles together.

In: sets, the words that are known by class, and settings. Out: `Trained`: nets with the best weights on a held-out part of the sets, the
vocabulary, and the figures of each epoch. The weights that are kept are a running mean of those of the steps, which on sets of some
thousand titles is worth more than any single step's.
"""

import copy
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from msgspec import Struct, field
from numpy.typing import NDArray
from torch import nn

from smallpool_models.ner.features import Batch, Features, Reader, Vocabulary, fold, pairs_in
from smallpool_models.ner.lexicons import Lexicons, build_lexicons
from smallpool_models.ner.scores import Score, score
from smallpool_models.ner.tagging import Tagging
from smallpool_models.ner.titles import Labelled, TitleSet, parted
from smallpool_models.ner.viterbi import Decoder, Transitions
from smallpool_models.training.crf import negative_log_likelihood
from smallpool_models.training.mean import RunningMean, pace
from smallpool_models.training.network import Ensemble, Network, NetworkSettings, Tensors, tensors
from smallpool_models.training.pretraining import PretrainingSettings, Report, pretrain
from smallpool_models.understanding.segment import Segmenter

DEV_SHARE = 0.1


class NerSettings(Struct, frozen=True):
    """How training goes. There are at most `epochs`, and no more than fit into `minutes` of computing as the first one goes; `patience`
    counts those without a better mean F1 on the dev part. Reading unlabelled titles takes `reading_share` of the minutes at most. `members`
    nets are trained, of this seed and those after it, each in its share of the minutes that are left.
    """

    seed: int = 1
    epochs: int = 10
    patience: int = 3
    minutes: float = 12.0
    reading_share: float = 0.5
    titles_a_step: int = 32
    rate: float = 3e-3
    decay: float = 0.01
    mean_steps: int = 300
    unknown_share: float = 0.3
    fewest_pairs: int = 3
    members: int = 2
    network: NetworkSettings = field(default_factory=NetworkSettings)
    pretraining: PretrainingSettings = field(default_factory=PretrainingSettings)

    @classmethod
    def small(cls) -> "NerSettings":
        """For a model that ships and runs on every listing: one net, half as wide, that trusts the words that it knows beforehand less."""
        narrow = NetworkSettings(character_width=48, pair_width=32, word_width=32, hidden=64, drop=0.3, drop_words=0.4)
        return cls(epochs=4, fewest_pairs=5, members=1, network=narrow)


class Epoch(Struct, frozen=True):
    """One pass over the titles: the mean loss a character, and the score on each set's dev part by its name."""

    number: int
    loss: float
    dev: dict[str, Score]
    seconds: float

    @property
    def mean_f1(self) -> float:
        """Over the sets, each counting alike."""
        return sum(one.f1 for one in self.dev.values()) / len(self.dev)


class Run(Struct, frozen=True):
    """How the training of one net went, and the number of the epoch, from 0 on, whose weights were kept."""

    epochs: tuple[Epoch, ...]
    best: int


class Trained(Struct, frozen=True):
    """Nets with their best weights, what they read, the heads' taggings by set, and how it came about. `dev`: of all nets together."""

    network: Ensemble
    vocabulary: Vocabulary
    heads: dict[str, Tagging]
    runs: tuple[Run, ...]
    dev: dict[str, Score]
    counts: dict[str, dict[str, int]]
    seconds: float


class _Part(Struct, frozen=True):
    """One set as it is trained on."""

    name: str
    tagging: Tagging
    features: Features
    tags: list[NDArray[np.int64]]
    dev: Features
    dev_titles: list[Labelled]


class _Course(Struct, frozen=True):
    """What every net is trained by: the parts, which characters are rare, and how many classes of words there are."""

    settings: NerSettings
    parts: list[_Part]
    rare: NDArray[np.bool_]
    classes: int


def train_ner(
    sets: Sequence[TitleSet],
    known: Mapping[str, Iterable[str]],
    segmenter: Segmenter,
    settings: NerSettings,
    report: Report,
    unlabelled: Sequence[str] = (),
) -> Trained:
    """Reads the unlabelled titles where there are any, then trains the nets, one after the other."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    started = time.process_time()
    report("reading", 0, 1)
    split = {one.name: parted(one.titles, DEV_SHARE, "dev") for one in sets}
    learnt = [TitleSet(one.name, tuple(split[one.name][0]), one.types, {}, one.sha256) for one in sets]
    lexicons = build_lexicons(known, learnt)
    vocabulary = _vocabulary(learnt, unlabelled, lexicons, settings.fewest_pairs)
    reader = Reader(vocabulary, segmenter)
    course = _Course(
        settings,
        [_part(one, split[one.name], reader, lexicons) for one in sets],
        _rare(learnt, unlabelled, vocabulary),
        len(vocabulary.classes),
    )
    network = _fresh(course, vocabulary)
    if unlabelled:
        seconds = settings.minutes * 60 * settings.reading_share
        pretrain(network, reader.read(unlabelled), course.classes, settings.pretraining, settings.seed, report, seconds)
    read = {name: weights.clone() for name, weights in network.state_dict().items() if not name.startswith("heads.")}
    left = settings.minutes * 60 - (time.process_time() - started)
    members, runs = [], []
    for member in range(settings.members):
        if member:
            torch.manual_seed(settings.seed + member)
            network = _fresh(course, vocabulary)
            network.load_state_dict(read if unlabelled else {}, strict=False)
        kept, run = _run(course, network, settings.seed + member, left / settings.members, report)
        members.append(kept)
        runs.append(run)
    ensemble = Ensemble(members).eval()
    dev = {part.name: _score(ensemble, part, place, course.classes) for place, part in enumerate(course.parts)}
    counts = {part.name: {"train": len(part.tags), "dev": len(part.dev_titles)} for part in course.parts}
    heads = {part.name: part.tagging for part in course.parts}
    return Trained(ensemble, vocabulary, heads, tuple(runs), dev, counts, time.process_time() - started)


def _fresh(course: _Course, vocabulary: Vocabulary) -> Network:
    sizes = len(vocabulary.characters), len(vocabulary.pairs), course.classes
    return Network(course.settings.network, *sizes, [part.tagging for part in course.parts])


def _run(course: _Course, network: Network, seed: int, seconds: float, report: Report) -> tuple[Network, Run]:
    """Trains one net until its epochs or seconds are over or the dev part no longer gains; the best weights."""
    settings, parts, classes = course.settings, course.parts, course.classes
    rng = random.Random(seed)  # noqa: S311  seeded: the same training every time
    started = time.process_time()
    mean = RunningMean(network, settings.mean_steps)
    steps = sum(-(-len(part.tags) // settings.titles_a_step) for part in parts)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay, fused=True)
    epochs: list[Epoch] = []
    planned = settings.epochs
    best, best_network = 0, mean.network
    for number in range(settings.epochs):
        network.train()
        losses = []
        for done, (part_number, titles) in enumerate(_order(parts, settings.titles_a_step, rng)):
            part = parts[part_number]
            batch = part.features.batch(titles, classes)
            loss = _loss(network, _hidden(batch, course.rare, settings.unknown_share), part, part_number, titles)
            optimiser.param_groups[0]["lr"] = settings.rate * pace((number * steps + done) / (planned * steps))
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            mean.take(network)
            losses.append(loss.item())
            report(f"net {seed}, epoch {number + 1}", number * steps + done + 1, planned * steps)
        dev = {part.name: _score(mean.network, part, place, classes) for place, part in enumerate(parts)}
        epochs.append(Epoch(number + 1, sum(losses) / len(losses), dev, time.process_time() - started))
        if epochs[-1].mean_f1 > epochs[best].mean_f1 or number == 0:
            best, best_network = number, copy.deepcopy(mean.network)
        if number == 0:
            planned = min(planned, max(1, int(seconds / epochs[0].seconds)))
        if number + 1 >= planned or number - best >= settings.patience:
            break
    return best_network.eval(), Run(tuple(epochs), best)


def _vocabulary(sets: Sequence[TitleSet], unlabelled: Sequence[str], lexicons: Lexicons, fewest_pairs: int) -> Vocabulary:
    characters: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in _texts(sets, unlabelled):
        folded = fold(text)
        characters.update(folded)
        pairs.update(pairs_in(folded))
    known = "".join(sorted(character for character, count in characters.items() if count > 1 and character != "\n"))
    often = tuple(sorted(pair for pair, count in pairs.items() if count >= fewest_pairs))
    return Vocabulary(known, often, lexicons.classes, lexicons.words)


def _part(one: TitleSet, split: tuple[list[Labelled], list[Labelled]], reader: Reader, lexicons: Lexicons) -> _Part:
    kept, dev = split
    tagging = Tagging(one.types)
    without = [lexicons.once.get(title.text, {}) for title in kept]
    return _Part(
        one.name,
        tagging,
        reader.read([title.text for title in kept], without),
        [tagging.encode(len(title.text), title.spans) for title in kept],
        reader.read([title.text for title in dev]),
        dev,
    )


def _texts(sets: Sequence[TitleSet], unlabelled: Sequence[str]) -> Iterator[str]:
    for one in sets:
        yield from (title.text for title in one.titles)
    yield from unlabelled


def _rare(sets: Sequence[TitleSet], unlabelled: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """Which numbers of characters occur fewer than four times: these are hidden now and then, so that unknown ones are learnt."""
    counts: Counter[str] = Counter()
    for text in _texts(sets, unlabelled):
        counts.update(fold(text))
    return np.array([False, *(counts[character] < 4 for character in vocabulary.characters)])


def _hidden(batch: Batch, rare: NDArray[np.bool_], share: float) -> Tensors:
    hidden = rare[batch.characters] & (np.random.default_rng(int(batch.characters.sum())).random(batch.characters.shape) < share)
    return tensors(batch)._replace(characters=torch.from_numpy(np.where(hidden, 0, batch.characters)))


def _order(parts: Sequence[_Part], size: int, rng: random.Random) -> list[tuple[int, NDArray[np.int64]]]:
    """All titles in steps of one set each, of titles of similar length, in random order."""
    steps = []
    for number, part in enumerate(parts):
        keyed = sorted(range(len(part.tags)), key=lambda title: part.features.lengths[title] + 8 * rng.random())
        steps += [(number, np.array(keyed[start : start + size])) for start in range(0, len(keyed), size)]
    rng.shuffle(steps)
    return steps


def _loss(network: Network, batch: Tensors, part: _Part, number: int, titles: NDArray[np.int64]) -> torch.Tensor:
    emissions = network(batch, number)
    tags = torch.zeros(emissions.shape[:2], dtype=torch.int64)
    for place, title in enumerate(titles):
        tags[: len(part.tags[title]), place] = torch.from_numpy(part.tags[title])
    return negative_log_likelihood(emissions, tags, batch.lengths, network.head(number).transitions()).sum() / batch.lengths.sum()


@torch.no_grad()
def _score(network: Network | Ensemble, part: _Part, number: int, classes: int) -> Score:
    decoder = Decoder(part.tagging, Transitions(*(values.numpy() for values in network.transitions(number))))
    found: list[list[tuple[int, int, str]]] = [[] for _ in part.dev_titles]
    order = part.dev.lengths.argsort(kind="stable")
    for start in range(0, len(order), 64):
        titles = order[start : start + 64]
        batch = part.dev.batch(titles, classes)
        emissions = network(tensors(batch), number).numpy()
        for title, tags in zip(titles, decoder.decode(emissions, batch.lengths.astype(np.int64)), strict=True):
            found[title] = part.tagging.decode(tags)
    return score([title.spans for title in part.dev_titles], found)
