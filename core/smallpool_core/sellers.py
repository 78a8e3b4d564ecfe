"""Sellers by how they deal: what becomes of their orders, how buyers rate them, how soon they answer.

In: seller events. Out: a record of decayed sums, and the seller score made of it.

Each part is the mean of a beta distribution whose prior says what is thought of a seller of whom nothing is known, and whose evidence
fades by a forgetting factor (Jøsang, Ismail, *The beta reputation system*, 2002, eqs. 5 and 15): with good evidence g out of all evidence n

    part = (prior_strength · prior + g) / (prior_strength + n)

so a new seller stands at the prior, a few events move little, and a seller who does nothing any more comes back to it.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct
from msgspec.structs import replace

from smallpool_core.items import THOUSAND

SellerEventType = Literal["completed", "cancelled", "disputed", "rated", "answered"]
SELLER_EVENT_TYPES: tuple[str, ...] = get_args(SellerEventType)
MOST_STARS: Final = 5
MOST_ANSWER_S: Final = 30 * 86_400
DAY_MS: Final = 86_400_000
PART_WEIGHTS: Final[Mapping[str, float]] = {"orders": 0.6, "rating": 0.25, "answers": 0.15}
"""What a buyer loses by a bad order is more than by bad manners, and manners are more than speed."""

Share = Annotated[float, Meta(ge=0, le=1)]
Above0 = Annotated[float, Meta(gt=0)]


class SellerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How sellers are judged.

    half_life_days: after so long an order, a rating or an answer counts half. prior: the score of a seller of whom nothing is known.
    prior_strength: how many orders, ratings or answers it takes until these count as much as the prior. dispute_weight: a disputed order
    counts as so many that were cancelled. answer_half_s: an answer after so long is worth half of one at once. moved: when the score
    differs by so much from the one on a seller's listings these are enriched again. kept_s: how long a seller is remembered of whom
    nothing more is heard. watched_s: how long a move is held out to owners of listings, who look for it every few seconds.
    """

    half_life_days: Above0 = 90.0
    prior: Share = 0.5
    prior_strength: Above0 = 5.0
    dispute_weight: Above0 = 3.0
    answer_half_s: Above0 = 3_600.0
    moved: Annotated[float, Meta(gt=0, le=1)] = 0.05
    kept_s: Annotated[int, Meta(ge=1)] = 730 * 86_400
    watched_s: Annotated[int, Meta(ge=60)] = 86_400


class SellerEvent(Struct, frozen=True, omit_defaults=True):
    """One thing that became of a seller; `stars` (1 … 5) comes with rated, `answer_s` with answered."""

    type: SellerEventType
    seller_id: str
    at: int
    stars: int | None = None
    answer_s: int | None = None


class SellerRecord(Struct, frozen=True, array_like=True):
    """Decayed sums as of `at` (ms): orders by what became of them, what stars and answers are worth in [0, 1], and how many there were.

    `passed` is the place in the log, by partition, of the last event that is in them; `told` the score as of the last move.
    """

    at: int = 0
    completed: float = 0.0
    cancelled: float = 0.0
    disputed: float = 0.0
    stars: float = 0.0
    rated: float = 0.0
    speed: float = 0.0
    answered: float = 0.0
    passed: dict[int, int] = {}
    told: int | None = None


class SellerScore(Struct, frozen=True):
    """The score in thousandths, and its parts in [0, 1]."""

    score: int
    parts: dict[str, float]


def add_event(record: SellerRecord, event: SellerEvent, partition: int, offset: int, settings: SellerSettings) -> SellerRecord:
    """The record with the event in it; the same record where it is in it already. Events may come late: they count as faded."""
    if offset <= record.passed.get(partition, -1):
        return record
    faded = as_of(record, max(record.at, event.at), settings)
    worth = _faded(event.at, faded.at, settings)
    faded = replace(faded, passed={**record.passed, partition: offset})
    if event.type == "completed":
        return replace(faded, completed=faded.completed + worth)
    if event.type == "cancelled":
        return replace(faded, cancelled=faded.cancelled + worth)
    if event.type == "disputed":
        return replace(faded, disputed=faded.disputed + worth)
    if event.type == "rated":
        return replace(faded, stars=faded.stars + worth * ((event.stars or 1) - 1) / (MOST_STARS - 1), rated=faded.rated + worth)
    speed = 1 / (1 + (event.answer_s or 0) / settings.answer_half_s)
    return replace(faded, speed=faded.speed + worth * speed, answered=faded.answered + worth)


def as_of(record: SellerRecord, now: int, settings: SellerSettings) -> SellerRecord:
    """The record with its sums faded to `now`; a clock that was set back changes nothing."""
    if now <= record.at:
        return record
    left = _faded(record.at, now, settings)
    return SellerRecord(
        now,
        record.completed * left,
        record.cancelled * left,
        record.disputed * left,
        record.stars * left,
        record.rated * left,
        record.speed * left,
        record.answered * left,
        record.passed,
        record.told,
    )


def score_of(record: SellerRecord, now: int, settings: SellerSettings) -> SellerScore:
    """What the seller is worth at `now`."""
    told = as_of(record, now, settings)
    lost = told.cancelled + settings.dispute_weight * told.disputed
    parts = {
        "orders": _mean(told.completed, told.completed + lost, settings),
        "rating": _mean(told.stars, told.rated, settings),
        "answers": _mean(told.speed, told.answered, settings),
    }
    score = sum(PART_WEIGHTS[name] * part for name, part in parts.items())
    return SellerScore(round(THOUSAND * score), {name: round(part, 3) for name, part in parts.items()})


def _mean(good: float, every: float, settings: SellerSettings) -> float:
    return (settings.prior_strength * settings.prior + good) / (settings.prior_strength + every)


def _faded(at: int, now: int, settings: SellerSettings) -> float:
    return float(2 ** (-max(0, now - at) / (settings.half_life_days * DAY_MS)))
