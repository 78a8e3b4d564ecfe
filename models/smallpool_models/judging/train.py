"""Trains the quality: the character and category models of the parts, their weights, and the curve that makes a share of their sum.

In: listings as sellers published them, a seed. Out: a `QualityModel`. Listings are cut in two by their title's checksum: what counts
characters and categories is not what the weights are fitted on.

Weights are fitted on pairs, a listing against its spoilt copy, by logistic regression on the difference of their parts (Bradley and
Terry, 1952), held at zero or above and drawn towards a like share for each, so that a part which no kind of training touches keeps one.
The curve is an isotonic fit (pool adjacent violators) over listings and copies, made strictly rising.
"""

import random
import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from smallpool_core.items import ORIGINAL, Given
from smallpool_models.judging.corruptions import OF_TRAINING
from smallpool_models.judging.rows import around
from smallpool_models.understanding.characters import Characters, train_characters
from smallpool_models.understanding.fitting import train_fitting
from smallpool_models.understanding.knowledge import KnowledgeBase
from smallpool_models.understanding.phrases import train_phrases
from smallpool_models.understanding.quality_model import PARTS, QualityModel
from smallpool_models.understanding.understander import KnowledgeUnderstander

MOST_FITTED: Final = 4_000
"""Listings that the weights are fitted on."""
MOST_HELD: Final = 2_000
EQUAL: Final = 4.0
"""The weight towards which a part of the usual spread is drawn, and below how strongly."""
DRAWN: Final = 0.003
USUAL_SPREAD: Final = 0.15
MOST_TIMES: Final = 3.0
HELD: Final = {"content": 9.0}
"""Weights that are not fitted. Of the kinds of training one takes words away and four add some: what they teach of content is how often
each comes up, not what a title that says little is worth. Measured, see docs/results/understanding.md.
"""
STEPS: Final = 1_500
RATE: Final = 1.0
BINS: Final = 24
DIGITS: Final = 5
"""Of what is written; sums that are the same by these are one point of the curve."""
WHOLE_PER_SPOILT: Final = 4.0
"""Listings that are as they should be for one that is spoilt: what the curve takes a marketplace to be like."""
STRAIGHT: Final = 0.35
"""The share of the curve that is straight, so that it rises everywhere, and by enough that thousandths tell titles apart which are unlike
all that training saw.
"""
RARELY: Final = 0.5
LITTLE: Final = 0.05
"""Sums below the first share of the best hardly occur; the straight share rises by the second alone there."""

Floats = npt.NDArray[np.float64]
Understand = Callable[[KnowledgeBase], KnowledgeUnderstander]


def train_quality(
    listings: Sequence[Given],
    knowledge: KnowledgeBase,
    *,
    trained_on: str,
    data_sha256: str,
    seed: int,
    least: int = 1,
    sentences: Sequence[str] = (),
    words: Sequence[tuple[str, str]] = (),
) -> QualityModel:
    """The model; the same arguments give the same one.

    `least`: how often a pair or triple of characters must occur to be kept. `sentences` tell the order of characters alone, `words`,
    each with the key of a category, what fits that alone.
    """
    rng = random.Random(seed)  # noqa: S311, seeded: the same copies every time
    counted = [given for given in listings if not _is_fitted_on(given.title)]
    fitted = list(islice((given for given in listings if _is_fitted_on(given.title)), MOST_FITTED))
    folder = KnowledgeUnderstander(knowledge)
    texts = [folder.folded(given.title) for given in counted]
    held = [folder.folded(given.title) for given in fitted[:MOST_HELD]]
    rows = ((text, folder.category_of(given)) for text, given in zip(texts, counted, strict=True) if given.category)
    counted_texts = [*texts, *map(folder.folded, sentences)]
    characters = train_characters(counted_texts, held, least)
    draft = QualityModel(
        weights=dict.fromkeys(PARTS, 1.0),
        curve=[(0.0, 0.0), (1.0, 1.0)],
        characters=characters,
        categories=train_fitting(rows, max(2, least), ((folder.folded(word), category) for word, category in words)),
        phrases=train_phrases(counted_texts, held, Characters(characters), least),
        trained_on=trained_on,
        data_sha256=data_sha256,
        seed=seed,
    )
    understander = KnowledgeUnderstander(replace(knowledge, quality_model=draft))
    whole, spoilt = _pairs(fitted, understander, rng)
    weights = _weights(whole - spoilt, drawn_to(whole.std(axis=0)))
    curve = _curve(whole @ weights, spoilt @ weights, float(weights.sum()))
    return replace(draft, weights={name: round(float(weight), 4) for name, weight in zip(PARTS, weights, strict=True)}, curve=curve)


def _is_fitted_on(title: str) -> bool:
    return zlib.crc32(f"fitted {title}".encode("utf-8", "replace")) % 4 == 0


def _pairs(listings: Sequence[Given], understander: KnowledgeUnderstander, rng: random.Random) -> tuple[Floats, Floats]:
    """(n, parts) each: listings, and a copy of each spoilt in one kind."""
    others, kinds = around(listings, understander), list(OF_TRAINING.values())
    pairs: list[tuple[Given, Given]] = []
    for place, given in enumerate(listings):
        copy = kinds[place % len(kinds)](given, others, rng)
        if copy is not None:
            pairs.append((given, copy))
    return _parts([one for one, _ in pairs], understander), _parts([copy for _, copy in pairs], understander)


def _parts(listings: Sequence[Given], understander: KnowledgeUnderstander) -> Floats:
    understood = understander.understand(listings)
    return np.array([[one.quality_parts[name] for name in PARTS] for one in understood], dtype=np.float64)


def drawn_to(spreads: Floats) -> Floats:
    """Weights that give each part's standard deviation its due: parts that hardly differ, or never, count more; within a factor of
    three. Both have the length of `PARTS`. Whether a listing is an original no training shows, so that its weight is the usual one.
    """
    least = EQUAL * USUAL_SPREAD / (MOST_TIMES * EQUAL)
    drawn = np.clip(EQUAL * USUAL_SPREAD / np.maximum(spreads, least), EQUAL, MOST_TIMES * EQUAL)
    drawn[PARTS.index(ORIGINAL)] = EQUAL
    return np.asarray(drawn)


def _weights(differences: Floats, drawn_to: Floats) -> Floats:
    """Gradient descent on the mean log loss of σ(w·d), each step cut off at zero; what is held stays."""
    free = np.array([name not in HELD for name in PARTS])
    weights = np.array([HELD.get(name, start) for name, start in zip(PARTS, drawn_to, strict=True)])
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(differences @ weights))
        slope = -(differences * wrong[:, None]).mean(axis=0) + DRAWN * (weights - drawn_to)
        weights = np.maximum(0.0, weights - RATE * slope * free)
    return weights


def _curve(whole: Floats, spoilt: Floats, best: float) -> list[tuple[float, float]]:
    """Rising pairs of a sum and the share of whole listings there, from 0 to the best sum that there is."""
    values = np.concatenate([whole, spoilt])
    truth = np.concatenate([np.ones(len(whole)), np.zeros(len(spoilt))])
    counts = np.where(truth > 0, WHOLE_PER_SPOILT, 1.0)
    ordered = np.argsort(values, kind="stable")
    bins = [part for part in np.array_split(ordered, BINS) if len(part)]
    points = [
        (float(values[part].mean()), float(np.average(truth[part], weights=counts[part])), float(counts[part].sum())) for part in bins
    ]
    merged: list[tuple[float, float, float]] = []
    for point in points:
        merged.append(point)
        while len(merged) > 1 and (merged[-2][1] >= merged[-1][1] or round(merged[-2][0], DIGITS) >= round(merged[-1][0], DIGITS)):
            (low, one, few), (high, other, many) = merged[-2:]
            merged[-2:] = [((low * few + high * many) / (few + many), (one * few + other * many) / (few + many), few + many)]
    knee = RARELY * best
    inside = [(value, share) for value, share, _ in merged if round(knee, DIGITS) < round(value, DIGITS) < round(best, DIGITS)]
    first, least = (inside or [(best, 1.0)])[0]
    ends = [(0.0, 0.0), (knee, least * knee / first), *inside, (best, 1.0)]
    return [(round(value, DIGITS), round((1 - STRAIGHT) * share + STRAIGHT * _straight(value / best), DIGITS)) for value, share in ends]


def _straight(value: float) -> float:
    """From 0 to 1 along two straight lines."""
    return LITTLE * value / RARELY if value <= RARELY else LITTLE + (1 - LITTLE) * (value - RARELY) / (1 - RARELY)
