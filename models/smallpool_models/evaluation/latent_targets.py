"""Targets of a category that the history lacks: found by latent interests, or by which categories come after which.

In: questions, the category of each item, and who scores. Out: scorers that recall inside some categories alone; the questions it is about.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.latent import latent_categories
from smallpool_models.evaluation.co_visit import CoVisits
from smallpool_models.evaluation.interest_scorer import Interested
from smallpool_models.evaluation.next_item import Places, Questions, Scorer, Scores

Categories = NDArray[np.int32]
"""(items,) the number of each item's category, from 0 on; -1 for none."""
WITHIN: Final = 20
"""A target among so many is found."""


def of_new_categories(asked: Questions, categories: Categories) -> Questions:
    """The questions whose target is of a category that none of the history is of."""
    own = categories[asked.targets]
    news = [row for row, history in enumerate(asked.histories) if own[row] >= 0 and own[row] not in categories[history]]
    return Questions([asked.histories[row] for row in news], asked.targets[news])


class LatentInterests:
    """Recalls inside {`near` nearest categories of an interest} − {categories of the history}, by the largest product with an interest.

    A category lies where its items do: at the mean of their vectors, scaled to unit length.
    """

    def __init__(self, interested: Interested, categories: Categories, near: int) -> None:
        self._interested, self._categories, self._near = interested, categories, near
        self._centres = centres(interested.vectors, categories)

    def chosen(self, history: Places) -> list[int]:
        """The latent categories, the most alike first."""
        likeness = self._interested.interests(history) @ self._centres.T
        nearest = [[(str(one), float(row[one])) for one in np.argsort(-row, kind="stable")[: self._near]] for row in likeness]
        recent = {str(one) for one in self._categories[history]}
        return [int(one.category) for one in latent_categories(nearest, recent)]

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`; whatever is of no latent category is not recalled."""
        scores = self._interested.scores(histories)
        for row, history in enumerate(histories):
            scores[row, ~np.isin(self._categories, self.chosen(history))] = -np.inf
        return scores


class CoOccurring:
    """Recalls inside the `most` categories that come after those of the history, as `CoVisits` of categories counts them, without those of
    the history. What `within` says of an item orders it; where it is `weighed`, times that count of its category.
    """

    def __init__(self, sequences: Sequence[Places], categories: Categories, most: int, within: Scorer, *, weighed: bool) -> None:
        self._categories, self._most, self._within, self._weighed = categories, most, within, weighed
        self._count = int(categories.max()) + 1
        self._after = CoVisits([one[one >= 0] for one in (categories[sequence] for sequence in sequences)], self._count)

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`."""
        items = self._within.scores(histories)
        for row, history in enumerate(histories):
            visited = self._categories[history]
            after = self._after.scores([visited[visited >= 0]])[0]
            after[visited[visited >= 0]] = 0
            chosen = np.argsort(-after, kind="stable")[: self._most]
            worth = np.zeros(self._count + 1, dtype=np.float32)  # the last is for items of no category, whose number is -1
            worth[chosen] = after[chosen]
            own = worth[self._categories]
            items[row] = np.where(own > 0, own * items[row] if self._weighed else items[row], -np.inf)
        return items


class Unvisited:
    """What any scorer says, of items in categories that the history lacks."""

    def __init__(self, scorer: Scorer, categories: Categories) -> None:
        self._scorer, self._categories = scorer, categories

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`."""
        scores = self._scorer.scores(histories)
        for row, history in enumerate(histories):
            scores[row, np.isin(self._categories, self._categories[history])] = -np.inf
        return scores


class ShareOfCategory:
    """The same for everybody: what part of all that was done in its category was done with an item."""

    def __init__(self, sequences: Sequence[Places], categories: Categories) -> None:
        counts = np.bincount(np.concatenate(sequences), minlength=len(categories)).astype(np.float32)
        of_all = np.bincount(categories + 1, counts)[categories + 1]
        self._shares = (counts / np.maximum(of_all, 1)).astype(np.float32)

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`."""
        return np.tile(self._shares, (len(histories), 1))


def centres(vectors: NDArray[np.float32], categories: Categories) -> NDArray[np.float32]:
    """(categories, d) float32 of unit length; zeros for a category of whose items none has a vector."""
    sums = np.zeros((int(categories.max()) + 1, vectors.shape[1]), dtype=np.float32)
    there = categories >= 0
    np.add.at(sums, categories[there], vectors[there])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    np.divide(sums, lengths, out=sums, where=lengths > 0)
    return sums
