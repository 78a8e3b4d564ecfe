"""Ways to put one question to Elasticsearch, and what the adapter's calls take, asked by turns in one run.

In: the address of a server, how many items and pools. Out: milliseconds a question at the caller (p50, p99), in the server (its own
`took`, p50), of the caller's CPU, and kilobytes of the answer.

    python benchmarks/elasticsearch_forms.py --url http://127.0.0.1:9200 --items 200000 --pools 2000 --json

Every question asks a pool by Zipf's law in the order of sizes, with up to 20 terms, 200 excluded ids, cap 3 and 100 hits. Forms come by
turns, so that whatever else the machine does meets all of them. The index is the adapter's own, with the columns of a hit beside
the packed one; it is made under a prefix of its own and dropped in the end.
"""

import argparse
import asyncio
import json
import platform
import time
from collections.abc import Awaitable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import psutil

from smallpool_config.bench.marketplace import Marketplace
from smallpool_core.fields import Attributes
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.rules import parse_rule
from smallpool_core.terms import Trigger, integer_weights
from smallpool_core.versions import packed
from smallpool_stores.elasticsearch import mapping as layout
from smallpool_stores.elasticsearch import question
from smallpool_stores.elasticsearch.bulk import Bulk, Write
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.documents import Documents
from smallpool_stores.elasticsearch.names import items_alias
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader, rows_of_first_trip
from smallpool_stores.elasticsearch.removal import remove_all
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings

NOW = 1_750_000_000_000
CAP, LIMIT, EXCLUDED = 3, 100, 200
WARM = 10
NONE = Attributes({})
COLUMNS = (
    "seller_id",
    "price_cents",
    "quality",
    "seller_score",
    "published_at",
    "expires_at",
    "static_score",
    "sale",
    "category",
    "item_id",
)
HEADERS = {"content-type": "application/json", "accept": "application/json"}
Body = dict[str, Any]
Asked = tuple[Query, dict[str, int]]
Figures = dict[str, float]


class Sample(NamedTuple):
    """One question: ms at the caller, ms in the server (none for calls of the adapter), ms of CPU, bytes."""

    ms: float
    took: float
    cpu: float
    size: float


def naive(query: Query, weights: dict[str, int]) -> Body:
    """What is written first: the categories grouped in the server, whole records sent."""
    body = question.recalled(query, weights)
    inner = {"name": question.GROUP, "size": CAP, "_source": True}
    return {"query": body["query"], "size": LIMIT, "collapse": {"field": "category", "inner_hits": inner}}


def packed_rows(query: Query, weights: dict[str, int]) -> Body:
    """The adapter's first trip."""
    return question.recalled(query, weights) | {"size": rows_of_first_trip(query)}


def whole_records(query: Query, weights: dict[str, int]) -> Body:
    """The same rows as whole records."""
    body = packed_rows(query, weights)
    return {name: body[name] for name in ("query", "size", "sort", "track_total_hits")} | {"_source": True}


def columns(query: Query, weights: dict[str, int]) -> Body:
    """The same rows, each value from a column of its own, terms included."""
    return packed_rows(query, weights) | {"docvalue_fields": ["columns.*"]}


def named(query: Query, weights: dict[str, int]) -> Body:
    """The packed rows, with the server saying which terms matched."""
    body = packed_rows(query, weights)
    for clause, term in zip(body["query"]["function_score"]["query"]["bool"]["should"], weights, strict=True):
        clause["constant_score"]["_name"] = term
    return body


def tied(query: Query, weights: dict[str, int]) -> Body:
    """The packed rows with ties in any order, which is not what the port promises."""
    return packed_rows(query, weights) | {"sort": ["_score"]}


def by_id(query: Query, weights: dict[str, int]) -> Body:
    """The packed rows, with an `ids` query for what is excluded."""
    body = packed_rows(query, weights)
    must_not = body["query"]["function_score"]["query"]["bool"]["must_not"]
    must_not[-1] = {"ids": {"values": must_not[-1]["terms"]["item_id"]}}
    return body


def third_trip(query: Query, weights: dict[str, int]) -> Body:
    """The adapter's third trip where half of the hits are still wanted."""
    return question.grouped(question.recalled(query, weights), None, LIMIT // 2, CAP)


def hundred(query: Query, weights: dict[str, int]) -> Body:
    """Less than half of the packed rows."""
    return packed_rows(query, weights) | {"size": LIMIT}


def filtered_path(query: Query, weights: dict[str, int]) -> Body:
    """The packed rows, the answer stripped of all else by the server."""
    return packed_rows(query, weights)


FORMS = (packed_rows, hundred, tied, by_id, named, filtered_path, columns, whole_records, third_trip, naive)


class Bench:
    """One index, its questions, and what each form takes."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.connection = Connection(ElasticsearchSettings(url=arguments.url, prefix=f"bench-{uuid4().hex}", replicas=0))
        self.alias = items_alias(self.connection.settings.prefix)
        self.market = Marketplace(arguments.items, arguments.pools, arguments.seed, NOW)
        self.asked = [self._question(person, pool) for person, pool in enumerate(self.market.requested_pools(arguments.questions + WARM))]

    def load(self) -> float:
        """Items a second into the index, documents made included."""
        client, properties = self.connection.sync, layout.mapping(NONE)
        kinds = {name: {"type": "keyword"} for name in ("seller_id", "sale", "category", "item_id", "terms")}
        numbers = {name: {"type": "long", "index": False} for name in (*COLUMNS, "order") if name not in kinds}
        properties["properties"]["columns"] = {"properties": {**kinds, **numbers}}
        settings = layout.index_settings(self.connection.settings)
        client.indices.create(index=f"{self.alias}-000001", settings=settings, mappings=properties, aliases={self.alias: {}})
        bulk = Bulk(self.connection, self.alias, time.sleep, is_alias=True)
        began = time.perf_counter()
        for some in _batches(self.market.wide_items(), 2_000):
            bulk.write([_write(item) for item in some])
        took = time.perf_counter() - began
        client.options(request_timeout=600).indices.forcemerge(index=self.alias, max_num_segments=5)
        client.indices.refresh(index=self.alias)
        return self.market.items / took

    def forms(self) -> dict[str, Figures]:
        """Each form with each question."""
        samples: dict[str, list[Sample]] = {form.__name__: [] for form in FORMS}
        for number, (query, weights) in enumerate(self.asked):
            # The first to be asked finds nothing of the question's terms in the caches, so each comes first in its turn.
            first = number % len(FORMS)
            for form in FORMS[first:] + FORMS[:first]:
                sample = self._search(form(query, weights), is_stripped=form is filtered_path)
                if number >= WARM:
                    samples[form.__name__].append(sample)
        return {name: _figures(found) for name, found in samples.items()}

    async def calls(self) -> dict[str, Figures]:
        """Each call of the adapter, hits included; `timed` and `untrusted` browse by a rule of two leaves."""
        reader = ElasticsearchItemReader(self.connection)
        samples: dict[str, list[Sample]] = {}
        for number, (query, weights) in enumerate(self.asked):
            for name, call in self._calls_of(reader, query, weights):
                began, cpu = time.perf_counter(), time.process_time()
                await call
                if number >= WARM:
                    sample = Sample((time.perf_counter() - began) * 1e3, 0, (time.process_time() - cpu) * 1e3, 0)
                    samples.setdefault(name, []).append(sample)
        return {name: _figures(found) for name, found in samples.items()}

    def _calls_of(self, reader: ElasticsearchItemReader, query: Query, weights: dict[str, int]) -> Iterator[tuple[str, Awaitable[object]]]:
        ids = list(query.excluded)
        tag = {"field": "tags", "op": "has", "value": query.scope.pool_id}
        timed = parse_rule({"all": [tag, {"field": "published_at", "op": "within", "value": "-24h"}]}, NONE)
        home = Scope("home", query.scope.rule, trusted=True, everything=True)
        scopes = {"": query.scope, " timed": Scope(query.scope.pool_id, timed, trusted=True)}
        scopes |= {" untrusted": Scope(query.scope.pool_id, timed, trusted=False), " home": home}
        for name, scope in scopes.items():
            narrowed = msgspec.structs.replace(query, scope=scope)
            yield f"recall{name}", reader.recall(narrowed, weights)
            yield f"newest{name}", reader.browse(narrowed, "newest")
        yield "static", reader.browse(query, "static")
        yield "pick 200", reader.pick(msgspec.structs.replace(query, excluded=frozenset()), ids)
        yield "get 100", reader.get(ids[:100])
        yield "preview", reader.preview(timed, NOW, 10)

    def _search(self, body: Body, *, is_stripped: bool) -> Sample:
        params = {"filter_path": "took,hits.hits.sort,hits.hits.fields"} if is_stripped else {}
        began, cpu = time.perf_counter(), time.process_time()
        reply = self.connection.sync.perform_request("POST", f"/{self.alias}/_search", params=params, headers=HEADERS, body=body)
        ms, cpu = (time.perf_counter() - began) * 1e3, (time.process_time() - cpu) * 1e3
        return Sample(ms, reply.body["took"], cpu, len(msgspec.json.encode(reply.body)))

    def _question(self, person: int, pool: int) -> Asked:
        state, weights = self.market.behaviour(person), dict[str, float]()
        for part in (state.short, state.long):
            for term, weighted in part.items():
                weights[term] = weights.get(term, 0) + weighted.weight
        rule = parse_rule(self.market.rule(pool), NONE)
        excluded = frozenset(self.market.members(pool, EXCLUDED))
        query = Query(Scope(self.market.pool_id(pool), rule, trusted=True), excluded, CAP, LIMIT, NOW)
        return query, integer_weights([Trigger(term, weight, NOW) for term, weight in weights.items()])


def _write(item: WideItem) -> Write:
    columns = {name: getattr(item, name) for name in COLUMNS} | {"terms": item.terms, "order": packed(item.version, item.enrich)}
    fields = Documents(NONE).fields(item)
    document = {"state": item.state, layout.RECORD: msgspec.msgpack.encode(item), **fields, "columns": columns}
    return Write(item.item_id, packed(item.version, item.enrich), msgspec.json.encode(document))


def _batches(items: Iterator[WideItem], size: int) -> Iterator[list[WideItem]]:
    batch: list[WideItem] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def _figures(samples: list[Sample]) -> Figures:
    ms, took, cpu, size = (sorted(column) for column in zip(*samples, strict=True))
    half, last = len(ms) // 2, int(len(ms) * 0.99)
    shown = {
        "p50_ms": ms[half],
        "p99_ms": ms[last],
        "best_ms": ms[0],
        "server_p50_ms": took[half],
        "cpu_p50_ms": cpu[half],
        "kb": size[half] / 1e3,
    }
    return {name: round(value, 1) for name, value in shown.items()}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=ElasticsearchSettings().url)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--pools", type=int, default=2_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    try:
        loaded = {"items_per_s": round(bench.load())}
        found = {**loaded, "forms": bench.forms(), "calls": asyncio.run(bench.calls())}
    finally:
        remove_all(bench.connection)
    asked = {name: getattr(arguments, name) for name in ("items", "pools", "questions", "seed")}
    machine = {"machine": platform.platform(), "cores": psutil.cpu_count()}
    print(json.dumps({**asked, **machine, **found}, indent=None if arguments.json else 4))


if __name__ == "__main__":
    main()
