"""Two services written by hand over the same index, for the same page: what people write first, and the best that is known.

In: a person and a pool of a loaded marketplace. Out: how many items the page has.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

import msgspec

from smallpool_config.bench.marketplace import HOUR_MS, Marketplace
from smallpool_config.bench.recall import PAGE, SEEN
from smallpool_config.bench.recorded import Recorded
from smallpool_stores.redis.scripts import Script

CAP = 3
ROWS = 300
"""Rows that are asked for so that a hundred candidates are left under the cap."""
OFFERED = 2 * PAGE
_CLAIM = """
local seen, counts, page = {}, {}, {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do seen[id] = true end
for at = 4, #ARGV, 2 do
  local id, category = ARGV[at], ARGV[at + 1]
  local count = counts[category] or 0
  if #page < tonumber(ARGV[1]) and not seen[id] and count < tonumber(ARGV[2]) then
    counts[category] = count + 1
    page[#page + 1] = id
  end
end
if #page > 0 then
  redis.call('LPUSH', KEYS[1], unpack(page))
  redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[3]) - 1)
end
return page
"""


class Kept:
    """What a service written by hand keeps in Redis: what was served, and a person's weighted terms, ready to use."""

    def __init__(self, system: Recorded, market: Marketplace, name: str) -> None:
        self.reader, self.redis = system.index_reader, system.redis
        self._market = market
        self._prefix = f"{system.settings.redis.prefix}{name}"

    def seen_key(self, person: int) -> str:
        """The list of what was served to the person, newest first."""
        return f"{self._prefix}:seen:{person}"

    async def prepare(self, person: int, seen: Sequence[str], weights: dict[str, int]) -> None:
        """Gives the service what it is to know."""
        pushed = [("LPUSH", self.seen_key(person), *seen)] if seen else []
        terms = ("SET", f"{self._prefix}:terms:{person}", msgspec.json.encode(weights))
        await self.redis.write(("UNLINK", self.seen_key(person)), *pushed, terms)

    async def known(self, person: int) -> tuple[list[str], dict[str, int]]:
        """What was served, and weights by term."""
        seen, weights = await asyncio.gather(
            self.redis.read("LRANGE", self.seen_key(person), 0, SEEN - 1), self.redis.read("GET", f"{self._prefix}:terms:{person}")
        )
        return [item_id.decode() for item_id in seen], msgspec.json.decode(weights)

    def wanted(self, pool: int, seen: Sequence[str], wishes: list[dict[str, Any]]) -> dict[str, Any]:
        """Rows of the pool that were not seen and meet at least one wish."""
        return {
            "bool": {
                "filter": [{"term": {"pools": self._market.pool_id(pool)}}, {"range": {"expires_at": {"gt": self._market.now}}}],
                "must_not": [{"terms": {"item_id": seen}}],
                "should": wishes,
                "minimum_should_match": 1,
            }
        }

    def by_age(self) -> dict[str, Any]:
        """A score that falls with age, to one half in a day."""
        return {"gauss": {"published_at": {"origin": self._market.now, "scale": 24 * HOUR_MS}}}


class Naive:
    """What people write first: Elasticsearch scores and groups, and a Redis list that is cut keeps what was served.

    `groups` categories with up to three items each are asked for; as many as the page has items are always enough for the page.
    """

    def __init__(self, kept: Kept, groups: int) -> None:
        self.kept = kept
        self._groups = groups

    async def page(self, person: int, pool: int) -> int:
        """One page; how many items it has."""
        seen, weights = await self.kept.known(person)
        hits = await self.kept.reader.ask(self._body(pool, seen, weights))
        rows = [row for group in hits["hits"] for row in group["inner_hits"]["best"]["hits"]["hits"]]
        rows.sort(key=lambda row: -row["_score"])
        page = [row["_id"] for row in rows[:PAGE]]
        if page:
            key = self.kept.seen_key(person)
            await self.kept.redis.write(("LPUSH", key, *page), ("LTRIM", key, 0, SEEN - 1))
        return len(page)

    def _body(self, pool: int, seen: Sequence[str], weights: dict[str, int]) -> dict[str, Any]:
        wishes = [{"term": {"terms": {"value": term, "boost": weight}}} for term, weight in weights.items()]
        return {
            "size": self._groups,
            "query": {
                "function_score": {
                    "query": self.kept.wanted(pool, seen, wishes),
                    "functions": [{"field_value_factor": {"field": "quality"}}, self.kept.by_age()],
                    "score_mode": "multiply",
                }
            },
            "collapse": {"field": "category", "inner_hits": {"name": "best", "size": CAP}},
        }


class Handwritten:
    """The best that is known: one search for many rows in one order, categories counted in the client, one Lua script."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self._claim = Script(_CLAIM, sha1(_CLAIM.encode(), usedforsecurity=False).hexdigest())

    async def page(self, person: int, pool: int) -> int:
        """One page; how many items it has."""
        seen, weights = await self.kept.known(person)
        hits = await self.kept.reader.ask(self._body(pool, seen, weights))
        counts: Counter[str] = Counter()
        offered: list[str] = []
        for row in hits["hits"]:
            category = row["fields"]["category"][0]
            counts[category] += 1
            if counts[category] <= CAP and len(offered) < 2 * OFFERED:
                offered += (row["fields"]["item_id"][0], category)
        page = await self.kept.redis.run(self._claim, [self.kept.seen_key(person)], [PAGE, CAP, SEEN, *offered])
        return len(page)

    def _body(self, pool: int, seen: Sequence[str], weights: dict[str, int]) -> dict[str, Any]:
        wishes = [{"constant_score": {"filter": {"term": {"terms": term}}, "boost": 512 * weight}} for term, weight in weights.items()]
        return {
            "size": ROWS,
            "query": {
                "function_score": {
                    "query": self.kept.wanted(pool, seen, wishes),
                    "functions": [{"field_value_factor": {"field": "static_score"}}],
                    "boost_mode": "sum",
                }
            },
            "docvalue_fields": ["item_id", "category"],
            "stored_fields": "_none_",
            "_source": False,
            "track_total_hits": False,
        }
