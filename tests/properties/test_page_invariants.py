"""What holds on every first claim, whatever happens in whatever order: events, clock, rules, concurrent requests, half-done backfills.

Truth is kept apart from the system: an item's state by the events that the write path has passed, who is eligible by brute force.
"""

import asyncio
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import oracle
from builders import HOUR, MINUTE, NOW, given, item_event, user_event
from read_rig import ids
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.items import Given, ItemEvent, WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.pools import PoolDraft, PoolSettings
from smallpool_core.rules import parse_rule
from smallpool_core.users import Identity, UserEvent
from smallpool_indexer.settings import IndexerSettings
from smallpool_service.page import Page
from system_rig import EVERYTHING, Marketplace, field

ITEMS = tuple(f"i{number}" for number in range(40))
USERS = ("u1", "u2")
CATEGORIES = (("数码", "手机"), ("数码", "相机"), ("数码", "手机", "苹果"), ("文玩", "手串"), ("其他",))
RULES: tuple[dict[str, Any], ...] = (
    EVERYTHING,
    field("price_cents", "lt", 500),
    {"not": field("price_cents", "lt", 500)},
    field("category", "prefix", ["数码"]),
    field("points", "has", "红"),
    field("published_at", "within", "-1h"),
    {"any": [field("expires_at", "within", "+2h"), field("sale", "eq", "auction")]},
    {"all": [{"not": field("published_at", "within", "-1h")}, field("price_cents", "gte", 200)]},
    {"any": []},
)
SETTINGS = (
    PoolSettings(),
    PoolSettings(seen_size=12),
    PoolSettings(max_per_category=1, seen_size=30),
    PoolSettings(spread_level=1),
    PoolSettings(when_exhausted="repeat_oldest"),
)
STEPS = (1, MINUTE, 29 * MINUTE, HOUR, 3 * HOUR)

listings = st.builds(
    given,
    title=st.sampled_from(("苹果 手机", "#红 珠", "华为 #红 #旧", "杂物")),
    category=st.sampled_from(CATEGORIES),
    price_cents=st.none() | st.sampled_from((100, 499, 500, 900)),
    seller_id=st.sampled_from(("s1", "s2", "u1")),
    sale=st.sampled_from((None, "fixed", "auction")),
    published_at=st.sampled_from((NOW - 2 * HOUR, NOW - HOUR, NOW, NOW + 30 * MINUTE)),
    expires_at=st.none() | st.sampled_from((NOW + 30 * MINUTE, NOW + HOUR, NOW + 5 * HOUR)),
)


class Life(RuleBasedStateMachine):
    """A marketplace lives; each page that it gives is held against what is known from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open_files = ExitStack()
        folder = Path(self.open_files.enter_context(tempfile.TemporaryDirectory()))
        small = IndexerSettings(batch_size=3, user_batch_size=2, backfill_page=4)
        self.market = self.open_files.enter_context(Marketplace(folder, indexer=small))
        self.item_events: list[ItemEvent] = []
        self.offsets: list[int] = []
        self.user_events: list[UserEvent] = []
        self.served: dict[tuple[str, str], list[str]] = {}
        self.replies: dict[tuple[str, str, str], Page] = {}

    def teardown(self) -> None:
        self.open_files.close()

    @initialize(
        rules=st.tuples(*[st.sampled_from(RULES)] * 2),
        kinds=st.tuples(*[st.sampled_from(SETTINGS)] * 2),
        stock=st.lists(listings, min_size=len(ITEMS), max_size=len(ITEMS)),
    )
    def open(self, rules: tuple[dict[str, Any], ...], kinds: tuple[PoolSettings, ...], stock: list[Given]) -> None:
        self.rule_of, self.settings_of = {"home": EVERYTHING}, {"home": PoolSettings()}
        for pool_id, value, kind in zip(("p", "q"), rules, kinds, strict=True):
            self._put(pool_id, value, kind)
        for item_id, item in zip(ITEMS, stock, strict=True):
            self._send(item_event(item_id, version=1, given=item))
        self.market.settle()

    @rule(pool_id=st.sampled_from(("p", "q")), value=st.sampled_from(RULES))
    def an_operator_changes_a_rule(self, pool_id: str, value: dict[str, Any]) -> None:
        self._put(pool_id, value, self.settings_of[pool_id])

    @rule(
        some=st.lists(st.tuples(st.sampled_from(ITEMS), st.integers(1, 6), listings), min_size=1, max_size=8),
        kind=st.sampled_from(("published", "updated")),
    )
    def sellers_list(self, some: list[tuple[str, int, Any]], kind: Any) -> None:
        for item_id, version, item in some:
            self._send(item_event(item_id, kind, version=version, at=self.market.clock.now_ms(), given=item))

    @rule(item_id=st.sampled_from(ITEMS), version=st.integers(1, 6), kind=st.sampled_from(("sold", "withdrawn")))
    def an_item_goes(self, item_id: str, version: int, kind: Any) -> None:
        self._send(item_event(item_id, kind, version=version, at=self.market.clock.now_ms()))

    @rule(user_id=st.sampled_from(USERS), item_id=st.sampled_from(ITEMS), kind=st.sampled_from(("click", "favourite", "purchase")))
    def a_person_acts(self, user_id: str, item_id: str, kind: Any) -> None:
        event = user_event(kind, item_id, user_id=user_id, at=self.market.clock.now_ms())
        self.user_events.append(event)
        self.market.send(event)

    @rule(times=st.none() | st.integers(1, 5))
    def the_write_path_turns(self, times: int | None) -> None:
        if times is None:
            self.market.settle()
        for _ in range(times or 0):
            self.market.system.write_path.turn()

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: int) -> None:
        self.market.clock.advance(step)

    @rule(
        user_id=st.sampled_from(USERS),
        pool_id=st.sampled_from(("p", "p", "q", "home")),
        sizes=st.lists(st.sampled_from((1, 4, 10, 30)), min_size=1, max_size=4),
    )
    def a_person_asks(self, user_id: str, pool_id: str, sizes: list[int]) -> None:
        """One request, or several of one person at once."""
        first = len(self.replies)
        names = [f"r{first + place}" for place in range(len(sizes))]
        one = {"identity": Identity(user_id, None), "pool_id": pool_id}
        answers = self.market.pages_at_once([one | {"size": size, "request_id": name} for size, name in zip(sizes, names, strict=True)])
        pages = [answer for answer in answers if isinstance(answer, Page)]
        assert len(pages) == len(sizes), answers
        before = self.served.setdefault((user_id, pool_id), [])
        eligible = self._eligible(user_id, pool_id)
        for page, size in zip(pages, sizes, strict=True):
            self._check_page(page, size, eligible, pool_id)
        self._check_no_repeat(pages, before, pool_id)
        if self._repeats(pool_id) and len(pages) == 1:
            self._check_repeats_last(pages[0], before, eligible, pool_id)
        for page, size in zip(pages, sizes, strict=True):
            if len(page.items) < size:
                self._check_short(page, pages, eligible, pool_id, frozenset(self._remembered(before, pool_id)))
        self.served[user_id, pool_id] = self.market.seen(Identity(user_id, None), pool_id)
        for page, size, name in zip(pages, sizes, names, strict=True):
            self.replies[user_id, pool_id, name] = page
            self._ask_again(user_id, pool_id, size, name, page)

    def _ask_again(self, user_id: str, pool_id: str, size: int, name: str, page: Page) -> None:
        again = self.market.recall(identity=Identity(user_id, None), pool_id=pool_id, size=size, request_id=name)
        assert (again.items, again.short, again.replayed) == (page.items, page.short, True)

    def _check_page(self, page: Page, size: int, eligible: dict[str, WideItem], pool_id: str) -> None:
        found = ids(page)
        assert page.degraded == []
        assert len(found) == len(set(found)) <= size
        assert set(found) <= eligible.keys(), "in the pool, on sale, unexpired, neither bought nor their own"
        keys = Counter(self._key(eligible[item_id], pool_id) for item_id in found)
        assert max(keys.values(), default=0) <= self.settings_of[pool_id].max_per_category
        assert (page.short is None) == (len(found) == size)

    def _check_no_repeat(self, pages: list[Page], before: list[str], pool_id: str) -> None:
        """Together the pages may push the oldest off the list; what stays on it until the last claim is on none of them."""
        served = [item_id for page in pages for item_id in ids(page)]
        size = self.settings_of[pool_id].seen_size
        if self._repeats(pool_id):
            return
        kept = max(0, size - len(served))
        assert set(served).isdisjoint(before[len(before) - min(kept, len(before)) :])
        if len(served) <= size:
            assert len(served) == len(set(served))

    def _check_short(self, page: Page, pages: list[Page], eligible: dict[str, WideItem], pool_id: str, remembered: frozenset[str]) -> None:
        """By brute force over everything that this person could be shown."""
        on_page, taken = set(ids(page)), {item_id for one in pages for item_id in ids(one)}
        keys = Counter(self._key(eligible[item_id], pool_id) for item_id in on_page)
        cap = self.settings_of[pool_id].max_per_category
        left = {item_id: item for item_id, item in eligible.items() if item_id not in remembered and item_id not in on_page}
        capped = {item_id for item_id, item in left.items() if keys[self._key(item, pool_id)] >= cap}
        assert left.keys() - taken <= capped, "nothing that fits was left out"
        if page.short == "exhausted":
            assert left.keys() <= taken
        else:
            assert page.short == "category_cap"
            assert capped

    def _eligible(self, user_id: str, pool_id: str) -> dict[str, WideItem]:
        """Whatever this person could be shown in the pool, were it not for what was served."""
        now, stored = self.market.clock.now_ms(), self.market.stored()
        self._check_states(stored)
        parsed = parse_rule(self.rule_of[pool_id], self.market.system.knowledge.attributes)
        passed = self.market.system.log.committed("user-events", BEHAVIOUR_GROUP).get(0, -1) + 1
        bought = {event.item_id for event in self.user_events[:passed] if event.type == "purchase" and event.user_id == user_id}
        query = Query(Scope(pool_id, parsed, trusted=False), frozenset(bought - {None}), 100, 100, now)  # type: ignore[arg-type]
        return {item.item_id: item for item in stored.values() if oracle.is_allowed(item, query) and item.seller_id != user_id}

    def _check_states(self, stored: dict[str, WideItem]) -> None:
        """Each item is as the highest version among the events that were passed says; of one version, a removal wins, then the first."""
        newest: dict[str, ItemEvent] = {}
        for event in self._passed_item_events():
            known = newest.get(event.item_id)
            if known is None or _rank(event) > _rank(known):
                newest[event.item_id] = event
        assert stored.keys() == newest.keys()
        for item_id, event in newest.items():
            item = stored[item_id]
            assert item.version == event.version
            if event.given is None:
                assert item.state == event.type
            elif item.state == "on_sale":
                assert item.given == event.given
            else:
                assert item.state == "expired"
                assert (event.given.expires_at or 0) + HOUR <= self.market.clock.now_ms()

    def _passed_item_events(self) -> list[ItemEvent]:
        passed = self.market.system.log.committed("item-events", INDEXER_GROUP).get(0, -1)
        return [event for event, offset in zip(self.item_events, self.offsets, strict=True) if offset <= passed]

    def _check_repeats_last(self, page: Page, before: list[str], eligible: dict[str, WideItem], pool_id: str) -> None:
        """What was served comes again only behind all that was not, and of it no more than the page had room for."""
        found = ids(page)
        again = [item_id for item_id in found if item_id in before]
        if not again:
            return
        keys = Counter(self._key(eligible[item_id], pool_id) for item_id in found)
        cap = self.settings_of[pool_id].max_per_category
        assert found[-len(again) :] == again
        for item_id in eligible.keys() - set(before) - set(found):
            assert keys[self._key(eligible[item_id], pool_id)] >= cap, "an unseen item that fits comes before any that was seen"

    def _repeats(self, pool_id: str) -> bool:
        return self.settings_of[pool_id].when_exhausted == "repeat_oldest"

    def _remembered(self, before: list[str], pool_id: str) -> list[str]:
        return [] if self._repeats(pool_id) else before[-self.settings_of[pool_id].seen_size :]

    def _key(self, item: WideItem, pool_id: str) -> str:
        return oracle.spread_key(item, self.settings_of[pool_id].spread_level)

    def _put(self, pool_id: str, value: dict[str, Any], kind: PoolSettings) -> None:
        """Straight to the store, for a seen list so short that it overflows within a test."""
        draft, now = PoolDraft(rule=value, settings=kind), self.market.clock.now_ms()
        asyncio.run(self.market.system.pools.put(pool_id, draft, self.market.revision(pool_id), "tester", "", now))
        self.rule_of[pool_id], self.settings_of[pool_id] = value, kind

    def _send(self, event: ItemEvent) -> None:
        self.item_events.append(event)
        self.offsets.append(self.market.send(event)[0])


def _rank(event: ItemEvent) -> tuple[int, int]:
    return event.version, {"sold": 2, "withdrawn": 1}.get(event.type, 0)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
test_what_is_promised_of_every_page_holds_in_any_life = Life.TestCase
