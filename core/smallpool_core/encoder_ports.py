"""Ports of what turns items, people and words into vectors of one space: `source_ports.py` goes on here, with the same promises.

In: what is known of an item when it is published, of what a person did, of words. Out: unit vectors that name the model that made them.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from smallpool_core.vectors import Vectors

Horizon = Literal["short", "long"]


class Parts(Struct, frozen=True):
    """What of an item is embedded; any of it may be missing.

    `category` is a path key, `terms` are terms of the item (brand, points, tags, price band), `title_words` the words of its title.
    `item_id` counts for models that were trained with a residual of ids, and for those only if they know it.
    """

    category: str = ""
    terms: tuple[str, ...] = ()
    title_words: tuple[str, ...] = ()
    item_id: str = ""


class Token(Struct, frozen=True):
    """One thing that a person did or likes, as a vector of the item space: (d,) float32, little-endian, of unit length.

    `weight` is above 0, what the behaviour is worth; `age_s` how long ago it was. A touched item is of the horizon `short`; what is
    known of the mid and long term, terms embedded as items that have nothing else, is `long`.
    """

    vector: bytes
    weight: float
    age_s: float
    horizon: Horizon


class Interests(Struct, frozen=True):
    """A person's interests, the heaviest first, (k, d); `shares` add up to 1, how much of the behaviour each stands for."""

    vectors: Vectors
    shares: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.shares)


class ItemEncoder(Protocol):
    """Embeds items from what they are. Computes inline, keeps no state, safe for threads."""

    @property
    def model(self) -> str:
        """Names what makes the vectors."""
        ...

    @property
    def dimensions(self) -> int:
        """Of each vector."""
        ...

    def encode(self, items: Sequence[Parts]) -> list[bytes]:
        """For each item (d,) float32, little-endian, of unit length; empty for one of which the model knows nothing. An item has the same
        vector alone and among others.
        """
        ...


class UserEncoder(Protocol):
    """Turns what a person did into their interests, at the request. Computes inline in at most 2 ms for 64 tokens; keeps no state."""

    @property
    def model(self) -> str:
        """The model whose items' vectors the tokens are; the interests are of the same."""
        ...

    def interests(self, tokens: Sequence[Token], profile: Sequence[bytes] = ()) -> Interests:
        """At most as many interests as the model has, and none of no tokens. `profile` are vectors of what the app told of the person
        (their tags). Raises `VectorRefused` for tokens that are no vectors of the model.
        """
        ...


class WordEncoder(Protocol):
    """Embeds what people type, a query or a keyword, into the item space: what it is meant to find lies near it."""

    @property
    def model(self) -> str:
        """The model of the item space."""
        ...

    @property
    def version(self) -> str:
        """The model of words itself: another one may lie in the same space."""
        ...

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """For each text (d,) float32 of unit length; empty for one of which the model knows nothing."""
        ...


class Encoders(Struct, frozen=True):
    """The encoders of one model, whose vectors are of one space; none of words where nothing is trained for them."""

    items: ItemEncoder
    people: UserEncoder
    words: WordEncoder | None = None


FindEncoders = Callable[[str], Encoders | None]
"""The encoders of a model by its name, None where this process does not have it."""
