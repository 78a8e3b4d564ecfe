"""A small world for the read path: fakes of its ports over plain lists, the reference `SeenList`, a clock that stands still."""

import asyncio
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from random import Random
from statistics import mean
from typing import Any, Literal

from msgspec.structs import replace

import oracle
from builders import NOW, FakeClock, wide_item
from encoder_rig import DIMENSIONS, HashedItems, hashed
from smallpool_core.catalogue import Catalogue
from smallpool_core.cuts import Cut, CutBy
from smallpool_core.encoder_ports import Encoders
from smallpool_core.errors import StoreUnavailable
from smallpool_core.fields import Attributes
from smallpool_core.items import WideItem
from smallpool_core.linking import Link
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Answer, Claimed, ClaimRequest, Hit, LiveItem, Opening, Query
from smallpool_core.places import Places
from smallpool_core.pools import BANNED, Ordering, Pool, PoolChange, PoolSettings, Tagging
from smallpool_core.ports import LogRecord
from smallpool_core.relations import Generation, Key, Related, RelationKind
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule, matches
from smallpool_core.statistics import Responses
from smallpool_core.terms import Trigger
from smallpool_core.users import Identity, Profile, TriggerState, Weighted
from smallpool_core.vectors import Vectors, check_vectors, packed_vector, stored_vector
from smallpool_service.candidates import Question
from smallpool_service.cuts import Cuts
from smallpool_service.page import Page
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.run import ReadPorts
from smallpool_service.settings import ReadSettings
from smallpool_service.term_vectors import as_item
from smallpool_stores.memory.seen import MemorySeenList
from smallpool_stores.memory.vector_generation import ASKED_PARTS_OF_ONE, ONE
from vector_rig import product, rows_of

EVERYTHING: dict[str, Any] = {"all": []}
U1 = Identity("u1", None)


class Fragile:
    """Something that fails when a test says so."""

    def __init__(self) -> None:
        self.is_down = False

    def use(self) -> None:
        if self.is_down:
            raise StoreUnavailable("could not read the test's store: it is down; bring it up")


class FakeReader(Fragile):
    """The wide index as a list that is filtered and sorted; keeps the queries that it was asked."""

    def __init__(self, items: dict[str, WideItem]) -> None:
        super().__init__()
        self.items = items
        self.queries: list[Query] = []

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        rows = [row for row in self._allowed(query) if weights.keys() & set(row.terms)]

        def rank(row: WideItem) -> int:
            return 512 * sum(weights.get(term, 0) for term in row.terms) + row.static_score

        return _capped(query, sorted(rows, key=lambda row: (-rank(row), row.item_id)), weights)

    async def browse(self, query: Query, by: Literal["newest", "static"]) -> Answer:
        def rank(row: WideItem) -> int:
            return (row.published_at or 0) if by == "newest" else row.static_score

        return _capped(query, sorted(self._allowed(query), key=lambda row: (-rank(row), row.item_id)), {})

    async def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        allowed = {row.item_id: row for row in self._allowed(query)}
        return _capped(query, [allowed[item_id] for item_id in dict.fromkeys(item_ids) if item_id in allowed], {})

    async def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        self.use()
        return {item_id: self.items[item_id] for item_id in item_ids if item_id in self.items}

    async def preview(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        found = sorted(item_id for item_id, item in self.items.items() if is_listed(item, now) and matches(rule, item, now))
        return len(found), found[:sample]

    async def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        self.use()
        return oracle.breakdown(self.items.values(), rule, now, limit)

    async def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        self.use()
        return oracle.exclusions(self.items.values(), parts, now)

    async def cut_off(self, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
        self.use()
        return oracle.cut_off([item for item in self.items.values() if matches(rule, item, now)], by, size, now)

    def _allowed(self, query: Query) -> list[WideItem]:
        self.use()
        self.queries.append(query)
        return _allowed(self.items.values(), query)


def _allowed(items: Iterable[WideItem], query: Query) -> list[WideItem]:
    return [
        item
        for item in items
        if is_listed(item, query.now)
        and item.item_id not in query.excluded
        and item.seller_id not in query.excluded_sellers
        and _in_scope(item, query)
    ]


def is_listed(item: WideItem, now: int) -> bool:
    return item.state == "on_sale" and (item.published_at or 0) <= now and (item.expires_at is None or item.expires_at > now)


def _in_scope(item: WideItem, query: Query) -> bool:
    scope = query.scope
    if scope.cut is not None and not scope.cut.holds(item):
        return False
    if scope.everything:
        return BANNED not in item.pools
    return matches(scope.rule, item, query.now) and (not scope.trusted or scope.pool_id in item.pools)


def _capped(query: Query, rows: list[WideItem], weights: Mapping[str, int]) -> Answer:
    counts: dict[str, int] = {}
    kept = []
    for row in rows:
        key = PATH_SEPARATOR.join(row.spread_key.split(PATH_SEPARATOR)[: query.spread_level])
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= query.cap:
            kept.append(row)
    return Answer(tuple(hit_of(row, weights) for row in kept[: query.limit]), exhausted=len(kept) <= query.limit)


def hit_of(item: WideItem, weights: Mapping[str, int] | None = None, **changes: Any) -> Hit:
    """The row of an item as the wide index gives it."""
    terms = tuple(term for term in item.terms if term in (weights or {}))
    values: dict[str, Any] = {
        "item_id": item.item_id,
        "version": item.version,
        "enrich": item.enrich,
        "category": item.category,
        "spread_key": item.spread_key,
        "seller_id": item.seller_id,
        "price_cents": item.price_cents,
        "quality": item.quality or 0,
        "seller_score": item.seller_score or 0,
        "published_at": item.published_at or 0,
        "expires_at": item.expires_at,
        "static_score": item.static_score,
        "rank_score": 512 * sum((weights or {}).get(term, 0) for term in terms) + item.static_score,
        "terms": terms,
    }
    return Hit(**(values | changes))


def hit(item_id: str = "i1", terms: Sequence[str] = (), **changes: Any) -> Hit:
    """A row on sale; its spread key follows its category."""
    changes.setdefault("spread_key", changes.get("category", "数码›手机"))
    return hit_of(wide_item(item_id), terms=tuple(terms), **changes)


class FakeLive:
    """The live view over the same items, or over others that a test puts in to make it run ahead."""

    def __init__(self, items: dict[str, WideItem]) -> None:
        self.items = items

    def apply(self, items: Sequence[WideItem]) -> None:
        self.items.update((item.item_id, item) for item in items)

    def look(self, item_ids: Sequence[str], pool_id: str, now: int, cut: Cut | None = None) -> list[LiveItem | None]:
        return [live_item(self.items[item_id], pool_id, now, cut) if item_id in self.items else None for item_id in item_ids]

    def size(self, pool_id: str, now: int, cut: Cut | None = None) -> int:
        held = [item for item in self.items.values() if pool_id in item.pools and is_listed(item, now)]
        return sum(cut is None or cut.holds(item) for item in held)

    def cut_off(self, pool_id: str, by: CutBy, size: int, now: int) -> Cut | None:
        return oracle.cut_off([item for item in self.items.values() if pool_id in item.pools], by, size, now)

    def sample(self, query: Query, seed: int) -> Answer:
        draw = Random(seed)
        drawn = {item.item_id: draw.random() for item in sorted(self.items.values(), key=lambda item: item.item_id)}
        return _capped(query, sorted(_allowed(self.items.values(), query), key=lambda item: drawn[item.item_id]), {})


def live_item(item: WideItem, pool_id: str, now: int, cut: Cut | None = None) -> LiveItem:
    return LiveItem(
        item_id=item.item_id,
        version=item.version,
        enrich=item.enrich,
        is_on_sale=is_listed(item, now),
        in_pool=pool_id in item.pools,
        is_expired=item.expires_at is not None and item.expires_at <= now,
        expires_at=item.expires_at,
        seller_id=item.seller_id,
        spread_key=item.spread_key,
        is_cut=cut is not None and not cut.holds(item),
    )


class FakeVectorIndex(Fragile):
    """The port over plain items, in the scopes that tags tell of; an item that brings no vector has that of its terms. Without a model it
    has none.
    """

    def __init__(self, items: Mapping[str, WideItem], model: str = "", asked_parts_of_one: int = ASKED_PARTS_OF_ONE) -> None:
        super().__init__()
        self.items = items
        self.model = model
        self._asked_parts = asked_parts_of_one
        self.asked: list[tuple[str, ...]] = []

    async def nearest(self, query: Query, vectors: Vectors, categories: Sequence[str] = ()) -> tuple[Answer, ...]:
        rows = self._rows(query, vectors)
        self.asked.append(tuple(categories))
        inside = [row for row in rows if not categories or _is_below(row.category, categories)]
        return tuple([self._nearest(query, inside, vector) for vector in rows_of(vectors, self._asked_parts)])

    async def nearest_categories(self, query: Query, vectors: Vectors, most: int) -> tuple[tuple[tuple[str, float], ...], ...]:
        rows = [row for row in self._rows(replace(query, excluded=frozenset()), vectors) if any(self._vector(row))]
        by_category = {key: [self._vector(row) for row in rows if row.category == key] for key in {row.category for row in rows}}
        return tuple([_most_alike(by_category, vector)[:most] for vector in rows_of(vectors)])

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        self._check(vectors)
        known = {item_id: self._vector(self.items[item_id]) for item_id in item_ids if item_id in self.items}
        asked = rows_of(vectors)
        return {item_id: max(product(one, vector) for vector in asked) / ONE for item_id, one in known.items() if asked}

    async def vectors_of(self, item_ids: Sequence[str], model: str) -> dict[str, bytes]:
        self._check(Vectors(model, DIMENSIONS, b""))
        known = {item_id: self._vector(self.items[item_id]) for item_id in item_ids if item_id in self.items}
        return {item_id: packed_vector([float(value) for value in vector]) for item_id, vector in known.items() if any(vector)}

    def _check(self, vectors: Vectors) -> None:
        self.use()
        check_vectors(vectors, self.model, DIMENSIONS)

    def _rows(self, query: Query, vectors: Vectors) -> list[WideItem]:
        self._check(vectors)
        return list(_allowed(self.items.values(), query)) if query.scope.trusted or query.scope.everything else []

    def _nearest(self, query: Query, rows: Sequence[WideItem], vector: Sequence[int]) -> Answer:
        near = {row.item_id: product(own, vector) for row in rows if any(own := self._vector(row))}
        found = sorted([row for row in rows if row.item_id in near], key=lambda row: (-near[row.item_id], row.item_id))
        return _capped(query, found, {})

    def _vector(self, item: WideItem) -> Sequence[int]:
        [made] = HashedItems(self.model).encode([as_item(*item.terms)])
        stored = item.vector or (stored_vector(made, DIMENSIONS) if made else b"")
        return array("b", stored or bytes(DIMENSIONS))


def _most_alike(by_category: Mapping[str, Sequence[Sequence[int]]], vector: Sequence[int]) -> tuple[tuple[str, float], ...]:
    near = {key: mean([product(one, vector) for one in rows]) / ONE for key, rows in by_category.items()}
    return tuple(sorted(near.items(), key=lambda pair: (-pair[1], pair[0].encode())))


def _is_below(category: str, categories: Sequence[str]) -> bool:
    return any(f"{category}{PATH_SEPARATOR}".startswith(f"{one}{PATH_SEPARATOR}") for one in categories)


class FakeTail:
    """A tail that stands where a test puts it."""

    def __init__(self) -> None:
        self.offset = 0

    def place(self) -> Places:
        return {0: self.offset}


class FakeRelations(Fragile):
    """Lists of related items that a test puts in, by kind, key and pool; `generation` is what serves."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[Key, list[Related]] = {}
        self.generation: Generation | None = None

    def put(self, kind: RelationKind, key: str, *item_ids: str, pool_id: str = "") -> None:
        self.lists[Key(kind, key, pool_id)] = [Related(item_id, 1 / place) for place, item_id in enumerate(item_ids, start=1)]

    async def related(self, kind: RelationKind, keys: Collection[str], limit: int, pool_id: str = "") -> dict[str, list[Related]]:
        self.use()
        return {key: self.lists[Key(kind, key, pool_id)][:limit] for key in keys if Key(kind, key, pool_id) in self.lists}

    async def serving(self) -> Generation | None:
        self.use()
        return self.generation


class FragileSeenList(Fragile):
    """The reference seen list, which a test may take down at the opening, at the claim, or both."""

    def __init__(self) -> None:
        super().__init__()
        self.real = MemorySeenList()
        self.claims_fail = False
        self.claims: list[ClaimRequest] = []

    async def open(self, identity: str, pool_id: str, request_id: str, now: int) -> Opening:
        self.use()
        return await self.real.open(identity, pool_id, request_id, now)

    async def claim(self, request: ClaimRequest) -> Claimed:
        self.use()
        if self.claims_fail:
            raise StoreUnavailable("could not claim: the test's store is down; bring it up")
        self.claims.append(request)
        return await self.real.claim(request)

    async def erase(self, identity: str, pool_id: str | None) -> None:
        await self.real.erase(identity, pool_id)


class FakeTriggers(Fragile):
    """Behaviour by identity."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, TriggerState] = {}

    async def get(self, identity: str) -> TriggerState:
        self.use()
        return self.states.get(identity, TriggerState())

    def load(self, identity: str) -> TriggerState:
        return self.states.get(identity, TriggerState())

    def save(self, identity: str, state: TriggerState, now: int) -> None:
        self.states[identity] = state

    def erased(self, identity: str) -> Places:
        return {}

    def mark(self, identity: str, event: object, offset: int) -> bool:
        return True


class FakeProfiles(Fragile):
    """Profiles by identity."""

    def __init__(self) -> None:
        super().__init__()
        self.profiles: dict[str, Profile] = {}

    async def get(self, identity: str) -> Profile | None:
        self.use()
        return self.profiles.get(identity)

    async def put(self, identity: str, profile: Profile) -> None:
        self.profiles[identity] = profile


class FakePeople:
    """The people of the other fakes, and up to where each was erased."""

    def __init__(self, triggers: FakeTriggers, profiles: FakeProfiles, seen: FragileSeenList) -> None:
        self._triggers, self._profiles, self._seen = triggers, profiles, seen
        self.erased: dict[str, Places] = {}

    async def erase(self, identity: str, upto: Places, now: int) -> None:
        self._triggers.states.pop(identity, None)
        self._profiles.profiles.pop(identity, None)
        await self._seen.erase(identity, None)
        self.erased[identity] = upto


class FakeLinks(Fragile):
    """Whose each device is; nothing is merged, but a test may do so by `merges`, called once a link with device and user."""

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, Link] = {}
        self.merges: Callable[[str, str], bool] = lambda _device_id, _user_id: False

    async def link(self, device_id: str, user_id: str, at: int) -> bool:
        self.use()
        if device_id in self.links:
            return False
        self.links[device_id] = Link(user_id, at)
        return self.merges(device_id, user_id)

    def link_now(self, device_id: str, user_id: str, at: int) -> None:
        raise NotImplementedError

    def known(self, device_ids: Collection[str]) -> dict[str, Link]:
        raise NotImplementedError


class FakeStats(Fragile):
    """Weights that a test sets, of items and of terms, and how often items were shown to no effect, by pool."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, dict[str, float]] = {}
        self.terms: dict[str, dict[str, float]] = {}
        self.shown: dict[str, dict[str, int]] = {}
        self.asked_for_ignored = 0

    def add(self, deltas: Sequence[object], partition: int, offset: int) -> None:
        raise NotImplementedError

    def forget(self, item_ids: Sequence[str]) -> None:
        raise NotImplementedError

    async def popular(self, pool_id: str, limit: int) -> list[str]:
        self.use()
        return sorted(self.items.get(pool_id, {}), key=lambda item_id: (-self.items[pool_id][item_id], item_id))[:limit]

    def ranked(self, skip: int, limit: int, now: int) -> list[tuple[str, float]]:
        raise NotImplementedError

    async def ignored(self, pool_id: str, item_ids: Collection[str], exposures: int, now: int) -> frozenset[str]:
        self.use()
        self.asked_for_ignored += 1
        shown = self.shown.get(pool_id, {})
        return frozenset(item_id for item_id in item_ids if shown.get(item_id, 0) >= exposures)

    async def exposures(self, pool_id: str, item_ids: Collection[str], now: int) -> dict[str, float]:
        self.use()
        return {item_id: float(times) for item_id, times in self.shown.get(pool_id, {}).items() if item_id in item_ids}

    async def responses(self, pool_id: str, item_ids: Sequence[str], now: int) -> Responses:
        self.use()
        known, shown = self.items.get(pool_id, {}), self.shown.get(pool_id, {})
        weights, exposures = ({item_id: of[item_id] for item_id in item_ids if item_id in of} for of in (known, shown))
        return Responses(weights, exposures, sum(known.values()), sum(shown.values()))

    async def top_terms(self, pool_id: str, limit: int, now: int) -> list[Trigger]:
        self.use()
        ranked = sorted(self.terms.get(pool_id, {}).items(), key=lambda pair: (-pair[1], pair[0]))
        return [Trigger(term, weight, now) for term, weight in ranked[:limit]]


class FakeLog(Fragile):
    """Keeps what was appended."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, str, bytes]] = []

    async def append(self, topic: str, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        self.use()
        self.records.extend((topic, key, value) for key, value in records)
        return {0: len(self.records) - 1}

    async def recent(self, topic: str, limit: int) -> list[LogRecord]:
        self.use()
        found = [(offset, key, value) for offset, (of, key, value) in enumerate(self.records) if of == topic]
        return [LogRecord(topic, 0, offset, key, value, NOW) for offset, key, value in found[::-1][:limit]]  # type: ignore[arg-type]

    async def between(self, topic: str, since: int, until: int, limit: int, after: Places | None = None) -> list[LogRecord]:
        passed = (after or {}).get(0, -1)
        found = reversed(await self.recent(topic, len(self.records)))
        return [record for record in found if since <= record.at < until and record.offset > passed][:limit]

    def end(self, topic: str) -> Places:
        return {0: sum(appended == topic for appended, _, _ in self.records) - 1}


class FakePools(Fragile):
    """Pools as one store holds them; a trusted pool's tag is what its rule says."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[PoolChange] = []

    def put(self, pool_id: str, rule: dict[str, Any], *, trusted: bool, state: str, settings: PoolSettings, ordering: Ordering) -> None:
        epoch = len(self.changed) + 1
        pool = Pool(pool_id, pool_id, rule, epoch, state, settings, ordering, epoch)  # type: ignore[arg-type]
        self.changed.append(PoolChange(pool, {0: Tagging(epoch, 0)} if trusted else {}, 1))

    def epoch(self) -> int:
        self.use()
        return len(self.changed)

    def changes(self, after_epoch: int) -> list[PoolChange]:
        return self.changed[after_epoch:]


class Hanging:
    """A source that never answers."""

    name = "hanging"

    async def find(self, question: Question) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


class Broken:
    """A source that fails the way a plugin may."""

    name = "broken"

    def __init__(self) -> None:
        self.asked = 0

    async def find(self, question: Question) -> Answer:
        self.asked += 1
        raise ValueError("no such thing")


class World:
    """A marketplace with one live pool `p` of everything in it, and a recaller over it; a test changes what it is about. Pages leave
    nothing to chance but where a test gives `explore` a share.
    """

    def __init__(
        self, *items: WideItem, settings: ReadSettings | None = None, sources: Sequence[Any] | None = None, explore: float = 0.0
    ) -> None:
        self.items = {item.item_id: item for item in items}
        self.clock = FakeClock(NOW)
        self.reader, self.live, self.tail = FakeReader(self.items), FakeLive(self.items), FakeTail()
        self.seen, self.triggers, self.profiles = FragileSeenList(), FakeTriggers(), FakeProfiles()
        self.people = FakePeople(self.triggers, self.profiles, self.seen)
        self.links = FakeLinks()
        self.stats, self.log, self.pools = FakeStats(), FakeLog(), FakePools()
        self.relations = FakeRelations()
        self.vectors = FakeVectorIndex(self.items)
        self.encoders: dict[str, Encoders] = {}
        self.put_pool()
        self.ports = ReadPorts(
            catalogue=Catalogue(self.pools, Attributes({})),  # type: ignore[arg-type]
            reader=self.reader,
            live=self.live,
            tail=self.tail,  # type: ignore[arg-type]
            seen=self.seen,
            triggers=self.triggers,
            profiles=self.profiles,
            people=self.people,
            links=self.links,
            stats=self.stats,
            log=self.log,  # type: ignore[arg-type]
            clock=self.clock,
            cuts=Cuts(self.live, self.reader),
            relations=self.relations,
            vectors=self.vectors,
            find_encoders=self.encoders.get,
        )
        settings = settings or ReadSettings(pools_refresh_ms=0, least_left_s=0)
        settings = replace(settings, source_shares={**settings.source_shares, "explore": explore})
        self.recaller = Recaller(self.ports, settings=settings, sources=sources)

    def put_pool(
        self,
        pool_id: str = "p",
        rule: dict[str, Any] | None = None,
        *,
        trusted: bool = True,
        state: str = "live",
        weights: dict[str, float] | None = None,
        **settings: Any,
    ) -> None:
        ordering = Ordering(weights) if weights is not None else Ordering()
        self.pools.put(pool_id, rule or EVERYTHING, trusted=trusted, state=state, settings=PoolSettings(**settings), ordering=ordering)

    def embeds(self, encoders: Encoders | None = None) -> Encoders:
        """From now on items have vectors of this model."""
        encoders = encoders or hashed()
        self.vectors.model = encoders.items.model
        self.encoders[encoders.items.model] = encoders
        return encoders

    def likes(self, **weights: float) -> None:
        """Makes u1 someone who likes these terms; a term is written with `__` for its colon."""
        self.triggers.states["u:u1"] = liking({name.replace("__", ":"): weight for name, weight in weights.items()})

    def recall(self, **changes: Any) -> Page:
        """One page of pool `p` for u1."""
        return asyncio.run(self.recaller.recall(request(**changes)))

    def page(self, **changes: Any) -> list[str]:
        """The ids of one page of pool `p` for u1."""
        return ids(self.recall(**changes))


def request(**changes: Any) -> RecallRequest:
    """A request for a page of ten of pool `p` for u1."""
    return RecallRequest(**({"pool_id": "p", "identity": U1} | changes))


def ids(page: Page) -> list[str]:
    return [item.item_id for item in page.items]


def liking(weights: Mapping[str, float]) -> TriggerState:
    """Somebody's behaviour that adds up to these weights just now."""
    return TriggerState(short={term: Weighted(weight, NOW) for term, weight in weights.items()})


def in_pool(item_id: str, category: str = "数码›手机", **changes: Any) -> WideItem:
    """An item tagged for pool `p`."""
    return wide_item(item_id, category=category, **({"pools": ("p",)} | changes))


def shelf(count: int, per_category: int = 1, **changes: Any) -> list[WideItem]:
    """That many items of pool `p`, `per_category` in each leaf category; ids rise as publication falls."""
    return [
        in_pool(f"i{place:03}", category=f"类{place // per_category:03}", published_at=NOW - 1000 * place - 1, **changes)
        for place in range(count)
    ]
