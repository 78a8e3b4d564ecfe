"""The values that flow between stages: lists of hits by source, then one list of candidates, then scored ones."""

from collections.abc import Mapping, Sequence
from math import isfinite

from msgspec import Struct

from smallpool_core.pages import Answer, Dropped, Hit, Query, SourceFailure
from smallpool_service.interests import KnownInterests


class Question(Struct, frozen=True):
    """What every source is asked: a query to the wide index, the person's integer trigger weights (possibly none), and the ids of the items
    that they touched and bought, the last first, sold ones included. `seed` (below 2^63) decides what is left to chance; it is the
    request's. `interests` are there where a source that is asked looks for what is like them, and something is known of the person.
    """

    query: Query
    weights: Mapping[str, int]
    touched: Sequence[str] = ()
    bought: Sequence[str] = ()
    seed: int = 0
    interests: KnownInterests | None = None


class Recalled(Struct, frozen=True):
    """The answers of the sources that worked, by source, and the failures of those that did not. `asked` is for how many rows each was
    asked, where that is not the limit of the question that all were asked.
    """

    answers: Mapping[str, Answer]
    failures: tuple[SourceFailure, ...] = ()
    asked: Mapping[str, int] = {}

    def __len__(self) -> int:
        return sum(len(answer.hits) for answer in self.answers.values())

    @property
    def exhausted(self) -> bool:
        """Whether no source that worked would give more if it were asked for more."""
        return all(answer.exhausted for answer in self.answers.values())


class Lists(Struct, frozen=True):
    """Hits by source, best first, and what the stage that made this left out."""

    by_source: Mapping[str, Sequence[Hit]]
    dropped: tuple[Dropped, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.by_source.values()))

    @property
    def item_ids(self) -> list[str]:
        """Each item's id once, in order of first appearance."""
        return list({hit.item_id: None for hits in self.by_source.values() for hit in hits})


class Candidate(Struct, gc=False):
    """One item with its rank (from 1) in each source that gave it, what it is related to (`Hit.via`), whichever source said so, and by
    which of the person's interests (from 1) a source found it.
    """

    hit: Hit
    ranks: dict[str, int]
    via: tuple[str, ...] = ()
    interests: dict[str, int] = {}


class Scored(Struct, frozen=True, gc=False):
    """A candidate with its value in each score dimension, in [0, 1], and the weighted sum of them times `factor`, which is what an
    operator boosts or buries it by; `kinds` are the places of the pool's quotas that count it, `ranked` is what a
    ranker gave it.
    """

    candidate: Candidate
    values: tuple[float, ...]
    score: float
    factor: float = 1.0
    kinds: tuple[int, ...] = ()
    ranked: float | None = None

    @property
    def item_id(self) -> str:
        """The item's id."""
        return self.candidate.hit.item_id

    @property
    def is_finite(self) -> bool:
        """Whether the score is a number that can be compared."""
        return isfinite(self.score)
