"""Puts a model's lexicon together: the knowledge base, gazetteers, and what the training titles themselves label.

In: words with the class of each source. Out: classes and words for a `Vocabulary`, and what to take back for a training title: what
it alone labels must not be known of it, since nothing like that will be known of a new title.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from smallpool_core.errors import Problem, TitlesRefused
from smallpool_core.normalise import normalise
from smallpool_models.ner.features import fold
from smallpool_models.ner.titles import TitleSet
from smallpool_models.ner.words import LONGEST_WORD, MOST_CLASSES
from smallpool_models.understanding.lexicon import Lexicon

FEWEST_MENTIONS = 100
"""A type gives a class of words from so many mentions on."""


class Lexicons(Struct, frozen=True):
    """`classes` in the order of their bits; `words` maps a word to the bits of its classes. `once` maps a class and word of the training
    titles to the text of the one title that labels it.
    """

    classes: tuple[str, ...]
    words: dict[str, int]
    once: dict[str, dict[str, int]]


def read_gazetteer(path: Path) -> tuple[str, list[str]]:
    """The class of a file of words, one a line, and its words. `brand1.dic` and `brand2.dic` are both of the class `brand`."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise TitlesRefused([Problem(str(path), f"byte {error.start}", "a gazetteer is UTF-8 text, one word a line")]) from error
    words = [normalise(line.strip()) for line in lines]
    return path.stem.rstrip("0123456789_-") or path.stem, [word for word in words if word]


def known_words(lexicon: Lexicon, gazetteers: Iterable[Path]) -> dict[str, list[str]]:
    """The words that are known before any title is read, by class: those of the knowledge base and of files."""
    known = {f"knowledge:{kind}": list(words) for kind, words in lexicon.by_kind().items()}
    for path in gazetteers:
        name, words = read_gazetteer(path)
        known.setdefault(f"gazetteer:{name}", []).extend(words)
    return known


def build_lexicons(known: Mapping[str, Iterable[str]], sets: Sequence[TitleSet]) -> Lexicons:
    """Lexicons of `known` (words by class) and of the mentions of each set, by type; types with few mentions give none."""
    named = {name: {word for word in words if len(word) <= LONGEST_WORD} for name, words in known.items()}
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    mentions: Counter[str] = Counter()
    for one in sets:
        for title in one.titles:
            for start, end, kind in title.spans:
                name = f"titles:{one.name}:{kind}"
                mentions[name] += 1
                texts[name, fold(title.text[start:end])].add(title.text)
    frequent = [name for name, count in mentions.most_common(MOST_CLASSES - len(named)) if count >= FEWEST_MENTIONS]
    classes = (*named, *frequent)
    bits = {name: 1 << number for number, name in enumerate(classes)}
    words: Counter[str] = Counter()
    once: dict[str, dict[str, int]] = defaultdict(dict)
    for name, forms in named.items():
        for word in forms:
            words[word] |= bits[name]
    for (name, word), where in texts.items():
        if name in bits and len(word) <= LONGEST_WORD:
            words[word] |= bits[name]
            if len(where) == 1:
                alone = once[next(iter(where))]
                alone[word] = alone.get(word, 0) | bits[name]
    return Lexicons(classes, dict(words), dict(once))
