"""Lets a ranker score what the weights have scored already: in their place, or blended with them.

In: scored candidates and their features. Out: the same with another score; as they were where the ranker fails or is late.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, log10
from typing import Final

from msgspec.structs import replace

from smallpool_core.ranking import FEATURES
from smallpool_service.candidates import Scored
from smallpool_service.late_ranker import LateRanker, LeftOut
from smallpool_service.popularity import Popularity
from smallpool_service.run import Run
from smallpool_service.score import UNKNOWN_PRICE_FIT, Taste, values_of
from smallpool_service.settings import ReadSettings

HOUR_MS: Final = 3_600_000
STATIC_MOST: Final = 511
_ALWAYS_KNOWN: Final = ("quality", "freshness", "seller", "popularity")
RANKER: Final = "ranker"


def features_of(scored: Sequence[Scored], taste: Taste, popularity: Popularity) -> list[tuple[float, ...]]:
    """Of each candidate the numbers that `FEATURES` names, in that order; all finite. What a pool does not weigh is there all the same,
    but for `vector`, which costs a look at the index.
    """
    hits, weighed = [one.candidate.hit for one in scored], taste.dimensions
    columns: dict[str, Sequence[float]] = {"match": [0.0] * len(hits), "vector": [0.0] * len(hits)}
    columns["price_fit"] = [UNKNOWN_PRICE_FIT] * len(hits)
    known = [*_ALWAYS_KNOWN, *(["match"] if taste.triggers else []), *(["price_fit"] if taste.prices else [])]
    columns |= {name: values_of(name, hits, taste, popularity) for name in known if name not in weighed}
    columns |= {name: [one.values[place] for one in scored] for place, name in enumerate(weighed) if name in FEATURES}
    ranks, now = [one.candidate.ranks.values() for one in scored], taste.now
    columns |= {
        "static": [hit.static_score / STATIC_MOST for hit in hits],
        "matched": [float(len(hit.terms)) for hit in hits],
        "sources": [float(len(some)) for some in ranks],
        "best_rank": [1 / min(some) if some else 0.0 for some in ranks],
        "price": [log10(1 + (hit.price_cents or 0)) for hit in hits],
        "age_h": [max(0, now - hit.published_at) / HOUR_MS for hit in hits],
        "left_h": [0.0 if hit.expires_at is None else max(0, hit.expires_at - now) / HOUR_MS for hit in hits],
        "ends": [float(hit.expires_at is not None) for hit in hits],
        "auction": [float(hit.sale == "auction") for hit in hits],
    }
    return list(zip(*[columns[name] for name in FEATURES], strict=True))


def ranker_of(rankers: Mapping[str, LateRanker], pool_id: str) -> LateRanker | None:
    """The pool's own ranker, else the one for all pools."""
    return rankers.get(pool_id) or rankers.get("")


async def rank(
    scored: Sequence[Scored], ranker: LateRanker, run: Run, taste: Taste, popularity: Popularity, settings: ReadSettings
) -> Sequence[Scored]:
    """`share · r + (1 - share) · weighted mean`, r the ranker's score cut to [0, 1]; where that is no finite number the candidate sinks.

    A ranker that fails, is late, is left out for having been or gives another number of scores leaves all as they were, and `degraded`
    says `ranker`.
    """
    if not scored:
        return scored
    left_ms = run.until(settings.ranker_time_share) - run.now()
    try:
        found = await ranker.rank(features_of(scored, taste, popularity), left_ms / 1000)
    except TimeoutError:
        run.degrade(RANKER, f"no answer in {left_ms} ms")
        return scored
    except LeftOut as left_out:
        run.degrade(RANKER, str(left_out))
        return scored
    except Exception as error:  # noqa: BLE001  a ranker is somebody's own model: whatever it raises costs its own scores only
        run.degrade(RANKER, f"{type(error).__name__}: {error}"[:200])
        return scored
    if len(found) != len(scored):
        run.degrade(RANKER, f"{len(found)} scores for {len(scored)} candidates")
        return scored
    share = settings.ranker_share
    return [_with(one, worth, share) for one, worth in zip(scored, found, strict=True)]


def _with(scored: Scored, worth: float, share: float) -> Scored:
    if not isfinite(worth):
        return replace(scored, score=worth, ranked=worth)
    cut = min(1.0, max(0.0, worth))
    return replace(scored, score=share * cut + (1 - share) * scored.score, ranked=cut)
