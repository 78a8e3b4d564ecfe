"""A person's interests as vectors: what they touched, what they like in the long run, what they ask for now, told apart by a model.

In: the person, the request, the pool. Out: `KnownInterests`, all of one model; None of somebody of whom nothing is known in vectors.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.behaviour import BehaviourSettings, long_terms
from smallpool_core.encoder_ports import Encoders, FindEncoders, Interests, Token
from smallpool_core.errors import StoreError
from smallpool_core.latent import intra_list_similarity
from smallpool_core.pages import Query
from smallpool_core.source_ports import VectorIndex
from smallpool_core.terms import key_of, kind_of, term
from smallpool_core.users import Profile, Touched, TriggerState
from smallpool_core.vectors import Vectors, check_vectors
from smallpool_service.term_vectors import TermVectors, as_item

MOST_SHORT: Final = 48
MOST_LONG: Final = 15
"""With one for the words of the request, 64 things are told apart at most, which is what an encoder of people is quick for."""
VECTORS: Final = "vectors"
"""What `degraded` names where interests, or what is like them, cannot be had."""

Near = tuple[tuple[str, float], ...]
"""Categories with how alike they are to an interest, the most alike first."""


class KnownInterests(Struct, frozen=True):
    """`found` in vectors of one model. `ils` says how alike the items are that were touched last, in [-1, 1]; `visited` are the categories
    that the person acted on, as far as is remembered; `near` are of each interest the categories of the pool nearest to it.
    """

    found: Interests
    ils: float = 0.0
    visited: frozenset[str] = frozenset()
    near: tuple[Near, ...] = ()

    def __len__(self) -> int:
        return len(self.found)

    @property
    def model(self) -> str:
        """The model whose vectors they are."""
        return self.found.vectors.model


class Asking(Struct, frozen=True):
    """Who asks, by which words, when (ms)."""

    state: TriggerState
    profile: Profile | None
    words: str | None
    terms: Sequence[str]
    now: int


class InterestFinder:
    """Finds interests by the model whose vectors are in force; remembers the vectors of terms."""

    def __init__(self, index: VectorIndex, find_encoders: FindEncoders, behaviour: BehaviourSettings) -> None:
        self._index = index
        self._find_encoders = find_encoders
        self._behaviour = behaviour
        self._terms = TermVectors()

    async def find(self, asking: Asking, query: Query, most_near: int) -> KnownInterests | None:
        """The interests, with the `most_near` categories of the query's scope nearest to each; one model throughout.

        Raises `StoreError` where the index or an encoder fails, and where the vectors are of a model that this process does not have.
        """
        model = self._index.model
        if not model:
            return None
        try:
            return await self._found(asking, query, most_near, self._encoders_of(model))
        except StoreError:
            raise
        except Exception as error:  # a net may be somebody's own: whatever it raises costs a page its vectors only
            raise StoreError(f"could not find interests by the model {model!r}: {type(error).__name__}: {error}"[:500]) from error

    def _encoders_of(self, model: str) -> Encoders:
        encoders = self._find_encoders(model)
        if encoders is None:
            raise StoreError(
                f"could not find interests: the vectors in force are of the model {model!r}, which this process does not have; "
                "wait until all listings are embedded by the new one, or lay the old one beside it"
            )
        return encoders

    async def _found(self, asking: Asking, query: Query, most_near: int, encoders: Encoders) -> KnownInterests | None:
        model = encoders.items.model
        touched = last_touched(asking.state)
        known = await self._index.vectors_of([one.item_id for one in touched], model)
        profile = self._of_profile(asking.profile, encoders)
        tokens = [*self._short(asking, touched, known, encoders), *self._long(asking, encoders)]
        # What the app told is all that is known of somebody who did nothing yet.
        tokens = tokens or [Token(vector, 1.0, 0.0, "long") for vector in profile]
        if not tokens:
            return None
        found = encoders.people.interests(tokens, profile)
        if not len(found):
            return None
        check_vectors(found.vectors, model, encoders.items.dimensions)
        items = [known[one.item_id] for one in touched if one.item_id in known]
        ils = intra_list_similarity(Vectors(model, encoders.items.dimensions, b"".join(items)))
        near = await self._index.nearest_categories(query, found.vectors, most_near) if most_near else ()
        return KnownInterests(found, ils, visited(asking.state), near)

    def _short(self, asking: Asking, touched: Sequence[Touched], known: dict[str, bytes], encoders: Encoders) -> Iterator[Token]:
        for one in touched:
            weight = self._behaviour.weight_of(one.type)
            if one.item_id in known and weight > 0:
                yield Token(known[one.item_id], weight, _age_s(one.at, asking.now), "short")
        weight = self._behaviour.weight_of("search")
        vector = self._of_words(asking, encoders) if asking.words is not None and weight > 0 else b""
        if vector:
            yield Token(vector, weight, 0.0, "short")

    def _long(self, asking: Asking, encoders: Encoders) -> Iterator[Token]:
        state = asking.state
        # What was made up by hand, as the lab does, is of one horizon alone.
        known = state if state.long else replace(state, long=state.short)
        heaviest = long_terms(known, asking.now, self._behaviour, MOST_LONG)
        vectors = self._terms.of([name for name, _ in heaviest], encoders.items)
        for name, weighted in heaviest:
            if name in vectors and weighted.weight > 0:
                yield Token(vectors[name], weighted.weight, _age_s(weighted.at, asking.now), "long")

    def _of_words(self, asking: Asking, encoders: Encoders) -> bytes:
        """What is asked for in words: by an encoder of words, else as an item of which the terms are known that the words stand for."""
        if encoders.words is not None and asking.words is not None:
            [vector] = encoders.words.encode([asking.words])
        else:
            [vector] = encoders.items.encode([as_item(*asking.terms)])
        return vector

    def _of_profile(self, profile: Profile | None, encoders: Encoders) -> list[bytes]:
        tags = profile.tags if profile is not None else ()
        return list(self._terms.of([term("tag", tag) for tag in tags], encoders.items).values())


def last_touched(state: TriggerState) -> list[Touched]:
    """The items that a person acted on last, sold ones included, each once; the last first."""
    last: dict[str, Touched] = {}
    for touched in sorted([*state.recent, *state.bought], key=lambda touched: touched.at, reverse=True):
        last.setdefault(touched.item_id, touched)
    return list(last.values())[:MOST_SHORT]


def visited(state: TriggerState) -> frozenset[str]:
    """The path keys of the categories that a person acted on, and of those above them."""
    return frozenset(key_of(name) for name in (*state.short, *state.long) if kind_of(name) == "category")


def _age_s(at: int, now: int) -> float:
    """How long ago something was; what is ahead of the clock is now."""
    return max(0, now - at) / 1000
