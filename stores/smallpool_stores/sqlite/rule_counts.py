"""Counts over the items on sale that an operator is shown of a rule: how its items are spread, what each condition keeps out.

In: rules and an instant. Out: counts, each of one scan of the rows that rules are asked of.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from smallpool_core.cuts import Cut, CutBy, cut_at, cut_field, falls
from smallpool_core.rule_counts import PRICE_BOUNDS, Breakdown, Exclusion, Share
from smallpool_core.rules import Rule, SqlValue, to_sql
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.wide_fields import ON_SALE, rows_of

_MOST_FREQUENT = "SELECT * FROM (SELECT '{name}', key, items FROM {counted} ORDER BY items DESC, key LIMIT ?)"
_BREAKDOWN = f"""
WITH hits AS MATERIALIZED (
    SELECT f.category, f.seller_id, f.price_cents FROM fields AS f NOT INDEXED WHERE {ON_SALE} AND ({{holds}})
), by_category AS MATERIALIZED (
    SELECT category AS key, count(*) AS items FROM hits WHERE category IS NOT NULL GROUP BY category
), by_top AS (
    SELECT CASE instr(key, '›') WHEN 0 THEN key ELSE substr(key, 1, instr(key, '›') - 1) END AS key, sum(items) AS items
    FROM by_category GROUP BY 1
), by_seller AS (
    SELECT seller_id AS key, count(*) AS items FROM hits WHERE seller_id IS NOT NULL GROUP BY seller_id
)
{_MOST_FREQUENT.format(name="top", counted="by_top")}
UNION ALL {_MOST_FREQUENT.format(name="category", counted="by_category")}
UNION ALL {_MOST_FREQUENT.format(name="seller", counted="by_seller")}
UNION ALL SELECT 'all', NULL, count(*) FROM hits
UNION ALL SELECT 'priced', NULL, count(price_cents) FROM hits
{" ".join("UNION ALL SELECT 'from', NULL, count(*) FROM hits WHERE price_cents >= ?" for _ in PRICE_BOUNDS)}
"""
# One bit for each condition that a row fails, so that each condition is asked once a row; the limit, which is none, keeps SQLite from
# putting the expression in the place of every `failed`.
_EXCLUSIONS = f"SELECT {{counts}} FROM (SELECT {{failing}} AS failed FROM fields AS f NOT INDEXED WHERE {ON_SALE} LIMIT -1)"

_CUT_OFF = (
    f"SELECT f.{{field}} FROM fields AS f NOT INDEXED WHERE {ON_SALE} AND ({{holds}}) ORDER BY 1 {{order}} NULLS LAST LIMIT 2 OFFSET ?"
)


def breakdown(database: Database, rule: Rule, now: int, limit: int) -> Breakdown:
    """The port's `breakdown`."""
    holds, parameters = to_sql(rule, now)
    values = (now, now, *parameters, limit, limit, limit, *PRICE_BOUNDS)
    found: dict[str, list[tuple[Any, int]]] = {name: [] for name in ("top", "category", "seller", "all", "priced", "from")}
    for name, key, count in rows_of(database, _BREAKDOWN.format(holds=holds), values):
        found[name].append((key, count))
    top, category, seller = (tuple(Share(*one) for one in found[name]) for name in ("top", "category", "seller"))
    [(_, every)], [(_, priced)] = found["all"], found["priced"]
    at_least = [priced, *(count for _, count in found["from"]), 0]
    return Breakdown(top, category, seller, tuple(more - less for more, less in pairwise(at_least)), every - priced)


def exclusions(database: Database, parts: Sequence[Rule], now: int) -> list[Exclusion]:
    """The port's `exclusions`."""
    if not parts:
        return []
    pieces = [to_sql(part, now) for part in parts]
    failing = " | ".join(f"((NOT ({holds})) << {place})" for place, (holds, _) in enumerate(pieces))
    values: list[SqlValue] = [value for _, parameters in pieces for value in parameters]
    counts = ", ".join(f"total(failed = {1 << place}), total(failed >> {place} & 1)" for place in range(len(parts)))
    [row] = rows_of(database, _EXCLUSIONS.format(counts=counts, failing=failing), (*values, now, now))
    return [Exclusion(int(row[2 * place]), int(row[2 * place + 1])) for place in range(len(parts))]


def cut_off(database: Database, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
    """The port's `cut_off`."""
    holds, parameters = to_sql(rule, now)
    query = _CUT_OFF.format(field=cut_field(by), holds=holds, order="DESC" if falls(by) else "ASC")
    rows = rows_of(database, query, (now, now, *parameters, size - 1))
    return cut_at(by, rows[0][0]) if len(rows) > 1 else None
