"""The statements that count pairs of items, from sequences of events to lists.

In: the settings. Out: SQL. Weights are as of a time (`$now`, ms): an act at t counts
2^(min(0, t - now) / half-life), and a pair counts at the time of its later act. Kinds are 0 for view and 1 for purchase.
"""

from typing import Final

from smallpool_core.relations import RelationSettings

TABLES: Final = """
CREATE TABLE taken (person VARCHAR, type VARCHAR, item VARCHAR, ms BIGINT, fresh BOOLEAN);
CREATE TABLE types (type VARCHAR, kind TINYINT, weight DOUBLE);
CREATE TABLE known (item VARCHAR, gone BOOLEAN);
CREATE TABLE known_terms (item VARCHAR, term VARCHAR);
CREATE TABLE known_pools (item VARCHAR, pool VARCHAR);
"""
SITE_AND_POOLS: Final = "SELECT item, pool FROM known_pools UNION ALL SELECT DISTINCT item, '' FROM acts"
GONE: Final = "SELECT item FROM known WHERE gone"
"""What is related to but never shown."""


def acts(settings: RelationSettings) -> str:
    """Table `acts`: each event once, of each person and kind the latest ones."""
    return f"""
    CREATE OR REPLACE TABLE acts AS
    SELECT person, kind, weight, item, ms, fresh FROM
    (SELECT person, type, item, ms, bool_and(fresh) AS fresh FROM taken GROUP BY person, type, item, ms) JOIN types USING (type)
    QUALIFY row_number() OVER (PARTITION BY kind, person ORDER BY ms DESC, item DESC) <= {settings.most_per_person}
    """


STEPS: Final = """
CREATE OR REPLACE TABLE steps AS SELECT * EXCLUDE (before) FROM
(SELECT kind, person, item, ms, fresh, lag(item) OVER (PARTITION BY kind, person ORDER BY ms, item) AS before FROM acts)
WHERE item IS DISTINCT FROM before
"""
"""Table `steps`: the sequences of the people, where an item that comes several times in a row stands once."""


def ahead(settings: RelationSettings) -> str:
    """Table `ahead`: each step with those that follow it."""
    columns = ", ".join(
        f"lead(item, {d}) OVER w AS item{d}, lead(ms, {d}) OVER w AS ms{d}, lead(fresh, {d}) OVER w AS fresh{d}"
        for d in range(1, settings.window + 1)
    )
    return f"""
    CREATE OR REPLACE TABLE ahead AS SELECT kind, item, ms, fresh, {columns} FROM steps
    WINDOW w AS (PARTITION BY kind, person ORDER BY ms, item)
    """


def pairs(settings: RelationSettings, *, fresh_only: bool) -> str:
    """Table `pairs`: what each ordered pair of items counts."""
    half_life_ms = settings.half_life_s * 1000
    gap = f"CASE kind WHEN 0 THEN {settings.view_gap_s * 1000} ELSE {settings.purchase_gap_s * 1000} END"
    some = []
    for d in range(1, settings.window + 1):
        counted = f"pow(2, least(0, ms{d} - $now) / {half_life_ms}) / {d}"
        wanted = f"WHERE item{d} <> item AND ms{d} - ms <= {gap}{f' AND (fresh OR fresh{d})' if fresh_only else ''}"
        some.append(f"SELECT kind, item, item{d} AS other, {counted} AS part FROM ahead {wanted}")
        if settings.backward_share > 0:
            some.append(f"SELECT kind, item{d}, item, {settings.backward_share} * {counted} FROM ahead {wanted}")
    return f"""
    CREATE OR REPLACE TABLE pairs AS
    SELECT kind, item, other, sum(part) AS pairs FROM ({" UNION ALL ".join(some)}) GROUP BY kind, item, other
    """


def counts(settings: RelationSettings, *, fresh_only: bool) -> str:
    """Table `counts`: how often each item was touched."""
    return f"""
    CREATE OR REPLACE TABLE counts AS
    SELECT kind, item, sum(pow(2, least(0, ms - $now) / {settings.half_life_s * 1000})) AS count FROM steps
    {"WHERE fresh" if fresh_only else ""} GROUP BY kind, item
    """


def gains(settings: RelationSettings, *, fresh_only: bool) -> str:
    """Table `gains`: what each term's items on sale gained, by the weight of what people did with them."""
    return f"""
    CREATE OR REPLACE TABLE gains AS
    SELECT term, item, sum(weight * pow(2, least(0, ms - $now) / {settings.half_life_s * 1000})) AS weight
    FROM acts JOIN known_terms USING (item) WHERE item NOT IN ({GONE}) {"AND fresh" if fresh_only else ""}
    GROUP BY term, item HAVING sum(weight) > 0
    """


def item_lists(settings: RelationSettings) -> str:
    """Rows (kind, item, pool, count, others, weights, pairs, counts): every list of an item, also those without an entry."""
    damping = settings.popularity_damping
    order = "ORDER BY weight DESC, other"
    gathered = ", ".join(f"list({name} {order}) FILTER (other IS NOT NULL)" for name in ("other", "weight", "pairs", "other_count"))
    return f"""
    WITH weighed AS (
        SELECT p.kind, p.item, p.other, pool, p.pairs, o.count AS other_count,
            p.pairs / (pow(c.count, {1 - damping}) * pow(o.count, {damping})) AS weight
        FROM pairs p JOIN counts c ON c.kind = p.kind AND c.item = p.item JOIN counts o ON o.kind = p.kind AND o.item = p.other
        JOIN ({SITE_AND_POOLS}) held ON held.item = p.other WHERE p.other NOT IN ({GONE})
        QUALIFY row_number() OVER (PARTITION BY p.kind, p.item, pool {order}) <= {settings.list_size}
    )
    SELECT kind, item, pool, any_value(count), {gathered} FROM
    (SELECT kind, item, coalesce(pool, '') AS pool, count, other, weight, pairs, other_count
     FROM counts LEFT JOIN weighed USING (kind, item)
     UNION ALL SELECT kind, item, '', count, NULL, NULL, NULL, NULL FROM counts)
    GROUP BY kind, item, pool ORDER BY kind
    """


def term_lists(settings: RelationSettings) -> str:
    """Rows (term, pool, items, weights): every list of a term."""
    order = "ORDER BY weight DESC, item"
    return f"""
    SELECT term, pool, list(item {order}), list(weight {order}) FROM
    (SELECT term, pool, item, weight FROM gains JOIN ({SITE_AND_POOLS}) held USING (item)
     QUALIFY row_number() OVER (PARTITION BY term, pool {order}) <= {settings.term_list_size})
    GROUP BY term, pool
    """


PAIRS_ADDED: Final = f"""
SELECT kind, p.item, pool, list(other), list(pairs) FROM pairs p JOIN ({SITE_AND_POOLS}) held ON held.item = other
WHERE other NOT IN ({GONE}) GROUP BY kind, p.item, pool
"""
GAINS_ADDED: Final = f"SELECT term, pool, list(item), list(weight) FROM gains JOIN ({SITE_AND_POOLS}) held USING (item) GROUP BY term, pool"
