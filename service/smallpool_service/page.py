"""What a caller gets: `Page`, with JSON exactly as the HTTP contract says, and the trace of how it came about."""

from msgspec import UNSET, Struct, UnsetType, field

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Dropped, Short, SourceFailure


class ItemInterest(Struct, frozen=True):
    """The person's interest (from 1) by which a source found an item, with the categories nearest to it in the pool, the nearest first.
    Of the source `latent` the item is of a category that the person never visited, near to that interest.
    """

    source: str
    interest: int
    categories: list[str]


class Explained(Struct, frozen=True):
    """Why an item is on the page: its rank in each source (from 1), the weight of each trigger it matched, its value in each score
    dimension, the factor by which the pool boosts or buries it, the items (`item:ID`) and terms to which it is related, the places of
    the pool's quotas that count it, what a ranker gave it, and the person's interests that it was found by.
    """

    sources: dict[str, int]
    triggers: dict[str, int]
    score: dict[str, float]
    factor: float = 1.0
    via: list[str] = []
    quotas: tuple[int, ...] | UnsetType = UNSET
    ranker: float | UnsetType = UNSET
    interests: list[ItemInterest] | UnsetType = UNSET


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


class SourceTrace(Struct, frozen=True):
    """What became of one source's candidates, over all rounds: `asked` were wanted of it, `returned` it gave, `in_pool` of these lay in the
    pool, `spread` were left by the caps, `filtered` by the filters, `page` are on the page. An item counts for each source that gave it.
    """

    source: str
    asked: int
    returned: int
    in_pool: int
    spread: int
    filtered: int
    page: int


class InterestTrace(Struct, frozen=True):
    """One interest of a person: how much of what they did it stands for, and the categories of the pool that are nearest to it."""

    share: float
    categories: list[str]


class VectorTrace(Struct, frozen=True):
    """The model whose vectors this page went by, from the first question to the last, and how alike the items are that the person touched
    last (`ils`, in [-1, 1]); with an explanation, the interests, the heaviest first.
    """

    model: str
    ils: float
    interests: list[InterestTrace] | UnsetType = UNSET


class TraceReport(Struct, frozen=True, kw_only=True):
    """How the page came about. `age_ms` is how far the data may lag behind what was published, None if nobody measures it. `ages_ms` is how
    old what was computed is that the page used, by its name.

    `candidates` counts all rows that the sources gave. Where an explanation was asked for there are `drops`, and the `triggers` that were
    asked by, with their weights (1 … 1024), and their `origin`: `behaviour`, `prior`, `context` or `none`. `vectors` is there where the
    page went by a person's interests.
    """

    stages: list[StageTrace]
    sources: list[SourceTrace]
    failed: list[SourceFailure]
    bucket: dict[str, str]
    age_ms: int | None
    rounds: int
    candidates: int
    ages_ms: dict[str, int] = {}
    drops: list[Dropped] | UnsetType = UNSET
    triggers: dict[str, int] | UnsetType = UNSET
    origin: str | UnsetType = UNSET
    vectors: VectorTrace | UnsetType = UNSET


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
