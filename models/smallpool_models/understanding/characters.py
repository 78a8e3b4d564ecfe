"""How usual the order of a title's characters is: a bigram model of characters, interpolated by absolute discounting (Ney, Essen, Kneser,
1994), so that a title whose words were thrown about or torn out scores less than it did.

In: a title. Out: the order score in [0, 1]. What it was trained on stands in the model's card.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import add
from typing import Final

from msgspec import Struct

from smallpool_models.understanding.pair_table import PairTable, codes_of
from smallpool_models.understanding.remembered import Remembered

EDGE: Final = "\x02"
DISCOUNT: Final = 0.75
AT_MEAN: Final = 0.75
"""The score of a title as usual as those of training."""
RANGE: Final = 10.0
"""Natural logarithms that the score spans."""
UNSEEN: Final = 1e-6
"""The probability of a character that training never saw."""
_MOST_UNSEEN: Final = 50_000
"""Pairs that training never saw whose logarithms are remembered: some 10 MB."""
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LETTERS = re.compile(r"[a-z]+")
_SPACES = re.compile(r"\s+")


class CharacterModel(Struct, frozen=True):
    """`pairs` count what follows what; `mean` is that of the log probability of a character, in titles that were not counted."""

    pairs: dict[str, int]
    mean: float


class _Sums:
    """What the probability of a pair is worked out from."""

    def __init__(self, model: CharacterModel) -> None:
        self._pairs = model.pairs
        self._before: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._alone: Counter[str] = Counter()
        for pair, count in model.pairs.items():
            self._before[pair[0]] += count
            self._kinds[pair[0]] += 1
            self._alone[pair[1]] += 1  # after how many characters it comes: Kneser and Ney's continuation
        self._every = max(1, sum(self._alone.values()))

    def log(self, pair: str) -> float:
        """The natural logarithm of the probability of the second of two characters after the first."""
        first, second = pair[0], pair[1]
        alone = self._alone[second] / self._every + UNSEEN
        before = self._before[first]
        if not before:
            return math.log(alone)
        seen = max(0.0, self._pairs.get(pair, 0) - DISCOUNT) / before
        return math.log(seen + DISCOUNT * self._kinds[first] / before * alone)


class Characters:
    """Scores titles; holds sums made of the counts once."""

    def __init__(self, model: CharacterModel) -> None:
        self._model = model
        sums = _Sums(model)
        # 0 stands for none: the logarithm of a share is below it.
        self._logs = PairTable({pair: sums.log(pair) for pair in model.pairs}, 0.0)
        self._unseen = Remembered[str, float](sums.log, _MOST_UNSEEN)

    def scores(self, shapes: Sequence[str]) -> list[float]:
        """Of each title's shape, in [0, 1]: straight in the log probability, so that titles unlike those of training are told apart too."""
        means = self.log_probabilities(shapes)
        return [min(1.0, max(0.0, AT_MEAN + (mean - self._model.mean) / RANGE)) for mean in means]

    def log_probabilities(self, shapes: Sequence[str]) -> list[float]:
        """The mean natural logarithm of the probability of each character of a shape after the one before it."""
        joined = "".join([f"{EDGE}{shape}{EDGE}" for shape in shapes])
        logs = self._logs.values(codes_of(joined)).tolist() if joined else []
        means = []
        at = 0
        for shape in shapes:
            after = at + len(shape) + 1
            every = [log or self._unseen[joined[place : place + 2]] for place, log in enumerate(logs[at:after], at)]
            means.append(sum(every) / len(every) if shape else math.log(UNSEEN))
            at = after + 1
        return means

    def pair_log(self, pair: str) -> float:
        """The natural logarithm of the probability of the second of two characters after the first."""
        return self._unseen[pair]


def train_characters(titles: Iterable[str], held: Iterable[str], least: int = 1) -> CharacterModel:
    """Counts the pairs of `titles`, those seen `least` times or more; the mean is of `held`, which are other titles."""
    counts: Counter[str] = Counter()
    for title in titles:
        counts.update(pairs_of(f"{EDGE}{shape_of(title)}{EDGE}"))
    pairs = {pair: count for pair, count in sorted(counts.items()) if count >= least}
    scores = Characters(CharacterModel(pairs, 0.0)).log_probabilities([shape_of(title) for title in held])
    return CharacterModel(pairs, sum(scores) / max(1, len(scores)))


def pairs_of(text: str) -> list[str]:
    """The pairs of neighbouring characters, in their order."""
    return list(map(add, text, text[1:]))


def shape_of(title: str) -> str:
    """The folded title with each number as `0`, each word of Latin letters as `a`, and single spaces."""
    return _SPACES.sub(" ", _LETTERS.sub("a", _DIGITS.sub("0", title))).strip()
