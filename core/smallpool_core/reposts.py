"""Reposts: listings that say nearly the same as an earlier one, and so offer the same thing again.

In: sketches of what listings say. Out: how alike two are, whether they contradict each other, and which listing another repeats.

Likeness is the weighted Jaccard similarity of what the texts hold (Ioffe, *Improved consistent sampling*, 2010, eq. 1). A number, a
word in Latin letters, a colour or a size that stands against another one makes two things of it, however alike the words are.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
Key = TypeVar("Key")

MOST_ALIKE = 64
"""Listings that one band remembers; of more the earliest, since one of them is the original."""
MOST_COMPARED = 6
"""Others that a listing is compared with: what is nearly the same shares most of its bands, what merely has words in common one."""

_ROUNDED = 1 - 1e-9
"""So that nothing is ruled out by the last digit of a product."""


class RepostSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as a repost.

    similarity: how alike (0 … 1) two texts must be. similarity_of_others: the same where the sellers differ: two of them may well
    sell the same model in the same words. facts_shared: how much of the numbers, Latin words, colours and the like that either names both
    must name. least_weight: what a title must hold at least (a pair of characters is 1, a word in Latin
    letters 2, a number 3) to be held against another seller's. kept_s: how long a listing is remembered after it was last taken in;
    one that leaves is forgotten at once. pause_ms: after the index fails, listings are taken in unmarked for so long before it is asked
    again.
    """

    similarity: Share = 0.55
    similarity_of_others: Share = 0.62
    facts_shared: Share = 0.5
    least_weight: Positive = 16
    kept_s: Positive = 30 * 86_400
    pause_ms: Positive = 30_000


class Sketch(Struct, frozen=True, array_like=True):
    """What a listing says: `bands` of MinHash, of which alike ones share at least one; weights by hashed n-gram; facts by their kind.

    `title_weight` is what the title alone holds: descriptions of two sellers are often of the same sentences.
    """

    bands: tuple[int, ...]
    weights: dict[int, int]
    facts: dict[str, tuple[str, ...]]
    title_weight: int = 0


class Listing(Struct, frozen=True, array_like=True):
    """A listing on sale as the index remembers it; `published_at` (ms) decides which of two is the original, then the id."""

    item_id: str
    seller_id: str | None
    published_at: int
    sketch: Sketch

    @property
    def age(self) -> tuple[int, str]:
        """The earliest of a group is the smallest by this."""
        return (self.published_at, self.item_id)


def nearest(bands: Iterable[Sequence[Key]], most: int = MOST_COMPARED) -> list[Key]:
    """Of the members of some bands, each with its earliest first, those that are in most of them; of equals who comes first."""
    shared = Counter(chain.from_iterable(bands))
    several = [member for member, times in shared.items() if times > 1]
    if len(several) < most:
        several += islice((member for member, times in shared.items() if times == 1), most - len(several))
    return sorted(several, key=shared.__getitem__, reverse=True)[:most]  # which keeps the order of equals


def similarity(one: Mapping[int, int], other: Mapping[int, int], least: float = 0.0) -> float:
    """Σ min / Σ max over all n-grams, in [0, 1]; two empty texts are not alike.

    What is below `least` may be given as 0: where the weights alone rule it out, n-grams are not looked at.
    """
    mine, theirs = sum(one.values()), sum(other.values())
    if not mine or not theirs or min(mine, theirs) < least * max(mine, theirs) * _ROUNDED:
        return 0.0
    shared = sum([min(one[gram], other[gram]) for gram in one.keys() & other.keys()])
    return shared / (mine + theirs - shared)


def contradict(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]], least_shared: float) -> bool:
    """Whether each names something of one kind that the other does not, such as 128 against 256, or too few facts are in both.

    What only one of them adds to a kind says nothing by itself. A fact counts as often as it is named: 128 twice is not 128 and 256.
    """
    shared = every = 0
    for kind in one.keys() | other.keys():
        mine, theirs = one.get(kind, ()), other.get(kind, ())
        if mine == theirs:
            both = len(mine)
        else:
            both = (Counter(mine) & Counter(theirs)).total() if mine and theirs else 0
            if both < len(mine) and both < len(theirs):
                return True
        shared += both
        every += max(len(mine), len(theirs))
    return shared < least_shared * every


def is_same_thing(one: Listing, other: Listing, settings: RepostSettings) -> bool:
    """Whether the two offer one thing."""
    mine, theirs = one.sketch, other.sketch
    is_one_seller = one.seller_id is not None and one.seller_id == other.seller_id
    if not is_one_seller and min(mine.title_weight, theirs.title_weight) < settings.least_weight:
        return False
    least = settings.similarity if is_one_seller else settings.similarity_of_others
    return similarity(mine.weights, theirs.weights, least) >= least and not contradict(mine.facts, theirs.facts, settings.facts_shared)


def originals(listing: Listing, candidates: Sequence[Listing], settings: RepostSettings) -> list[str]:
    """Ids of the earlier listings of the same thing, the earliest first."""
    earlier = [one for one in candidates if one.age < listing.age and is_same_thing(one, listing, settings)]
    return [one.item_id for one in sorted(earlier, key=lambda one: one.age)]
