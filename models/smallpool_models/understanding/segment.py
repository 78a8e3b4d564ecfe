"""Cuts a title into words by jieba's dictionary and method, together with the words of the knowledge base.

In: normalised text. Out: words, normalised, in order. Importing jieba builds tables and installs a log handler, so it
is imported when a segmenter is made, never before.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from smallpool_models.understanding.pair_table import PairTable, codes_of
from smallpool_models.understanding.remembered import Remembered
from smallpool_models.understanding.series import is_cut

_RUNS = re.compile(r"[一-鿕a-z0-9+#&._%\-]+|[^\W_]+")
"""What jieba cuts, and runs of other scripts (kana, Hangul, Cyrillic), which are kept whole."""
_PIECES = re.compile(r"[^\W_]+|[\W_]")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
_LETTERS = re.compile(r"[a-z]{2,}")
_LONGEST_WORD = 24
"""Longer runs of letters and digits are no words of a language; they are cut to this many characters."""
_NO_WORD = -math.inf
_MISSING = 1.0
"""Instead of a weight, which is the logarithm of a share, where no word begins so."""
_MOST_WORDS = 20_000
"""Words whose insides are remembered: some 8 MB."""


class Segmenter:
    """The most probable path through jieba's dictionary, to which the words of the knowledge base are added.

    The result is that of `jieba.cut(run, HMM=False)`, which a test holds it to, in half of the time. jieba's hidden
    Markov model is left out: it makes words of unknown characters that depend on their neighbours, so that no rule
    could name them. The dictionary is read from the file that comes with jieba at every construction (about 1 s),
    not from the cache that jieba keeps in a folder where other processes may write.
    """

    def __init__(self, words: Iterable[str]) -> None:
        from jieba import Tokenizer, __version__  # noqa: PLC0415  see the module's docstring

        tokenizer = Tokenizer()
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True
        for word in sorted(words):
            if not word.isascii() and len(word) > 1 and " " not in word:
                tokenizer.add_word(word)
        total = math.log(tokenizer.total)
        self._unknown = -total
        self._weights = {word: math.log(count) - total if count else _NO_WORD for word, count in tokenizer.FREQ.items()}
        singles = {ord(word): weight for word, weight in self._weights.items() if len(word) == 1}
        self._singles = np.full(max(singles, default=0) + 2, _MISSING)
        self._singles[list(singles)] = list(singles.values())
        self._pairs = PairTable({word: weight for word, weight in self._weights.items() if len(word) == 2}, _MISSING)
        self._insides = Remembered[str, tuple[str, ...]](partial(_insides_of, self._weights), _MOST_WORDS)
        self.version = f"jieba-{__version__}"

    def is_word(self, word: str) -> bool:
        """Whether jieba's dictionary, or the knowledge base, has the word."""
        return self._weights.get(word, _NO_WORD) > _NO_WORD

    def cut(self, text: str) -> list[str]:
        """The words of normalised text, as often as they occur; punctuation is left out and decimals stay whole."""
        return self.cut_all([text])[0]

    def cut_all(self, texts: Sequence[str]) -> list[list[str]]:
        """`cut` of each text; many at once cost less."""
        parts = [list(_parts(text)) for text in texts]
        paths = iter(self.paths([part for some in parts for part, is_word in some if not is_word]))
        return [[word for part, is_word in some for word in ((part,) if is_word else _worded(next(paths)))] for some in parts]

    def common_words(self, share: float) -> list[str]:
        """Words of two to four Chinese characters that make up at least this share of all words of running text, sorted."""
        least = math.log(share)
        words = (word for word, weight in self._weights.items() if 2 <= len(word) <= 4 and weight >= least)
        return sorted(word for word in words if all("\u4e00" <= character < "\ua000" for character in word))

    def search(self, text: str) -> tuple[str, ...]:
        """The words of `cut` and the dictionary words of two and three characters inside them, each once, in order.

        A run of letters and digits also gives its letters: `iphone13` is found by `iphone`. No part is cut out of
        the middle of a number.
        """
        return self.with_parts(self.cut(text))

    def with_parts(self, cut: Iterable[str]) -> tuple[str, ...]:
        """`search` of a text that is cut already."""
        words: dict[str, None] = {}
        for word in cut:
            words[word] = None
            if len(word) > 2:
                words.update(dict.fromkeys(self._insides[word]))
        return tuple(words)

    def pieces(self, text: str) -> list[str]:
        """The text cut into words, signs and spaces; joined they are the text as it stands."""
        return [piece for run in _PIECES.findall(text) for piece in (self.path(run) if run[0].isalnum() else [run])]

    def path(self, run: str) -> list[str]:
        """One run of Chinese, letters and digits along the most probable path, as `jieba.cut(run, HMM=False)` gives it."""
        return self.paths([run])[0]

    def paths(self, runs: Sequence[str]) -> list[list[str]]:
        """`path` of each run; many at once cost less."""
        codes = codes_of("\n".join(runs))
        singles = self._singles[np.minimum(codes, len(self._singles) - 1)].tolist()
        pairs = [*self._pairs.values(codes).tolist(), _MISSING]
        found = []
        at = 0
        for run in runs:
            after = at + len(run)
            found.append(_along(run, self._stops(run, singles[at:after], pairs[at:after])))
            at = after + 1
        return found

    def _stops(self, run: str, singles: Sequence[float], pairs: Sequence[float]) -> list[int]:
        """For each start where its word ends on the best path; of equal paths the longer first word, as jieba chooses.

        `singles` and `pairs` are the weights of the characters and pairs that begin there; whatever begins a word has one.
        """
        length = len(run)
        weight_of = self._weights.get
        scores = [0.0] * (length + 1)
        stops = [0] * length
        for start in range(length - 1, -1, -1):
            best, choice = _NO_WORD, start + 1
            weight = singles[start]
            if weight <= 0:
                best = weight + scores[start + 1]
                weight, end = pairs[start], start + 2
                while weight <= 0:
                    score = weight + scores[end]
                    if score >= best and weight > _NO_WORD:
                        best, choice = score, end
                    if end == length:
                        break
                    end += 1
                    weight = weight_of(run[start:end], _MISSING)
            scores[start] = best if best > _NO_WORD else self._unknown + scores[start + 1]
            stops[start] = choice
        return stops


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """What is cut apart by itself, in order: runs, and what is one word already."""
    for run in _RUNS.findall(text):
        start = 0
        if "." in run:
            for match in _DECIMAL.finditer(run):
                yield from _part(run[start : match.start()])
                yield match.group()[:_LONGEST_WORD], True
                start = match.end()
        yield from _part(run[start:])


def _part(run: str) -> Iterator[tuple[str, bool]]:
    if not run:
        return
    is_word = run.isalnum() if run.isascii() else not (run[0].isascii() or "一" <= run[0] <= "鿕")
    yield (run[:_LONGEST_WORD], True) if is_word else (run, False)


def _worded(path: Iterable[str]) -> list[str]:
    return [word[:_LONGEST_WORD] for word in path if word.isalnum() or any(map(str.isalnum, word))]


def _along(run: str, stops: Sequence[int]) -> list[str]:
    """The words between the stops; letters and digits that are no word together stay together."""
    words: list[str] = []
    start = loose = 0
    while start < len(run):
        stop = stops[start]
        if stop - start > 1 or run[start] >= "\x80" or not run[start].isalnum():
            if loose < start:
                words.append(run[loose:start])
            words.append(run[start:stop])
            loose = stop
        start = stop
    if loose < len(run):
        words.append(run[loose:])
    return words


# Not methods: what remembers them would hold its owner in a circle, which a process that has frozen its garbage collector never frees.
def _insides_of(weights: Mapping[str, float], word: str) -> tuple[str, ...]:
    return tuple(_LETTERS.findall(word) if word.isascii() else _inside(weights, word))


def _inside(weights: Mapping[str, float], word: str) -> list[str]:
    parts = []
    for size in (2, 3):
        for start in range(len(word) - size + 1 if len(word) > size else 0):
            part = word[start : start + size]
            if weights.get(part, _NO_WORD) > _NO_WORD and is_cut(word, start) and is_cut(word, start + size):
                parts.append(part)
    return parts
