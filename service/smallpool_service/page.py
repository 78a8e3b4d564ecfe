"""What a caller gets: `Page`, with JSON exactly as the HTTP contract says, and the trace of how it came about."""

from msgspec import UNSET, Struct, UnsetType, field

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Dropped, Short, SourceFailure


class Explained(Struct, frozen=True):
    """Why an item is on the page: its rank in each source (from 1), the weight of each trigger it matched, its value in each score
    dimension, the factor by which the pool boosts or buries it, the places of the pool's quotas that count it,
    and what a ranker gave it.
    """

    sources: dict[str, int]
    triggers: dict[str, int]
    score: dict[str, float]
    factor: float = 1.0
    quotas: tuple[int, ...] | UnsetType = UNSET
    ranker: float | UnsetType = UNSET


class PageItem(Struct, frozen=True, kw_only=True, gc=False):
    """One line of a page; without `explain` it is also the payload that is claimed and replayed."""

    item_id: str
    category: list[str]
    score: float
    sources: list[str]
    explain: Explained | UnsetType = UNSET


class StageTrace(Struct, frozen=True):
    """How many values a stage took in and gave out, and how long it took (ms), over all rounds of the request."""

    stage: str
    came_in: int = field(name="in")
    came_out: int = field(name="out")
    ms: float


class TraceReport(Struct, frozen=True, kw_only=True):
    """How the page came about. `age_ms` is how far the data may lag behind what was published, None if nobody measures it.

    `candidates` counts all rows that the sources gave; `drops` is there when an explanation was asked for.
    """

    stages: list[StageTrace]
    failed: list[SourceFailure]
    bucket: dict[str, str]
    age_ms: int | None
    rounds: int
    candidates: int
    drops: list[Dropped] | UnsetType = UNSET


class Page(Struct, frozen=True, kw_only=True):
    """One page. `short` says why it holds fewer items than asked for; `degraded` names what did not work."""

    request_id: str
    pool_id: str
    items: list[PageItem]
    replayed: bool | UnsetType = UNSET
    short: Short | None
    degraded: list[str]
    bucket: dict[str, str]
    trace: TraceReport


def path_of(category_key: str) -> list[str]:
    """A category key as the list of its elements, `"数码›手机"` -> `["数码", "手机"]`."""
    return category_key.split(PATH_SEPARATOR)
