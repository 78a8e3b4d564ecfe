"""Encoders without any training, which tell the same things apart as trained ones would: what has terms in common is alike."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from math import sqrt
from struct import pack, unpack

from smallpool_config.vector_models import ServedVectors
from smallpool_core.encoder_ports import Encoders, Interests, Parts, Token
from smallpool_core.items import VECTORS, Given, Understood
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.terms import kind_of
from smallpool_core.vectors import Vectors, packed_vector
from smallpool_indexer.embed import embedded
from write_rig import PlainUnderstander

DIMENSIONS = 64
MODEL = "hashed-1"
WEIGHTS = {"category": 5.0, "brand": 4.0, "point": 3.0, "tag": 2.0, "price_band": 2.0, "word": 0.5}
MOST_INTERESTS = 3
OF_ONE_KIND = 0.4
"""Two things whose inner product is this or more are of one interest."""


@cache
def signs(model: str, token: str) -> tuple[int, ...]:
    digest = blake2b(f"{model} {token}".encode(), digest_size=DIMENSIONS // 8).digest()
    return tuple(1 if bit == "1" else -1 for byte in digest for bit in f"{byte:08b}")


def numbers_of(vector: bytes) -> tuple[float, ...]:
    return unpack(f"<{len(vector) // 4}f", vector)


def product(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(left * right for left, right in zip(one, other, strict=True))


class HashedItems:
    """An item is the sum of signs that hashes of its parts decide; another model has other signs."""

    dimensions = DIMENSIONS

    def __init__(self, model: str = MODEL) -> None:
        self.model = model
        self.asked: list[Parts] = []

    def encode(self, items: Sequence[Parts]) -> list[bytes]:
        self.asked += items
        return [self._encoded(one) for one in items]

    def _encoded(self, parts: Parts) -> bytes:
        path = parts.category.split(PATH_SEPARATOR) if parts.category else []
        levels = [f"category:{PATH_SEPARATOR.join(path[: depth + 1])}" for depth in range(len(path))]
        words = [f"word:{word}" for word in parts.title_words]
        sums = [0.0] * DIMENSIONS
        for token in (*levels, *parts.terms, *words):
            weight = WEIGHTS[kind_of(token)]
            sums = [total + weight * sign for total, sign in zip(sums, signs(self.model, token), strict=True)]
        return packed_vector(sums) if any(sums) else b""


class GroupedPeople:
    """Puts what is alike into one interest; an interest is the mean of its tokens."""

    def __init__(self, model: str = MODEL) -> None:
        self.model = model
        self.asked: list[Sequence[Token]] = []
        self.profiles: list[Sequence[bytes]] = []

    def interests(self, tokens: Sequence[Token], profile: Sequence[bytes] = ()) -> Interests:
        self.asked.append(tokens)
        self.profiles.append(profile)
        groups: list[tuple[float, list[float]]] = []
        for token in sorted(tokens, key=lambda one: -one.weight):
            vector = [token.weight * value for value in numbers_of(token.vector)]
            place = next((place for place, group in enumerate(groups) if _alike(group[1], vector)), None)
            if place is None and len(groups) < MOST_INTERESTS:
                groups.append((token.weight, vector))
            elif place is not None:
                weight, sums = groups[place]
                groups[place] = weight + token.weight, [one + other for one, other in zip(sums, vector, strict=True)]
        groups.sort(key=lambda group: -group[0])
        total = sum(weight for weight, _ in groups)
        values = b"".join([packed_vector(sums) for _, sums in groups])
        return Interests(Vectors(self.model, DIMENSIONS, values), tuple([weight / total for weight, _ in groups]))


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    lengths = sqrt(product(one, one)) * sqrt(product(other, other))
    return product(one, other) / lengths >= OF_ONE_KIND


def hashed(model: str = MODEL) -> Encoders:
    """The encoders of one such model."""
    return Encoders(HashedItems(model), GroupedPeople(model))


class Models:
    """The models that a process has, the last of them in force, as `ServedVectors` keeps them."""

    refused = ""

    def __init__(self, *known: Encoders) -> None:
        self.known = list(known)

    @property
    def encoders(self) -> Encoders:
        return self.known[-1]

    @property
    def version(self) -> str:
        return self.encoders.items.model

    def of(self, model: str) -> Encoders | None:
        return next((one for one in self.known if one.items.model == model), None)

    def refresh(self) -> None:
        """There is no folder."""


class Embedding(PlainUnderstander):
    """A plain understander whose listings are embedded by the model in force."""

    def __init__(self, models: "Models | ServedVectors") -> None:
        super().__init__()
        self.models = models

    @property
    def versions(self) -> Mapping[str, str]:
        return {"understander": self.version, VECTORS: self.models.version}

    def understand(self, given: Sequence[Given]) -> list[Understood]:
        return embedded(given, super().understand(given), self.models.encoders.items)


def floats(*values: float) -> bytes:
    """Numbers as a vector holds them, whatever they are."""
    return pack(f"<{len(values)}f", *values)
