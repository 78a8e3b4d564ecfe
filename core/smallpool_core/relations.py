"""X to items: which items people look at, or buy, beside one; which items of a category, brand, seller or tag they act on.

In: what was counted of behaviour, as of some time. Out: a list of items by key, whose counts decay by half,
w(t) = w · 2^(-(t - at) / half_life), and so can be added to later without reading old events again.

What one item j is worth beside another i is `pairs / (count_i^(1 - b) · count_j^b)`: with b = 0 how often j followed, of all times that i
was touched; with b = .5 the cosine (Linden, Smith and York, *Amazon.com recommendations*, 2003; the damping of what is popular as in
Aiolli, *Efficient top-n recommendation for very large scale binary rated datasets*, 2013, eq. 6, his alpha being 1 - b). Decay changes none
of these values, since all three counts of a fraction decay alike.
"""

from collections.abc import Collection, Iterable, Mapping
from math import exp2
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct, field

RelationKind = Literal["view", "purchase", "term"]
"""`view`: items looked at beside one (看了还看), `purchase`: bought beside it (买了还买), `term`: items of a term such as `brand:apple`."""
Counts = Literal["view", "purchase"]
"""The kinds whose lists are of items, and count how often each was touched."""
RELATED_TERM_KINDS = frozenset({"category", "brand", "seller", "tag"})
"""Kinds of terms that have lists of items."""
Source = Literal["log", "files"]
"""What a generation was made from."""
SITE = ""
"""The pool under which lists of the whole site are kept."""

Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


class RelationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How items come to be related, and when that is computed.

    window: items further on in a person's sequence that one is related to; a pair at distance d counts 1/d.
    backward_share: what a pair counts in the other direction, from the later item to the earlier one.
    view_gap_s, purchase_gap_s: two acts of a person further apart than this have nothing to do with each other.
    half_life_s: age at which an act counts half.
    popularity_damping: the exponent b above, in [0, 1]; 0 lets what everybody looks at follow on everything.
    list_size, term_list_size: items kept for an item, and for a term.
    most_per_person: acts of one person that count, the latest ones, so that one machine does not relate everything.
    refresh_every_s: how often new events are added to what is there; 0 for never.
    rebuild_every_s: how often all of it is computed anew, from `event_files` where there are any, else from the log `user-events`, unless
    what serves was made from files; 0 for never.
    event_files: JSONL or Parquet files of user events (`*` and `?` match), separated by commas; empty for none.
    context_s: how long before new events their people's earlier ones are looked at. What lies further apart is related by the rebuild.
    log_s: how far back a rebuild reads the log, which keeps seven days.
    memory_mb: what the computation may hold in memory; beyond that it goes to files in the temporary directory.
    kept_s: how long a list is kept that nothing makes anew, where the store lets things end; one of a generation made from files is kept
    for ten half-lives, if that is longer.
    """

    window: Annotated[int, Meta(ge=1, le=20)] = 5
    backward_share: Share = 0.5
    view_gap_s: Positive = 6 * 3600
    purchase_gap_s: Positive = 30 * 86_400
    half_life_s: Positive = 14 * 86_400
    popularity_damping: Share = 0.25
    list_size: Annotated[int, Meta(ge=1, le=500)] = 50
    term_list_size: Annotated[int, Meta(ge=1, le=2000)] = 200
    most_per_person: Annotated[int, Meta(ge=2)] = 1_000
    refresh_every_s: Annotated[int, Meta(ge=0)] = 3_600
    rebuild_every_s: Annotated[int, Meta(ge=0)] = 86_400
    event_files: str = ""
    context_s: Positive = 6 * 3600
    log_s: Positive = 7 * 86_400
    memory_mb: Annotated[int, Meta(ge=64)] = 1_024
    kept_s: Positive = 8 * 86_400

    @property
    def files_kept_s(self) -> int:
        """How long a list made from files is kept: until a thousandth is left of what it counted."""
        return max(self.kept_s, 10 * self.half_life_s)

    def size_of(self, kind: RelationKind) -> int:
        """Items kept in a list of this kind."""
        return self.term_list_size if kind == "term" else self.list_size


class Key(NamedTuple):
    """Names one list: of an item (by its id) or of a term, among the items of one pool or of the whole site (`""`)."""

    kind: RelationKind
    key: str
    pool_id: str = SITE


class Related(Struct, frozen=True, array_like=True, gc=False):
    """An item beside another, or of a term, and how much so: see above; of a term the decayed weight of what people did with it."""

    item_id: str
    weight: float


class Counted(Struct, frozen=True, array_like=True, gc=False):
    """The same as it is stored, in the same order of fields: `pairs` and `count` as of the list's time, `count` of the other item."""

    item_id: str
    weight: float
    pairs: float
    count: float


class RelationList(Struct, frozen=True, array_like=True):
    """One list, heaviest first (ties: item id by UTF-8 bytes); `count` is that of the list's own item, as of `at` (ms)."""

    at: int
    count: float
    entries: tuple[Counted, ...] = ()


class Generation(Struct, frozen=True):
    """One whole computation, and how far new events have been added to it since.

    `computed_at` (ms) is when it was made; `covers` the time (ms) of the last event in it; `merged_upto` (ms) up to when events of the log
    are added, by when they were appended, and `merging_upto` (ms), where it is later, up to when they are being added, or were when that
    was broken off. `events` and `lists` count what went in and came out.
    """

    number: int
    computed_at: int
    covers: int
    merged_upto: int
    merging_upto: int = 0
    source: Source = "log"
    events: int = 0
    lists: int = 0


class Additions(Struct, frozen=True):
    """What new events add, all as of `at` (ms): times that an item was touched, or what a term's items gained, and pairs by list."""

    at: int
    counts: Mapping[Counts, Mapping[str, float]] = field(default_factory=dict)
    pairs: Mapping[Key, Mapping[str, float]] = field(default_factory=dict)


def worth(pairs: float, count: float, other_count: float, damping: float) -> float:
    """What the other item is worth beside this one; 0 where nothing was counted of either."""
    if count <= 0 or other_count <= 0:
        return 0.0
    return float(pairs / (count ** (1 - damping) * other_count**damping))


def ranked(at: int, count: float, entries: Iterable[Counted], size: int) -> RelationList:
    """The list of the heaviest `size` entries."""
    heaviest = sorted(entries, key=lambda entry: (-entry.weight, entry.item_id.encode()))
    return RelationList(at, count, tuple(heaviest[:size]))


def added(
    key: Key, stored: Mapping[Key, RelationList], additions: Additions, gone: Collection[str], settings: RelationSettings
) -> RelationList:
    """The list with the additions in it, without items that are `gone`; as it was where these are in it already (it is as new as they).

    `stored` are the lists themselves and those of the site of every item in a pair, by which the counts of both ends are known; of an
    item that nobody touched since, what the list itself says of it holds.
    """
    before = stored.get(key, RelationList(0, 0.0))
    if before.at >= additions.at:
        return before
    fading = _fading(before.at, additions.at, settings)
    pairs = {entry.item_id: fading * entry.pairs for entry in before.entries if entry.item_id not in gone}
    for other, gained in additions.pairs.get(key, {}).items():
        if other not in gone:
            pairs[other] = pairs.get(other, 0.0) + gained
    if key.kind == "term":
        return ranked(additions.at, 0.0, [Counted(other, weight, weight, 0.0) for other, weight in pairs.items()], settings.term_list_size)
    count = _count_now(key.kind, key.key, stored, additions, 0.0, settings)
    known = {entry.item_id: fading * entry.count for entry in before.entries}
    counts = {other: _count_now(key.kind, other, stored, additions, known.get(other, 0.0), settings) for other in pairs}
    damping = settings.popularity_damping
    entries = [Counted(other, worth(both, count, counts[other], damping), both, counts[other]) for other, both in pairs.items()]
    return ranked(additions.at, count, entries, settings.list_size)


def _count_now(
    kind: Counts, item_id: str, stored: Mapping[Key, RelationList], additions: Additions, known: float, settings: RelationSettings
) -> float:
    """How often an item was touched, by its own list if it has one, else by what another list `known` of it; with what is added."""
    own = stored.get(Key(kind, item_id))
    gained = additions.counts.get(kind, {}).get(item_id, 0.0)
    if own is None:
        return known + gained
    return _fading(own.at, additions.at, settings) * own.count + (gained if own.at < additions.at else 0.0)


def _fading(since: int, at: int, settings: RelationSettings) -> float:
    return exp2(min(0, since - at) / (settings.half_life_s * 1000))
