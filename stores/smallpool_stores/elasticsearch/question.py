"""Puts questions to the wide index into Elasticsearch's words.

In: queries and weights. Out: the bodies of searches. Whatever a caller sends is the value of a typed clause; no text is parsed.

Scores are exact: the clause of a term gives 512 times its weight and nothing else, the static score is added, and every sum stays
below 2^24, up to which a float32 holds every integer.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from smallpool_core.pages import Query, Scope
from smallpool_core.pools import BANNED
from smallpool_core.rules import Rule
from smallpool_stores.elasticsearch.hits import PACKED
from smallpool_stores.elasticsearch.mapping import VECTOR, VECTOR_MODEL
from smallpool_stores.elasticsearch.names import CATEGORY_WITHIN, key, spread_name
from smallpool_stores.elasticsearch.rules import Filter, to_filter

STATIC_RANGE = 512
"""Σ of weights counts this many times a static score of 0 … 511 (design, section 4)."""
MOST_VALUES = 65_536
"""Values that one clause may list, as Elasticsearch comes."""
MOST_NEAR = 10_000
"""Neighbours that a search may look for, as Elasticsearch comes."""
_MODELS = 4
GROUP = "rows"
"""What the rows of a spread key are called in an answer that is grouped."""

_LISTED: Filter = {"term": {"state": "on_sale"}}
_NOT_BANNED: Filter = {"bool": {"must_not": [{"term": {"pools": key(BANNED)}}]}}
_BY_ID = {"item_id": "asc"}
_ORDERS: Mapping[str, list[Any]] = {
    "weight": ["_score", _BY_ID],
    "newest": [{"published_at": {"order": "desc", "missing": 0}}, _BY_ID],
    "static": [{"static_score": "desc"}, _BY_ID],
}


def recalled(query: Query, weights: Mapping[str, int]) -> dict[str, Any]:
    """Rows that have at least one of the terms, by weight."""
    terms = [{"constant_score": {"filter": {"term": {"terms": key(term)}}, "boost": STATIC_RANGE * w}} for term, w in weights.items()]
    rows = {"bool": {**_allowed(query), "should": terms, "minimum_should_match": 1}}
    static = {"field_value_factor": {"field": "static_score"}}
    return _search({"function_score": {"query": rows, "functions": [static], "boost_mode": "sum"}}, _ORDERS["weight"])


def browsed(query: Query, by: Literal["newest", "static"]) -> dict[str, Any]:
    """All rows, by time of publication or by static score."""
    return _search({"bool": _allowed(query)}, _ORDERS[by])


def picked(query: Query, item_ids: Sequence[str]) -> dict[str, Any]:
    """The rows that have these ids, in no order."""
    allowed = _allowed(query)
    allowed["filter"].append(_one_of("item_id", item_ids))
    return {**_search({"bool": allowed}, []), "size": len(item_ids)}


def previewed(rule: Rule, now: int, sample: int) -> dict[str, Any]:
    """How many listed rows a rule matches, and the first of them by id."""
    rows = {"bool": {"filter": [on_sale(now), to_filter(rule, now)]}}
    return {**_search(rows, [_BY_ID]), "size": sample, "track_total_hits": True, "docvalue_fields": []}


def nearest(query: Query, vector: Sequence[int], model: str, categories: Collection[str], full: Collection[str]) -> dict[str, Any]:
    """Rows by their product with a vector of whole parts of 1/127, of other spread keys than those that are full; see `product_of`."""
    allowed = _allowed(query)
    allowed["filter"].append({"term": {VECTOR_MODEL: key(model)}})
    if categories:
        allowed["filter"].append(_one_of(CATEGORY_WITHIN, [key(path) for path in categories]))
    if full:
        allowed["must_not"].append(_one_of(spread_name(query.spread_level), [key(one) for one in full]))
    return {
        "knn": {"field": VECTOR, "query_vector": list(vector), "filter": {"bool": allowed}},
        "sort": _ORDERS["weight"],
        "docvalue_fields": [PACKED],
        "stored_fields": "_none_",
        "_source": False,
        "track_total_hits": False,
    }


def so_many(search: dict[str, Any], rows: int) -> dict[str, Any]:
    """The same for so many of the nearest, at most `MOST_NEAR`."""
    count = min(rows, MOST_NEAR)
    return search | {"knn": search["knn"] | {"k": count, "num_candidates": min(MOST_NEAR, 2 * count)}, "size": count}


def product_of(score: float) -> int:
    """The product of a row and the vector asked with, in whole parts of 1/16,129, from the score by which Elasticsearch ranks products."""
    return round(score - 1 if score >= 1 else 1 - 1 / score)


def models_of_vectors() -> dict[str, Any]:
    """How many listed rows have a vector of each model, the most first."""
    return {"size": 0, "query": _LISTED, "aggs": {"models": {"terms": {"field": VECTOR_MODEL, "size": _MODELS}}}}


def on_sale(now: int) -> Filter:
    """All that is listed, published and not expired."""
    return {"bool": {"filter": [_LISTED], "must_not": _off_sale(now)}}


def without(search: dict[str, Any], level: int | None, keys: Collection[str]) -> dict[str, Any]:
    """The same question for rows of other spread keys than these."""
    others = [_one_of(spread_name(level), [key(one) for one in keys])] if keys else []
    return search | {"query": {"bool": {"must": [search["query"]], "must_not": others}}}


def grouped(search: dict[str, Any], level: int | None, groups: int, rows: int) -> dict[str, Any]:
    """The same question for the best `rows` of each of the best `groups` spread keys."""
    inner = {"name": GROUP, "size": rows, "_source": False, "docvalue_fields": [PACKED], "sort": search["sort"]}
    return search | {"size": groups, "docvalue_fields": [], "collapse": {"field": spread_name(level), "inner_hits": inner}}


def _search(rows: Filter, order: list[Any]) -> dict[str, Any]:
    return {
        "query": rows,
        "sort": order,
        "docvalue_fields": [PACKED],
        "stored_fields": "_none_",
        "_source": False,
        "track_total_hits": False,
    }


def _allowed(query: Query) -> dict[str, list[Filter]]:
    """The clauses that every row of an answer meets."""
    excluded = [_one_of("item_id", list(query.excluded))] if query.excluded else []
    excluded += [_one_of("seller_id", sorted(map(key, query.excluded_sellers)))] if query.excluded_sellers else []
    cut = [] if query.scope.cut is None else [to_filter(query.scope.cut.rule, query.now)]
    return {"filter": [*_in_scope(query.scope, query.now), *cut], "must_not": [*_off_sale(query.now), *excluded]}


def _in_scope(scope: Scope, now: int) -> list[Filter]:
    if scope.everything:
        return [_LISTED, _NOT_BANNED]
    if not scope.trusted:
        return [_LISTED, to_filter(scope.rule, now)]
    # Documents of items that are not listed have no tags.
    tag: Filter = {"term": {"pools": key(scope.pool_id)}}
    return [tag, to_filter(scope.rule, now)] if scope.rule.is_timed else [tag]


def _off_sale(now: int) -> list[Filter]:
    return [{"range": {"published_at": {"gt": now}}}, {"range": {"expires_at": {"lte": now}}}]


def _one_of(field: str, values: Sequence[str]) -> Filter:
    parts: list[Filter] = [{"terms": {field: values[start : start + MOST_VALUES]}} for start in range(0, len(values), MOST_VALUES)]
    return parts[0] if len(parts) == 1 else {"bool": {"should": parts}}
