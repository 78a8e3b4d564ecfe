"""How usual the run of a title's characters is, three at a time: a trigram model of characters that falls back on that of pairs by absolute
discounting (Ney, Essen, Kneser, 1994). Where words are missing, neighbours meet that never meet otherwise.

In: a title's shape. Out: the score in [0, 1].
"""

import math
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from smallpool_models.understanding.characters import AT_MEAN, DISCOUNT, EDGE, RANGE, UNSEEN, Characters, shape_of
from smallpool_models.understanding.remembered import Remembered

_MOST_REMEMBERED = 100_000


class PhraseModel(Struct, frozen=True):
    """`triples` count what follows which two; `mean` is that of the log probability of a character, in titles that were not counted."""

    triples: dict[str, int]
    mean: float


class Phrases:
    """Scores titles; holds sums made of the counts once."""

    def __init__(self, model: PhraseModel, pairs: Characters) -> None:
        self._model = model
        before: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        for triple, count in model.triples.items():
            before[triple[:2]] += count
            kinds[triple[:2]] += 1
        backs = {two: DISCOUNT * kinds[two] / before[two] for two in before}

        def log(triple: str) -> float:
            """What is seen, discounted, and what that leaves over, as pairs share it out."""
            two = triple[:2]
            if not before[two]:
                return pairs.pair_log(triple[1:])
            seen = max(0.0, model.triples.get(triple, 0) - DISCOUNT) / before[two]
            return math.log(seen + backs[two] * math.exp(pairs.pair_log(triple[1:])))

        self._logs = Remembered[str, float](log, _MOST_REMEMBERED)

    def score(self, shape: str) -> float:
        """Of a title's shape, in [0, 1]: straight in the log probability."""
        return min(1.0, max(0.0, AT_MEAN + (self.log_probability(shape) - self._model.mean) / RANGE))

    def log_probability(self, shape: str) -> float:
        """The mean natural logarithm of the probability of each character of a shape after the two before it."""
        if not shape:
            return math.log(UNSEEN)
        text, logs = f"{EDGE}{EDGE}{shape}{EDGE}", self._logs
        return sum([logs[text[start : start + 3]] for start in range(len(text) - 2)]) / (len(text) - 2)


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
