"""Piles of keywords: titles as shops write them, labelled as they are made, most of whose words no file names.

In: an understander, the folder of its knowledge base with `piles.toml`, a seed. Out: `Labelled` titles in the knowledge base's own types.
Generated listings hold words of the knowledge base alone; here brands are made up of syllables, and products of a word and a head (`蒜泥` +
`器`), so that a net must go by what a word is made of and by what stands around it.
"""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from smallpool_core.errors import KnowledgeRefused, Problem
from smallpool_models.ner.titles import Labelled, Place
from smallpool_models.understanding import KnowledgeUnderstander

FILE = "piles.toml"
_NOISE = (0, 1, 1, 2, 2, 3, 4)
"""How many words that are nothing to find stand in a title, each as often."""
_ATTRIBUTES = {"style": 28, "function": 26, "spec": 16, "whom": 11, "material": 10, "colour": 9, "model": 7, "origin": 4}
"""How often each kind is drawn beside the products."""
_CODE = "abcdefghijklmnopqrstuvwxyz"
_COUNTS = "一二两三四五六八十"
_COMMON = 1.5e-6
"""A word of running text that is at least so common may stand in a title and be nothing to find."""
Part = tuple[str, str]
"""A piece of a title and its kind; a piece that is nothing to find has the kind `""`."""


class _Family(Struct, frozen=True, forbid_unknown_fields=True):
    tops: tuple[str, ...]
    products: str
    heads: str
    before: str


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    style: str
    function: str
    whom: str
    material: str
    colour: str
    origin: str
    promo: str
    brand_first: str
    brand_rest: str
    latin: str
    units: str
    families: tuple[_Family, ...]


class _Shelf(Struct, frozen=True):
    """What shops of one kind sell: products as they stand, and words and heads to make more of."""

    products: tuple[str, ...]
    heads: tuple[str, ...]
    before: tuple[str, ...]


class Piles:
    """Makes piles of an understander's words; construction reads `piles.toml` and raises `KnowledgeRefused` where it is of another form."""

    def __init__(self, understander: KnowledgeUnderstander, folder: Path) -> None:
        words, self.sha256 = _read(folder / FILE)
        knowledge = understander.knowledge
        self._shelves = [_Shelf(*(tuple(part.split()) for part in (one.products, one.heads, one.before))) for one in words.families]
        self._products = [surface.text for product in knowledge.products for surface in product.surfaces]
        self._brands = [brand.display for brand in knowledge.brands]
        self._brands += [surface.text for brand in knowledge.brands for surface in brand.surfaces if not surface.ambiguous]
        listed = {kind: getattr(words, kind).split() for kind in ("style", "function", "whom", "material", "colour", "origin")}
        known = {kind: [surface.text for entry in knowledge.points[kind] for surface in entry.surfaces] for kind in listed}
        self._points = {kind: (listed[kind], known[kind]) for kind in listed}
        self._first, self._rest = words.brand_first.split(), words.brand_rest.split()
        heads = tuple({head for shelf in self._shelves for head in (*shelf.heads, *shelf.products)})
        listable = {word for kind in listed.values() for word in kind}
        common = understander.segmenter.common_words(_COMMON)
        self._common = [word for word in common if not (word.endswith(heads) or word in listable or understander.lexicon.knows(word))]
        self._promo, self._latin, self._units = words.promo.split(), words.latin.split(), words.units.split()

    def make(self, count: int, seed: int) -> list[Labelled]:
        """`count` titles; the same seed gives the same, and a smaller count the first of them."""
        rng = random.Random(f"piles {seed}")  # noqa: S311  seeded: the same titles every time
        return [self._title(rng) for _ in range(count)]

    def _title(self, rng: random.Random) -> Labelled:
        shelf = rng.choice(self._shelves)
        attributes = [self._attribute(rng) for _ in range(rng.choice((0, 1, 2, 2, 3, 4, 5, 7)))]
        products = self._few_products(shelf, rng)
        groups = [*([part] for part in attributes), *products, *([(rng.choice(self._common), "")] for _ in range(rng.choice(_NOISE)))]
        rng.shuffle(groups)
        parts = [part for group in groups for part in group]
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            parts.insert(rng.randint(0, len(parts)), (rng.choice(self._promo), ""))
        if rng.random() < 0.5:
            brand = self._brand(rng)
            parts[:0] = brand if rng.random() < 0.85 else [(rng.choice(self._promo), ""), *brand]
            if rng.random() < 0.15:
                parts[rng.randint(len(brand), len(parts)) :] = [*brand, *products[0]]
        elif rng.random() < 0.12:
            parts[rng.randint(0, len(parts)) : 0] = [
                (rng.choice(("适用", "适用于", "专用", "通用")), ""),
                *self._brand(rng),
                (self._code(rng), "model"),
            ]
        return _written(parts, rng)

    def _few_products(self, shelf: _Shelf, rng: random.Random) -> list[list[Part]]:
        """One to five things; often one of them again, or with the same head, as shops repeat what they want to be found by."""
        head = rng.choice(shelf.heads)
        made = [self._product(shelf, head if rng.random() < 0.35 else rng.choice(shelf.heads), rng) for _ in range(rng.randint(1, 5))]
        return made + ([rng.choice(made)] if rng.random() < 0.2 else [])

    def _product(self, shelf: _Shelf, head: str, rng: random.Random) -> list[Part]:
        """A thing: a word as it stands, or one made of a word and a head. A word before a whole product is mostly said of it apart."""
        drawn = rng.random()
        if drawn < 0.3:
            word = rng.choice(shelf.products)
        elif drawn < 0.5:
            word = rng.choice(shelf.before) + head
        elif drawn < 0.68:
            word = rng.choice(self._products)
        elif drawn < 0.74:
            word = rng.choice(shelf.products) + head
        elif drawn < 0.86:
            before = rng.choice(shelf.before if rng.random() < 0.7 else self._common)
            apart = [(before, ""), (rng.choice(shelf.products), "product")]
            return apart if rng.random() < 0.65 else [(before + apart[1][0], "product")]
        elif drawn < 0.97:
            word = rng.choice(self._common) + head
        else:
            word = rng.choice(self._rest) + rng.choice(self._first) + head
        return [(word, "product")]

    def _attribute(self, rng: random.Random) -> Part:
        kind = rng.choices(list(_ATTRIBUTES), list(_ATTRIBUTES.values()))[0]
        if kind == "spec":
            return self._measure(rng), kind
        if kind == "model":
            return self._code(rng), kind
        listed, known = self._points[kind]
        return rng.choice(known if known and rng.random() < 0.25 else listed), kind

    def _measure(self, rng: random.Random) -> str:
        unit = rng.choice(self._units)
        drawn = rng.random()
        number = str(rng.choice((rng.randint(1, 12), rng.randint(1, 99), 5 * rng.randint(1, 100), 50 * rng.randint(1, 60))))
        if drawn < 0.1 and not unit.isascii():
            return rng.choice(_COUNTS) + unit
        if drawn < 0.2:
            return f"{number}.{rng.randint(1, 9)}{unit}"
        if drawn < 0.32:
            return f"{number}{rng.choice('*x×')}{rng.randint(1, 200)}{unit}"
        if drawn < 0.38:
            return f"{number}-{rng.randint(2, 200)}{unit}"
        if drawn < 0.45:
            return f"{number}{unit}{rng.choice('*x')}{rng.randint(1, 20)}{rng.choice(self._units)}"
        if drawn < 0.5:
            return f"{number}{unit}/{rng.choice('包袋盒瓶箱套件')}"
        return number + unit

    @staticmethod
    def _code(rng: random.Random) -> str:
        letters = "".join(rng.choice(_CODE) for _ in range(rng.choice((0, 1, 1, 2, 2, 3))))
        number = str(rng.randint(2, 99) if letters and rng.random() < 0.4 else rng.randint(100, 9999))
        tail = rng.choice(("", "", "", rng.choice(_CODE), "plus", "pro", " plus", " max")) if letters or rng.random() < 0.3 else ""
        code = letters + rng.choice(("", "", "", "-")) * bool(letters) + number + tail
        return code.upper() if rng.random() < 0.5 else code

    def _brand(self, rng: random.Random) -> list[Part]:
        """A brand as it stands at the head of a title: in one script or two."""
        drawn = rng.random()
        if drawn < 0.3:
            return [(rng.choice(self._brands), "brand")]
        chinese = self._chinese_name(rng)
        if drawn < 0.62:
            return [(chinese, "brand")]
        latin = self._latin_name(rng)
        if drawn < 0.8:
            return [(latin, "brand")]
        opens, closes = rng.choice((("（", "）"), ("(", ")"), ("/", ""), (" ", ""), ("", ""), (".", "")))
        first, second = (chinese, latin) if rng.random() < 0.6 else (latin, chinese)
        return [(first, "brand"), (opens, ""), (second, "brand"), (closes, "")]

    def _chinese_name(self, rng: random.Random) -> str:
        return rng.choice(self._first) + "".join(rng.choice(self._rest) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))

    def _latin_name(self, rng: random.Random) -> str:
        name = "".join(rng.choice(self._latin) for _ in range(rng.choice((2, 2, 3, 3, 4))))
        return rng.choice(
            (name, name, name.upper(), name.capitalize(), f"{name[:2]}{name[2:]} {rng.choice(self._latin)}{rng.choice(self._latin)}")
        )


def family_words(folder: Path) -> list[tuple[str, str]]:
    """The families' products and what products are made of, each with every top category of its family.

    Raises `KnowledgeRefused` where `piles.toml` is of another form.
    """
    words, _ = _read(folder / FILE)
    parts = ((top, f"{one.products} {one.before}") for one in words.families for top in one.tops)
    return [(word, top) for top, text in parts for word in text.split()]


def _written(parts: Sequence[Part], rng: random.Random) -> Labelled:
    """The parts in one line: run together, parted by spaces, or by commas here and there."""
    drawn = rng.random()
    between, share = ("", 0.0) if drawn < 0.45 else (" ", rng.choice((0.2, 0.5, 0.9))) if drawn < 0.85 else (",", 0.3)
    text = ""
    spans: list[Place] = []
    for word, kind in parts:
        glued = text[-1:].isascii() and text[-1:].isalnum() and word[:1].isascii() and word[:1].isalnum()
        if text and (glued or rng.random() < share):
            text += between or " "
        if kind:
            spans.append((len(text), len(text) + len(word), kind))
        text += word
    return Labelled(text, tuple(spans))


def _read(path: Path) -> tuple[_File, str]:
    """The words and the digest of their file."""
    try:
        content = path.read_bytes()
        return msgspec.toml.decode(content, type=_File), hashlib.sha256(content).hexdigest()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KnowledgeRefused(
            [Problem(str(path), str(error), "titles are generated of the words of this file; see the shipped one")]
        ) from error
