"""A small random marketplace, seeded: items that meet often, pools with and without time in their rules, and a life of changes.

Few categories, scores and terms, so that ties, caps and shared terms are the rule and not the exception.
"""

from random import Random
from typing import Any

from msgspec.structs import replace

from builders import HOUR, MINUTE, NOW
from smallpool_core.fields import Attributes
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.pools import BANNED
from smallpool_core.rules import Rule, intervals, matches, parse_rule, untimed
from smallpool_core.versions import ENRICH_OF_STATE

NOWS = (NOW - 2 * HOUR, NOW - 1, NOW, NOW + 1, NOW + 30 * MINUTE, NOW + 2 * HOUR)
_CATEGORIES = ("数码›手机›苹果", "数码›手机›华为", "数码›相机", "文玩›手串", "其他")
_TERMS = tuple(f"point:p{number}" for number in range(45))
_SALE = {"field": "sale", "op": "eq", "value": "auction"}
_FRESH = {"field": "published_at", "op": "within", "value": "-1h"}
_ENDING = {"field": "expires_at", "op": "within", "value": "+1h"}


def rule(value: dict[str, Any]) -> Rule:
    """A rule over no attributes."""
    return parse_rule(value, Attributes({}))


RULES = {
    "all": rule({"all": []}),
    "cheap": rule({"field": "price_cents", "op": "lt", "value": 500}),
    "auctions": rule(_SALE),
    "fresh": rule({"all": [_FRESH, {"field": "price_cents", "op": "gte", "value": 200}]}),
    "not-fresh": rule({"not": _FRESH}),
    "twice": rule({"any": [{"all": [_FRESH, _SALE]}, _ENDING]}),
    "none": rule({"any": []}),
    BANNED: rule({"field": "price_cents", "op": "between", "value": [950, 999]}),
}


def tagged(item: WideItem) -> WideItem:
    """The item with the tags and intervals that the rules give it."""
    pools = tuple(sorted(pool_id for pool_id, each in RULES.items() if matches(untimed(each), item, NOW)))
    pools = (BANNED,) if BANNED in pools else pools
    timed = {pool_id: intervals(RULES[pool_id], item) for pool_id in pools if RULES[pool_id].is_timed}
    return replace(item, pools=pools, intervals=timed)


class Market:
    """Items by id, each the newest record; `changes` gives records in an order that the write path could have made."""

    def __init__(self, seed: int, size: int = 60) -> None:
        self.random = Random(seed)
        self.items: dict[str, WideItem] = {}
        self._size = size

    def changes(self, count: int) -> list[WideItem]:
        """The next records, at most one an item: new items, relisted ones, values or terms changed, items removed."""
        ids = self.random.sample([self._id(number) for number in range(self._size)], count)
        records = [self._change(item_id) for item_id in ids]
        self.items |= {record.item_id: record for record in records}
        return records

    def query(self, **changes: Any) -> Query:
        """A question to one of the pools, or to everything, at one of NOWS."""
        draw = self.random
        pool_id = draw.choice(list(RULES))
        scope = Scope(pool_id, RULES[pool_id], trusted=draw.random() < 0.6, everything=draw.random() < 0.15)
        excluded = frozenset(draw.sample([self._id(number) for number in range(2 * self._size)], draw.choice((0, 3, self._size))))
        level = draw.choice((None, None, 1, 2, 5))
        query = Query(scope, excluded, draw.choice((1, 3, 3, 50)), draw.choice((0, 1, 5, 20, 100)), draw.choice(NOWS), level)
        query = replace(query, excluded_sellers=frozenset(draw.choice(((), (), ("s1", "nobody")))))
        return replace(query, **changes)

    def weights(self) -> dict[str, int]:
        """Up to 20 weighted terms, some of which no item has; few distinct weights."""
        terms = self.random.sample([*_TERMS, "point:none", "brand:none"], self.random.randint(0, 20))
        return {term: self.random.choice((1, 512, 1024)) for term in terms}

    def _id(self, number: int) -> str:
        return f"{'件é👍a'[number % 4]}{number:03d}"

    def _change(self, item_id: str) -> WideItem:
        known = self.items.get(item_id)
        if known is None:
            return tagged(self._listing(item_id, 1))
        kind = self.random.choice(("update", "update", "price", "remove"))
        if known.state != "on_sale" or kind == "update":
            return tagged(self._listing(item_id, known.version + 1))
        if kind == "price":
            return tagged(replace(known, enrich=known.enrich + 1, price_cents=self.random.randrange(1000), static_score=7))
        state = self.random.choice(("sold", "withdrawn", "expired"))
        return replace(known, state=state, enrich=ENRICH_OF_STATE[state], pools=(), intervals={})

    def _listing(self, item_id: str, version: int) -> WideItem:
        draw = self.random
        return WideItem(
            item_id=item_id,
            version=version,
            enrich=0,
            state="on_sale",
            seller_id=draw.choice((None, "s1", "s2")),
            sale=draw.choice((None, "fixed", "auction")),
            category=draw.choice(_CATEGORIES),
            price_cents=draw.choice((None, 0, draw.randrange(1000))),
            quality=draw.choice((None, 700)),
            seller_score=draw.choice((None, 300)),
            published_at=draw.choice((None, NOW - 2 * HOUR, NOW - HOUR, NOW, NOW + 20 * MINUTE)),
            expires_at=draw.choice((None, None, NOW, NOW + 1, NOW + HOUR, NOW + 4 * HOUR)),
            terms=tuple(draw.sample(_TERMS, draw.choice((0, 3, 15, 16, 17, 32)))),
            static_score=draw.choice((0, 0, 100, 511)),
        )
