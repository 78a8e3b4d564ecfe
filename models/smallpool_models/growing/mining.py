"""Finds character strings that stand together like words: those whose parts are bound to each other, and whose neighbours vary.

In: folded titles. Out: `Mined` strings with their figures. Binding is pointwise mutual information at the weakest cut, normalised to at
most 1 (Bouma, 2009), so that frequent words are at no disadvantage; variety is the entropy of the neighbours on either side (branching
entropy; Jin and Tanaka-Ishii, 2006).
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

LONGEST: Final = 6
"""Characters of the longest string of Chinese; Latin words are taken as they stand."""
LEAST_BOUND: Final = 0.4
LEAST_VARIED: Final = 1.0
"""Binding, and nats of variety, below which a string is a piece of a word, or of several."""
_RUNS = re.compile(r"[一-鿿]+|[a-z][a-z0-9&.'\-]+")
_EDGE: Final = "\n"


class Mined(Struct, frozen=True):
    """A string, in how many titles it stands, its weakest binding (at most 1; 0 of a Latin word) and smallest variety (nats), and the
    share of its places where a brand would stand: at the start of a title, or after a bracket or comma.
    """

    word: str
    titles: int
    bound: float
    varied: float
    first: float


def mine(titles: Sequence[str], least: int, report: Callable[[int, int], None]) -> list[Mined]:
    """The strings in at least `least` titles; `report` is told titles read, and how many readings there are in all."""
    counts: Counter[str] = Counter()
    characters = 0
    for done, title in enumerate(titles):
        strings: set[str] = set()
        for run in _RUNS.findall(title):
            strings.update(_strings(run))
            characters += len(run)
        counts.update(strings)
        if done % 500 == 0:
            report(done, 2 * len(titles))
    likely = {word: bound for word, count in counts.items() if count >= least and (bound := _bound(word, counts, len(titles))) is not None}
    left: defaultdict[str, Counter[str]] = defaultdict(Counter)
    right: defaultdict[str, Counter[str]] = defaultdict(Counter)
    firsts: Counter[str] = Counter()
    for done, title in enumerate(titles):
        for match in _RUNS.finditer(title):
            _look_beside(match.group(), title, match.start(), likely, left, right, firsts)
        if done % 500 == 0:
            report(len(titles) + done, 2 * len(titles))
    mined = []
    for word, bound in likely.items():
        varied = min(_entropy(left[word]), _entropy(right[word]))
        if varied >= LEAST_VARIED or word.isascii():
            mined.append(Mined(word, counts[word], round(bound, 2), round(varied, 2), round(firsts[word] / left[word].total(), 3)))
    return mined


def _strings(run: str) -> Iterable[str]:
    if run.isascii():
        return (run,)
    length = len(run)
    return {run[start:end] for start in range(length) for end in range(start + 1, min(length, start + LONGEST) + 1)}


def _bound(word: str, counts: Counter[str], titles: int) -> float | None:
    """The normalised mutual information of the two parts at the weakest cut, None where that is too little."""
    if word.isascii():
        return 0.0
    if len(word) < 2:
        return None
    together = counts[word] * titles
    usual = math.log(titles / counts[word]) or 1.0
    bound = min(math.log(together / (counts[word[:cut]] * counts[word[cut:]])) for cut in range(1, len(word))) / usual
    return bound if bound >= LEAST_BOUND else None


def _look_beside(
    run: str,
    title: str,
    at: int,
    likely: dict[str, float],
    left: defaultdict[str, Counter[str]],
    right: defaultdict[str, Counter[str]],
    firsts: Counter[str],
) -> None:
    length = len(run)
    for start in (0,) if run.isascii() else range(length):
        for end in (length,) if run.isascii() else range(start + 2, min(length, start + LONGEST) + 1):
            word = run[start:end]
            if word in likely:
                before = run[start - 1] if start else _EDGE
                left[word][before] += 1
                right[word][run[end] if end < length else _EDGE] += 1
                firsts[word] += at + start == 0 or (start == 0 and title[at - 1] in "[【(（,，")


def _entropy(neighbours: Counter[str]) -> float:
    """Nats; each edge of a run counts as a neighbour of its own, since anything may stand there."""
    total = neighbours.total()
    edges = neighbours.get(_EDGE, 0)
    inner = sum(-count / total * math.log(count / total) for one, count in neighbours.items() if one != _EDGE)
    return inner + (edges / total * math.log(total) if edges else 0.0)
