"""How usual the run of a title's characters is, three at a time: a trigram model of characters that falls back on that of pairs by absolute
discounting (Ney, Essen, Kneser, 1994). Where words are missing, neighbours meet that never meet otherwise.

In: a title's shape. Out: the score in [0, 1].
"""

import math
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from smallpool_models.understanding.characters import AT_MEAN, DISCOUNT, EDGE, RANGE, UNSEEN, Characters, shape_of


class PhraseModel(Struct, frozen=True):
    """`triples` count what follows which two; `mean` is that of the log probability of a character, in titles that were not counted."""

    triples: dict[str, int]
    mean: float


class Phrases:
    """Scores titles; holds sums made of the counts once."""

    def __init__(self, model: PhraseModel, pairs: Characters) -> None:
        self._model = model
        self._pairs = pairs
        before: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        for triple, count in model.triples.items():
            before[triple[:2]] += count
            kinds[triple[:2]] += 1
        self._logs = {
            triple: math.log(max(0.0, count - DISCOUNT) / before[triple[:2]] + self._left(triple, before, kinds))
            for triple, count in model.triples.items()
        }
        self._backs = {two: math.log(DISCOUNT * kinds[two] / before[two]) for two in before}

    def score(self, shape: str) -> float:
        """Of a title's shape, in [0, 1]: straight in the log probability."""
        return min(1.0, max(0.0, AT_MEAN + (self.log_probability(shape) - self._model.mean) / RANGE))

    def log_probability(self, shape: str) -> float:
        """The mean natural logarithm of the probability of each character of a shape after the two before it."""
        if not shape:
            return math.log(UNSEEN)
        text, logs, backs, pair_log = f"{EDGE}{EDGE}{shape}{EDGE}", self._logs, self._backs, self._pairs.pair_log
        total = 0.0
        for start in range(len(text) - 2):
            triple = text[start : start + 3]
            log = logs.get(triple)
            total += pair_log(triple[1:]) + backs.get(triple[:2], 0.0) if log is None else log
        return total / (len(text) - 2)

    def _left(self, triple: str, before: Counter[str], kinds: Counter[str]) -> float:
        """What discounting left over, as pairs share it out."""
        return DISCOUNT * kinds[triple[:2]] / before[triple[:2]] * math.exp(self._pairs.pair_log(triple[1:]))


def train_phrases(titles: Iterable[str], held: Iterable[str], pairs: Characters, least: int = 1) -> PhraseModel:
    """Counts the triples of `titles`, those seen `least` times or more; the mean is of `held`, which are other titles."""
    counts: Counter[str] = Counter()
    for title in titles:
        text = f"{EDGE}{EDGE}{shape_of(title)}{EDGE}"
        counts.update(text[start : start + 3] for start in range(len(text) - 2))
    triples = {triple: count for triple, count in sorted(counts.items()) if count >= least}
    draft = Phrases(PhraseModel(triples, 0.0), pairs)
    scores = [draft.log_probability(shape_of(title)) for title in held]
    return PhraseModel(triples, sum(scores) / max(1, len(scores)))
