"""Makes suggestions out of mined strings: those that the knowledge base lacks, with a guess of their type and category, the best first.

In: titles, an understander, the spans of a tagger where there is one. Out: `Suggestion`s with the evidence that they stand on.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from smallpool_core.items import Given
from smallpool_models.growing.mining import Mined, mine
from smallpool_models.understanding.knowledge import POINT_TYPES
from smallpool_models.understanding.lexicon import Lexicon
from smallpool_models.understanding.merge import Tagged
from smallpool_models.understanding.understander import KnowledgeUnderstander

TYPES: Final = ("product", "brand", *POINT_TYPES)
MOST_EXAMPLES: Final = 3
LOOKED_AT: Final = 12
"""Titles of a suggestion that are understood to guess its category."""
SMOOTHED: Final = 0.5
"""The share of entries of all types that is mixed into each type's own: of what no entry has, nothing follows."""
FIRST: Final = 4.0
"""How much it speaks for a brand that a word always stands first, in nats; and against one that it never does."""
LEAST_FIRST: Final = 0.3
"""A Latin word stands first more often than this, or is no name."""
SHORTEST_LATIN: Final = 3
TAGGED: Final = 4.0
"""The same of a type that the tagger always gives it."""
ORDINARY: Final = 0.4
"""Factor of a word of the language's own dictionary: most that trade by them are known."""
INSIDE: Final = 0.8
"""A string is a piece of a longer one that has this share of its titles."""


class Suggestion(Struct, frozen=True):
    """A word that may be an entry: its type and category (a path, empty where nothing is known), and the evidence."""

    word: str
    type: str
    category: tuple[str, ...]
    score: float
    titles: int
    bound: float
    varied: float
    tagged: int
    examples: tuple[str, ...]


def suggest(
    titles: Sequence[str],
    understander: KnowledgeUnderstander,
    tagged: Sequence[Sequence[Tagged]],
    *,
    most: int,
    least: int,
    report: Callable[[int, int], None],
) -> list[Suggestion]:
    """At most `most`, each in `least` titles or more. `tagged` has the spans of each folded title, or nothing at all."""
    folded = [understander.folded(title) for title in titles]
    hits: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, spans in zip(folded, tagged, strict=False):
        for start, end, kind in spans:
            hits[text[start:end].strip()][kind] += 1
    guess = Guess(understander.lexicon)
    scores = {one: _score(one, hits, understander) for one in _lacking(mine(folded, least, report), understander)}
    likely = sorted(scores, key=lambda one: (-scores[one], one.word))[: 2 * most]
    examples = _examples([one.word for one in likely], titles, folded)
    shares = {one: _category(examples[one.word], understander) for one in likely}
    ranked = sorted(likely, key=lambda one: (-scores[one] * (1 + shares[one][1]), one.word))[:most]
    return [
        Suggestion(
            word=one.word,
            type=guess.type_of(one, hits.get(one.word, Counter())),
            category=shares[one][0],
            score=round(scores[one] * (1 + shares[one][1]), 3),
            titles=one.titles,
            bound=one.bound,
            varied=one.varied,
            tagged=hits[one.word].total() if one.word in hits else 0,
            examples=tuple(examples[one.word][:MOST_EXAMPLES]),
        )
        for one in ranked
    ]


def _lacking(mined: Iterable[Mined], understander: KnowledgeUnderstander) -> list[Mined]:
    """Strings that are no entry, are not made of entries and stop words alone, and are no piece of a longer string."""
    some = {one.word: one for one in mined}
    pieces: set[str] = set()
    for word, one in some.items():
        for start in range(len(word) if not word.isascii() else 0):
            for end in range(start + 2, len(word) + 1):
                part = some.get(word[start:end])
                if part is not None and end - start < len(word) and one.titles >= INSIDE * part.titles:
                    pieces.add(part.word)
    stopwords = understander.knowledge.stopwords
    lexicon = understander.lexicon
    return [one for word, one in some.items() if word not in pieces and _may_be_new(one) and not _is_known(word, lexicon, stopwords)]


def _may_be_new(one: Mined) -> bool:
    """Latin words are names where they stand first, as brands do; units, sizes and models do not."""
    return not one.word.isascii() or (len(one.word) >= SHORTEST_LATIN and one.word.isalpha() and one.first >= LEAST_FIRST)


def _is_known(word: str, lexicon: Lexicon, stopwords: frozenset[str]) -> bool:
    """Whether entries and stop words cover the whole string, or it begins or ends with a stop word (`的手机`)."""
    if word in stopwords or lexicon.knows(word):
        return True
    covered = sum(found.end - found.start for found in lexicon.find(word))
    return covered == len(word) or word[0] in stopwords or word[-1] in stopwords


def _score(one: Mined, hits: dict[str, Counter[str]], understander: KnowledgeUnderstander) -> float:
    """Larger for what is frequent, bound, varied and tagged; words of the dictionary count less."""
    strength = math.log(one.titles) * (1 + one.bound) * min(one.varied, 3.0)
    by_tagger = hits[one.word].total() / one.titles if one.word in hits else 0.0
    return strength * (1 + 2 * min(1.0, by_tagger)) * (ORDINARY if understander.segmenter.is_word(one.word) else 1.0)


def _examples(words: Sequence[str], titles: Sequence[str], folded: Sequence[str]) -> dict[str, list[str]]:
    """The first titles of each word."""
    found: dict[str, list[str]] = {word: [] for word in words}
    open_words = set(words)
    longest = max(map(len, words), default=0)
    for title, text in zip(titles, folded, strict=True):
        there = {
            text[start:end] for start in range(len(text)) for end in range(start + 2, min(len(text), start + longest) + 1)
        } & open_words
        for word in there:
            found[word].append(title)
            if len(found[word]) >= LOOKED_AT:
                open_words.discard(word)
        if not open_words:
            break
    return found


def _category(examples: Sequence[str], understander: KnowledgeUnderstander) -> tuple[tuple[str, ...], float]:
    """The category that most of the titles speak for, where at least a third of them do, and their share."""
    understood = understander.understand([Given(title) for title in examples])
    votes = Counter(one.category for one in understood if one.category_source == "predicted")
    best = votes.most_common(1)
    share = best[0][1] / len(examples) if best else 0.0
    return (best[0][0] if 3 * share >= 1 else ()), share


class Guess:
    """Naive Bayes over how the entries of the knowledge base are written, beside what stands for a brand and what a tagger says."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._counts: dict[str, Counter[str]] = {kind: Counter() for kind in TYPES}
        self._entries: Counter[str] = Counter()
        self._all: Counter[str] = Counter()
        for kind, surfaces in lexicon.by_kind().items():
            if kind in self._counts:
                self._entries[kind] += len(surfaces)
                for surface in surfaces:
                    self._counts[kind].update(_written(surface))
                    self._all.update(_written(surface))

    def type_of(self, one: Mined, hits: Counter[str]) -> str:
        """The likeliest type."""
        tagged = hits.total()

        def likelihood(kind: str) -> float:
            nats = math.log(self._entries[kind] + 1)
            for feature in _written(one.word):
                usual = (self._all[feature] + 1) / (self._entries.total() + 1)
                nats += math.log((1 - SMOOTHED) * self._counts[kind][feature] / max(1, self._entries[kind]) + SMOOTHED * usual)
            if kind == "brand":
                nats += FIRST * (2 * one.first - 1)
            return nats + (TAGGED * hits[kind] / tagged if tagged else 0.0)

        return max(TYPES, key=likelihood)


def _written(surface: str) -> tuple[str, ...]:
    """How a word is written, as features; Latin words say it by their script alone."""
    if surface.isascii():
        return ("latin",)
    return (f"last {surface[-1]}", f"end {surface[-2:]}", f"first {surface[0]}")
