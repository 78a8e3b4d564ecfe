"""The lexicon of a model: words and the classes that they belong to, found in one pass over a trie.

In: a text. Out: for each character, which classes of words begin, go on, end or stand alone there: the word sets of SoftLexicon
(Ma et al., 2020) as bits. Unlike the knowledge base's own `Lexicon`, which takes the longest word at a place, all words count,
however they overlap: a net weighs them.
"""

from collections.abc import Mapping

from smallpool_models.understanding.series import is_cut
from smallpool_models.understanding.trie import trie_of

MOST_CLASSES = 64
"""A word's classes are the bits of one unsigned number of 64."""
BEGINS, GOES_ON, ENDS, ALONE = range(4)
LONGEST_WORD = 16
_NOTHING: Mapping[str, int] = {}


class Words:
    """Words by their classes, in a trie. `masks` maps a folded word to the bits of its classes."""

    def __init__(self, masks: Mapping[str, int]) -> None:
        self._first = trie_of({word: mask for word, mask in masks.items() if 0 < len(word) <= LONGEST_WORD})

    def mark(
        self, text: str, places: tuple[list[int], list[int], list[int], list[int]], at: int, without: Mapping[str, int] = _NOTHING
    ) -> None:
        """Sets the bits of the words in `text` in `places`, which hold the text from `at` on; `without` takes classes from words."""
        begins, goes_on, ends, alone = places
        characters = [*text]
        length = len(characters)
        first = self._first
        for start, character in enumerate(characters):
            node = first.get(character)
            if node is None or (character.isascii() and not is_cut(text, start)):
                continue
            end = start
            while node is not None:
                end += 1
                mask = node.value
                if mask and without:
                    mask &= ~without.get(text[start:end], 0)
                if mask and is_cut(text, end):
                    if end - start == 1:
                        alone[at + start] |= mask
                    else:
                        begins[at + start] |= mask
                        ends[at + end - 1] |= mask
                        for place in range(at + start + 1, at + end - 1):
                            goes_on[place] |= mask
                if end == length:
                    break
                node = node.get(characters[end])
