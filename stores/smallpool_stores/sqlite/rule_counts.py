"""Counts over the items on sale that an operator is shown of a rule: how its items are spread, what each condition keeps out.

In: rules and an instant. Out: counts, each of one scan of the rows that rules are asked of.
"""

from collections.abc import Sequence
from typing import Any

from smallpool_core.rule_counts import PRICE_BOUNDS, Breakdown, Exclusion, Share
from smallpool_core.rules import Rule, SqlValue, to_sql
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.wide_fields import ON_SALE, rows_of

_BAND = " + ".join("(price_cents >= ?)" for _ in PRICE_BOUNDS)
_SHARES = """
SELECT * FROM (
    SELECT '{name}', {key} AS key, count(*) AS items FROM hits WHERE {key} IS NOT NULL GROUP BY 2 ORDER BY items DESC, key LIMIT ?
)
"""
_TOP = "CASE instr(category, '›') WHEN 0 THEN category ELSE substr(category, 1, instr(category, '›') - 1) END"
_BREAKDOWN = f"""
WITH hits AS MATERIALIZED (
    SELECT f.category, f.seller_id, f.price_cents FROM fields AS f NOT INDEXED WHERE {ON_SALE} AND ({{holds}})
)
{_SHARES.format(name="top", key=_TOP)} UNION ALL {_SHARES.format(name="category", key="category")}
UNION ALL {_SHARES.format(name="seller", key="seller_id")}
UNION ALL SELECT 'band', {_BAND} AS key, count(*) FROM hits GROUP BY key
"""
# One bit for each condition that a row fails: rows that fail the same ones are counted together, each condition asked once a row.
_EXCLUSIONS = f"SELECT {{failing}} AS failed, count(*) FROM fields AS f NOT INDEXED WHERE {ON_SALE} GROUP BY failed"


def breakdown(database: Database, rule: Rule, now: int, limit: int) -> Breakdown:
    """The port's `breakdown`."""
    holds, parameters = to_sql(rule, now)
    values = (now, now, *parameters, limit, limit, limit, *PRICE_BOUNDS)
    found: dict[str, list[tuple[Any, int]]] = {"top": [], "category": [], "seller": [], "band": []}
    for name, key, count in rows_of(database, _BREAKDOWN.format(holds=holds), values):
        found[name].append((key, count))
    top, category, seller = (tuple(Share(*one) for one in found[name]) for name in ("top", "category", "seller"))
    bands = dict(found["band"])
    return Breakdown(top, category, seller, tuple(bands.get(band, 0) for band in range(len(PRICE_BOUNDS) + 1)), bands.get(None, 0))


def exclusions(database: Database, parts: Sequence[Rule], now: int) -> list[Exclusion]:
    """The port's `exclusions`."""
    pieces = [to_sql(part, now) for part in parts]
    failing = " | ".join(f"((NOT ({holds})) << {place})" for place, (holds, _) in enumerate(pieces)) or "0"
    values: list[SqlValue] = [value for _, parameters in pieces for value in parameters]
    rows = rows_of(database, _EXCLUSIONS.format(failing=failing), (*values, now, now))
    return [
        Exclusion(sum(count for failed, count in rows if failed == 1 << place), sum(count for failed, count in rows if failed >> place & 1))
        for place in range(len(parts))
    ]
