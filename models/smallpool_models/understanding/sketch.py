"""Sketches of listings: what their text holds, so that two which say nearly the same are found among millions and compared.

In: folded title and description, with the words heard in them. Out: a `Sketch`. Words of wear, hype, prices and signs say nothing of
what is offered and are left out; numbers and words in Latin letters count more than a pair of characters. Bands: `minhash.py`.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from smallpool_core.reposts import Sketch
from smallpool_models.understanding.characters import pairs_of
from smallpool_models.understanding.knowledge import POINT_TYPES
from smallpool_models.understanding.minhash import bands_of
from smallpool_models.understanding.points import Heard
from smallpool_models.understanding.remembered import Remembered

Said = Sequence[tuple[str, Sequence[Heard]]]
"""A title and a description, each with the words heard in it."""
MOST_SKETCHED: Final = 100
"""Characters of the description that count."""
WORD_WEIGHT, NUMBER_WEIGHT = 2, 3

_SAYS_NOTHING: Final = frozenset({"condition", "flag", "tag", "mark"})
_FACTS: Final = frozenset({"brand", "model", "product", *POINT_TYPES}) - {"function", "whom", "style"}
"""Kinds of which a thing has its own: one that is named instead of another makes another thing of it."""
_PIECE = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?|[\u3400-\u9fff]+")
_BETWEEN = re.compile(r"(?<=[\u3400-\u9fff])[^\w]+(?=[\u3400-\u9fff])")
"""Signs, emoji and spaces inside of Chinese: they part nothing."""
_LOOSE = re.compile(
    r"(?:[¥￥$]|只要|仅需|仅|特价|价格?|售价|到手价?|原价)\s*[0-9][0-9.]*\s*[元块]?|[0-9][0-9.]*\s*(?:元|块钱?|折|小时|分钟|天)|100%|(?<![0-9])[0-9]{1,2}(?:成新|新(?![款品年]))"
)
"""Prices, shares, wear and what is promised of the sale: it changes from one listing of a thing to the next."""
_DIGITS: Final = frozenset("0123456789")
_COUNTED = re.compile(
    r"第?[一二三四五六七八九十百两0-9]+[册卷集季期代版辑层岁号段档寸门座]|[上中下全](?=[册卷部集])|[特加中小大]?[大中小]号|[左右前后](?=[侧轮门脚])"
)
"""What tells one of a series from the next where it is written in Chinese."""
_COUNTS: Final = frozenset("册卷集季期代版辑层岁号段档寸门座部侧轮脚")
"""Characters of which one stands in or behind whatever is counted."""
_MOST_HASHES: Final = 50_000
"""N-grams whose hashes are remembered: some 8 MB."""


class Sketcher:
    """Sketches listings, many at once; holds nothing but hashes that it has worked out before."""

    def __init__(self) -> None:
        self._hashes = Remembered[str, int](lambda gram: zlib.crc32(gram.encode()), _MOST_HASHES)

    def sketches(self, listings: Sequence[Said]) -> list[Sketch]:
        """The sketch of each listing, in order; no bands where nothing is said."""
        drafts = [self._draft(said) for said in listings]
        return [Sketch(bands, *draft) for bands, draft in zip(bands_of([draft[0] for draft in drafts]), drafts, strict=True)]

    def _draft(self, said: Said) -> tuple[dict[int, int], dict[str, tuple[str, ...]], int]:
        """All of a sketch but its bands."""
        weights: dict[str, int] = {}
        facts: defaultdict[str, list[str]] = defaultdict(list)
        title_weight: int | None = None
        for text, heard in said:
            kept = _without(text, heard)
            for piece in _PIECE.findall(kept):
                if not piece.isascii():
                    weights.update(dict.fromkeys(pairs_of(piece) or [piece], 1))
                elif piece[0].isdigit():
                    weights[piece] = NUMBER_WEIGHT
                    facts["number"].append(piece)
                else:
                    weights[piece] = WORD_WEIGHT
                    facts["latin"].append(piece)
            _add_facts(facts, kept, heard)
            title_weight = sum(weights.values()) if title_weight is None else title_weight
        hashed = dict(zip(map(self._hashes.__getitem__, weights), weights.values(), strict=True))
        return hashed, {kind: tuple(keys) for kind, keys in facts.items()}, title_weight or 0


def _without(text: str, heard: Sequence[Heard]) -> str:
    """The text with spaces where it says nothing of what is offered."""
    spans = [(word.start, word.end) for word in heard if word.readings[0].kind in _SAYS_NOTHING]
    if not _DIGITS.isdisjoint(text):  # nothing of the kind is without one
        spans += [match.span() for match in _LOOSE.finditer(text)]
    if spans:
        characters = [*text]
        for start, end in spans:
            characters[start:end] = " " * (end - start)
        text = "".join(characters)
    return _BETWEEN.sub("", text)


def _add_facts(facts: defaultdict[str, list[str]], text: str, heard: Sequence[Heard]) -> None:
    """Adds what is counted and what the knowledge base knows to the numbers and Latin words."""
    if not _COUNTS.isdisjoint(text):
        for match in _COUNTED.finditer(text):
            facts["counted"].append(match.group())
    for word in heard:
        first = word.readings[0]
        if first.kind in _FACTS and not word.aside:
            facts[first.kind].append(first.key)
