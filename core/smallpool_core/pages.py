"""Questions to the wide index and what comes back, and the claim that turns candidates into a page."""

from typing import Literal

from msgspec import Struct

from smallpool_core.cuts import Cut
from smallpool_core.items import Sale
from smallpool_core.rules import Rule

Short = Literal["exhausted", "category_cap", "seller_cap", "quota", "deadline"]
PAGE_KEPT_MS = 600_000
"""A closed page is replayed for this long after it closed."""
RESUMABLE_MS = 2_000
"""An open page, which a crash left behind, is resumed until this long past its deadline."""


class Scope(Struct, frozen=True):
    """Where recall looks: one pool. While its tag is not `trusted`, `rule` alone decides who is in it.

    A trusted tag still comes with the rule: where `rule.is_timed`, a row must be tagged *and* hold at `now`.
    `everything` is the home pool, which has neither tag nor rule: all that is not tagged as banned. With a `cut`, only what is within it.
    """

    pool_id: str
    rule: Rule
    trusted: bool
    everything: bool = False
    cut: Cut | None = None


class Query(Struct, frozen=True):
    """What every question to the wide index holds: rows in `scope`, on sale, published, unexpired at `now`, not `excluded`, of none of the
    `excluded_sellers`.

    At most `cap` rows per spread key (the category path, cut to its first `spread_level` elements if given) and
    `limit` rows in all, *after* the cap.
    """

    scope: Scope
    excluded: frozenset[str]
    cap: int
    limit: int
    now: int
    spread_level: int | None = None
    excluded_sellers: frozenset[str] = frozenset()


class Hit(Struct, frozen=True, gc=False):
    """One row that was recalled. Scores are in thousandths, `static_score` in 0 … 511, times in ms, price in cents.

    `rank_score` is what the port ordered by; `terms` are the query's terms that the row has, `via` the items
    (`item:ID`) and terms from whose lists of related items it came, the heaviest first; `interest` is the person's interest (from 1)
    that it was found by, 0 where it was found otherwise.
    """

    item_id: str
    version: int
    enrich: int
    category: str
    spread_key: str
    seller_id: str | None
    price_cents: int | None
    quality: int
    seller_score: int
    published_at: int
    expires_at: int | None
    static_score: int
    rank_score: int = 0
    terms: tuple[str, ...] = ()
    sale: Sale | None = None
    via: tuple[str, ...] = ()
    interest: int = 0


class SourceFailure(Struct, frozen=True):
    """A source, or a store behind it, that failed or was late; never fatal."""

    source: str
    reason: str


class Answer(Struct, frozen=True):
    """Hits in order, and whether the scope holds no more of them under the cap (a longer limit would give none).

    A source says what differs from its question: `asked`, how many it looked for, if not as many as the limit; `found`, how many it had
    before it looked which of them the query allows, if it did not look inside the scope alone.
    """

    hits: tuple[Hit, ...]
    exhausted: bool
    asked: int | None = None
    found: int | None = None


class LiveItem(Struct, frozen=True, gc=False):
    """What the live view knows of one item, as seen from one pool at one instant.

    `in_pool` is the tag and, for a rule that depends on time, its intervals; `is_on_sale` includes publication
    and expiry by the clock; `is_cut` says whether the item lies beyond the cut-off that was asked about.
    """

    item_id: str
    version: int
    enrich: int
    is_on_sale: bool
    in_pool: bool
    is_expired: bool
    expires_at: int | None
    seller_id: str | None
    spread_key: str
    is_cut: bool = False


class Entry(Struct, frozen=True, gc=False):
    """One candidate offered to the claim, and one line of a page. `payload` is opaque and replayed verbatim."""

    item_id: str
    spread_key: str
    expires_at: int | None
    payload: bytes


class SeenEntry(Struct, frozen=True, array_like=True, gc=False):
    """One item that was served, and when (ms)."""

    item_id: str
    at: int


class StoredPage(Struct, frozen=True):
    """The page kept for one request_id. `short` says why it closed with fewer than n entries."""

    request_id: str
    fingerprint: str
    rounds: int
    closed: bool
    entries: tuple[Entry, ...]
    short: Short | None = None


class Opening(Struct, frozen=True):
    """What one request finds when it opens: the seen list, oldest first, and a page already stored under its request_id."""

    seen: tuple[SeenEntry, ...]
    page: StoredPage | None


class ClaimRequest(Struct, frozen=True):
    """One round of one page, applied atomically or not at all.

    `round` counts from 0. `ordered` is best first. `n` is the page size, `cap` counts over the whole page,
    `spread_key` equality decides. `deadline` and `now` in ms. `short` is kept if the page closes below n.
    """

    identity: str
    pool_id: str
    request_id: str
    round: int
    ordered: tuple[Entry, ...]
    n: int
    cap: int
    seen_size: int
    allow_seen: bool
    now: int
    deadline: int
    final: bool
    fingerprint: str
    short: Short | None = None


class Claimed(Struct, frozen=True):
    """The page after the claim; `closed_now` is true for the one call that closed it."""

    entries: tuple[Entry, ...]
    rounds: int
    closed: bool
    closed_now: bool
    short: Short | None = None


class Dropped(Struct, frozen=True, gc=False):
    """A candidate that a stage left out, and why; `detail` is for people."""

    item_id: str
    stage: str
    reason: str
    detail: str = ""
