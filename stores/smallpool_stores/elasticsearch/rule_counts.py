"""Puts what an operator is shown of a rule into Elasticsearch's words: aggregations over the items on sale.

In: rules. Out: bodies of searches; counts, read from their answers. Exact in an index of one shard; in one of several a value that is
not among the most frequent ones of any shard may be missed.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from smallpool_core.rule_counts import PRICE_BOUNDS, Breakdown, Exclusion, Share
from smallpool_core.rules import AllOf, Not, Rule
from smallpool_stores.elasticsearch.names import spread_name
from smallpool_stores.elasticsearch.question import on_sale
from smallpool_stores.elasticsearch.rules import to_filter

_ASKED_OF_A_SHARD = 2_000
_FIELDS: Mapping[str, str] = {"top": spread_name(1), "category": "category", "seller": "seller_id"}
_UNPRICED = {"missing": {"field": "price_cents"}}


def breakdown(rule: Rule, now: int, limit: int) -> dict[str, Any]:
    """How many items there are of each most frequent value, and in each price band."""
    bands = [{"to": PRICE_BOUNDS[0]}, *({"from": low, "to": high} for low, high in pairwise(PRICE_BOUNDS)), {"from": PRICE_BOUNDS[-1]}]
    aggregations = {name: _most_frequent(field, limit) for name, field in _FIELDS.items()}
    return _counted(
        _on_sale(rule, now),
        {**aggregations, "bands": {"range": {"field": "price_cents", "ranges": bands}}, "unpriced": _UNPRICED},
    )


def breakdown_of(answer: Mapping[str, Any]) -> Breakdown:
    """What the aggregations of `breakdown` say."""
    top, category, seller = (tuple(Share(one["key"], one["doc_count"]) for one in answer[name]["buckets"]) for name in _FIELDS)
    prices = tuple(band["doc_count"] for band in answer["bands"]["buckets"])
    return Breakdown(top, category, seller, prices, answer["unpriced"]["doc_count"])


def exclusions(parts: Sequence[Rule], now: int) -> dict[str, Any]:
    """How many items fail each part, and how many fail it and no other."""
    aggregations: dict[str, Any] = {}
    for place, part in enumerate(parts):
        fails = Not(part.expression)
        others = [other.expression for other_place, other in enumerate(parts) if other_place != place]
        aggregations[f"excluded {place}"] = {"filter": to_filter(Rule.of(fails), now)}
        aggregations[f"alone {place}"] = {"filter": to_filter(Rule.of(AllOf((*others, fails))), now)}
    return _counted({"bool": {"filter": [on_sale(now)]}}, aggregations)


def exclusions_of(answer: Mapping[str, Any], parts: int) -> list[Exclusion]:
    """What the aggregations of `exclusions` say."""
    return [Exclusion(answer[f"alone {place}"]["doc_count"], answer[f"excluded {place}"]["doc_count"]) for place in range(parts)]


def extent(rule: Rule, field: str, now: int) -> dict[str, Any]:
    """How many items there are, and between what their values of a field lie."""
    return _counted(_on_sale(rule, now), {"values": {"stats": {"field": field}}, "unknown": {"missing": {"field": field}}})


def steps(rule: Rule, field: str, now: int, ends: Sequence[int]) -> dict[str, Any]:
    """How many items have a value in each of the ranges from one end to the next, which is not included."""
    ranges = [{"from": low, "to": high} for low, high in pairwise(ends)]
    return _counted(_on_sale(rule, now), {"steps": {"range": {"field": field, "ranges": ranges}}})


def steps_of(answer: Mapping[str, Any]) -> list[int]:
    """The counts of `steps`, in its order."""
    return [one["doc_count"] for one in answer["steps"]["buckets"]]


def _on_sale(rule: Rule, now: int) -> dict[str, Any]:
    return {"bool": {"filter": [on_sale(now), to_filter(rule, now)]}}


def _most_frequent(field: str, limit: int) -> dict[str, Any]:
    order = [{"_count": "desc"}, {"_key": "asc"}]
    return {"terms": {"field": field, "size": limit, "shard_size": max(limit, _ASKED_OF_A_SHARD), "order": order}}


def _counted(query: dict[str, Any], aggregations: dict[str, Any]) -> dict[str, Any]:
    return {"query": query, "size": 0, "track_total_hits": False, "aggregations": aggregations}
