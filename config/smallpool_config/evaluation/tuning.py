"""What each source is worth on one site: weights of `fusion`, chosen by sessions that no figure of the test is made of.

In: pages in the making, each with its candidates and the item that was touched next. Out: weights of sources and the smoothing of ranks,
for `[read] source_weights` and `[read] rank_smoothing`.

Candidates are recorded once and ordered anew for each trial. One weight after another is multiplied, and what places the targets higher is
kept; the defaults stay where nothing is clearly better, since a few hundred sessions can be led astray.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from math import log2
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.catalogue import KnownPool
from smallpool_models.evaluation.recall_figures import FAR, NEAR
from smallpool_service.candidates import Candidate
from smallpool_service.fusion import fused
from smallpool_service.person import open_person
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.settings import ReadSettings

TIMES: Final = (0.25, 0.5, 2.0, 4.0)
"""What a weight is multiplied by in a trial: never by nothing, since a source may be worth more to people whom no session shows."""
SMOOTHINGS: Final = (5.0, 15.0, 50.0, 150.0)
CLEARLY: Final = 0.004
"""A trial is kept that gains more of the aim than this; a few hundred sessions show no less."""
ROUNDS: Final = 3
BY_PLACE: Final = 0.2
"""Weight of the targets' places beside the two recalls, of which they tell more than yes or no."""


class Recorded(Struct, frozen=True):
    """The candidates of one page before their order was made: what of each score is not the rank's, (n,), how much of it the rank's
    is, which triggers' weight each matches, (n,), and which are acted on at all.
    """

    target: str
    candidates: tuple[Candidate, ...]
    others: tuple[float, ...]
    rank_share: float
    matched: tuple[float, ...]
    acted_on: frozenset[str]

    def place(self, weights: Mapping[str, float], smoothing: float) -> int | None:
        """Of the target, from 1; None where no source brought it."""
        values = fused(self.candidates, self.matched, self.acted_on, weights, smoothing)
        scores = [other + self.rank_share * value for other, value in zip(self.others, values, strict=True)]
        own = next((score for one, score in zip(self.candidates, scores, strict=True) if one.hit.item_id == self.target), None)
        return None if own is None else 1 + sum(score > own for score in scores)


class Chosen(Struct, frozen=True):
    """Weights and smoothing, and what they are worth on the recorded pages beside the settings that were there."""

    source_weights: dict[str, float]
    rank_smoothing: float
    sessions: int
    before: float
    after: float


async def recorded(recaller: Recaller, request: RecallRequest, known: KnownPool, target: str) -> Recorded:
    """One page, made as a dry run in a pool as `known` says it is."""
    run = recaller.start(request, known)
    pipeline = recaller.pipeline(run, await open_person(run, recaller.ports, recaller.settings))
    await pipeline.execute()
    names, weights = pipeline.taste.dimensions, pipeline.taste.weights
    total = sum(weights[name] for name in names)
    shares = [0.0 if name == "rank" else weights[name] / total for name in names]
    found = list(run.ranked.values())
    match = names.index("match") if "match" in names else None
    return Recorded(
        target=target,
        candidates=tuple([one.candidate for one in found]),
        others=tuple([sum(share * value for share, value in zip(shares, one.values, strict=True)) for one in found]),
        rank_share=weights["rank"] / total if "rank" in names else 0.0,
        matched=tuple([0.0 if match is None else one.values[match] for one in found]),
        acted_on=frozenset(one.item_id for one in found if one.item_id in pipeline.popularity.responses.weights),
    )


def choose(pages: Sequence[Recorded], settings: ReadSettings) -> Chosen:
    """The best of what was tried, from the settings on."""
    pages = [page for page in pages if page.place(settings.source_weights, settings.rank_smoothing) is not None]
    weights, smoothing = dict(settings.source_weights), settings.rank_smoothing
    before = best = _worth(pages, weights, smoothing)
    for _ in range(ROUNDS):
        came_from = best
        for other in SMOOTHINGS:
            if (worth := _worth(pages, weights, other)) > best + CLEARLY:
                smoothing, best = other, worth
        for name, times in product(settings.source_weights, TIMES):
            tried = {**weights, name: weights[name] * times}
            if weights[name] > 0 and (worth := _worth(pages, tried, smoothing)) > best + CLEARLY:
                weights, best = tried, worth
        if best == came_from:
            break
    return Chosen({name: round(weight, 6) for name, weight in weights.items()}, smoothing, len(pages), round(before, 4), round(best, 4))


def applied(settings: ReadSettings, chosen: Chosen) -> ReadSettings:
    """The settings with what was chosen."""
    return replace(settings, source_weights=chosen.source_weights, rank_smoothing=chosen.rank_smoothing)


def _worth(pages: Sequence[Recorded], weights: Mapping[str, float], smoothing: float) -> float:
    """The mean over pages of both recalls, and a little for each place."""
    if not pages or not any(weights.values()):
        return 0.0
    return sum(_value(page.place(weights, smoothing)) for page in pages) / len(pages)


def _value(place: int | None) -> float:
    if place is None or place > FAR:
        return 0.0
    return ((place <= NEAR) + 1) / 2 + BY_PLACE / log2(1 + place)
