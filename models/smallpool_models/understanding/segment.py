"""Cuts a title into words by jieba's dictionary and method, together with the words of the knowledge base.

In: normalised text. Out: words, normalised, in order. Importing jieba builds tables and installs a log handler, so it
is imported when a segmenter is made, never before.
"""

import math
import re
from collections.abc import Iterable

from smallpool_models.understanding.series import is_cut

_RUNS = re.compile(r"[一-鿕a-z0-9+#&._%\-]+|[^\W_]+")
"""What jieba cuts, and runs of other scripts (kana, Hangul, Cyrillic), which are kept whole."""
_PIECES = re.compile(r"[^\W_]+|[\W_]")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
_LETTERS = re.compile(r"[a-z]{2,}")
_LONGEST_WORD = 24
"""Longer runs of letters and digits are no words of a language; they are cut to this many characters."""
_NO_WORD = -math.inf


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
        self.version = f"jieba-{__version__}"

    def is_word(self, word: str) -> bool:
        """Whether jieba's dictionary, or the knowledge base, has the word."""
        return self._weights.get(word, _NO_WORD) > _NO_WORD

    def cut(self, text: str) -> list[str]:
        """The words of normalised text, as often as they occur; punctuation is left out and decimals stay whole."""
        words: list[str] = []
        for run in _RUNS.findall(text):
            start = 0
            if "." in run:
                for match in _DECIMAL.finditer(run):
                    words += self._words(run[start : match.start()])
                    words.append(match.group()[:_LONGEST_WORD])
                    start = match.end()
            words += self._words(run[start:])
        return words

    def search(self, text: str) -> tuple[str, ...]:
        """The words of `cut` and the dictionary words of two and three characters inside them, each once, in order.

        A run of letters and digits also gives its letters: `iphone13` is found by `iphone`. No part is cut out of
        the middle of a number.
        """
        words: dict[str, None] = {}
        for word in self.cut(text):
            words[word] = None
            if len(word) > 2:
                words.update(dict.fromkeys(_LETTERS.findall(word) if word.isascii() else self._inside(word)))
        return tuple(words)

    def _inside(self, word: str) -> list[str]:
        parts = []
        for size in (2, 3):
            for start in range(len(word) - size + 1 if len(word) > size else 0):
                part = word[start : start + size]
                if self._weights.get(part, _NO_WORD) > _NO_WORD and is_cut(word, start) and is_cut(word, start + size):
                    parts.append(part)
        return parts

    def _words(self, run: str) -> list[str]:
        if run.isascii() and run.isalnum():
            return [run[:_LONGEST_WORD]]
        if run and not run[0].isascii() and not "一" <= run[0] <= "鿕":
            return [run[:_LONGEST_WORD]]
        return [word[:_LONGEST_WORD] for word in self.path(run) if any(map(str.isalnum, word))]

    def pieces(self, text: str) -> list[str]:
        """The text cut into words, signs and spaces; joined they are the text as it stands."""
        return [piece for run in _PIECES.findall(text) for piece in (self.path(run) if run[0].isalnum() else [run])]

    def path(self, run: str) -> list[str]:
        """One run of Chinese, letters and digits along the most probable path, as `jieba.cut(run, HMM=False)` gives it."""
        stops = self._stops(run)
        words: list[str] = []
        start = loose = 0
        while start < len(run):
            stop = stops[start]
            if stop - start > 1 or not (run[start].isascii() and run[start].isalnum()):
                if loose < start:
                    words.append(run[loose:start])
                words.append(run[start:stop])
                loose = stop
            start = stop
        if loose < len(run):
            words.append(run[loose:])
        return words

    def _stops(self, run: str) -> list[int]:
        """For each start where its word ends on the best path; of equal paths the longer first word, as jieba chooses."""
        length = len(run)
        weights = self._weights
        scores = [0.0] * (length + 1)
        stops = [0] * length
        for start in range(length - 1, -1, -1):
            best, choice = _NO_WORD, start + 1
            end = start + 1
            weight = weights.get(run[start])
            while weight is not None:
                score = weight + scores[end]
                if score >= best and weight > _NO_WORD:
                    best, choice = score, end
                if end == length:
                    break
                end += 1
                weight = weights.get(run[start:end])
            scores[start] = best if best > _NO_WORD else self._unknown + scores[start + 1]
            stops[start] = choice
        return stops
