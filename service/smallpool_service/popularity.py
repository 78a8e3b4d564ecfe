"""How popular an item is, in [0, 1]: what people did with it for how often it was shown, smoothed by what they do on the whole site.

In: decayed weights and exposures of items, and of the site. Out: a value an item.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from smallpool_core.statistics import Responses

ENOUGH_EXPOSURES: Final = 100.0
"""Decayed exposures of the whole site below which its rate says little: clients hardly report what they show, or nobody came yet."""


class Popularity:
    """Where clients report exposures, `(x + k) / (x + e + 2k)`: e the item's decayed exposures, x = w / μ the exposures that its weight w
    is worth at the site's rate μ of weight an exposure, k the pseudo-count. That is the mean of a Beta whose prior (k, k) says that an item
    does as the site does: an item of which nothing is known has 0.5, and one that was shown a hundred times to no effect little.

    Where they do not, `w / (w + half)`, so an item of which nothing is known has 0.
    """

    def __init__(self, responses: Responses, half: float, pseudo_exposures: float) -> None:
        is_known = responses.exposures_of_all >= ENOUGH_EXPOSURES and responses.weight_of_all > 0
        self._rate = responses.weight_of_all / responses.exposures_of_all if is_known else 0.0
        self.responses = responses
        self._half = half
        self._prior = pseudo_exposures

    def joined(self, other: "Popularity") -> "Popularity":
        """The same, of the items of both."""
        mine, theirs = self.responses, other.responses
        if not mine.weights and not mine.exposures:
            return other
        weights, exposures = {**mine.weights, **theirs.weights}, {**mine.exposures, **theirs.exposures}
        both = replace(theirs, weights=weights, exposures=exposures)
        return Popularity(both, self._half, self._prior)

    def of(self, item_ids: Sequence[str]) -> list[float]:
        """Of each item."""
        weights, exposures, rate, half, prior = self.responses.weights, self.responses.exposures, self._rate, self._half, self._prior
        if rate <= 0:
            known = [weights.get(item_id, 0.0) for item_id in item_ids]
            return [weight / (weight + half) for weight in known]
        known = [weights.get(item_id, 0.0) / rate + prior for item_id in item_ids]
        shown = [exposures.get(item_id, 0.0) + prior for item_id in item_ids]
        return [worth / (worth + times) for worth, times in zip(known, shown, strict=True)]
