"""The statements that count pairs of items, from sequences of events to lists.

In: the settings. Out: SQL. Weights are as of a time (`$now`, ms): an act at t counts 2^(min(0, t - now) / half-life), and a pair counts at
the time of its later act. Kinds are 0 for view and 1 for purchase. Items are numbered in the order of their ids, people are hashed (64
bits): numbers take a tenth of the memory of names. Pairs are counted in shards of items, `$shard` of `$shards`, that fit in memory.
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
NAMES: Final = """
CREATE OR REPLACE TABLE names AS
SELECT item AS name, (row_number() OVER (ORDER BY item))::INTEGER AS item FROM (SELECT DISTINCT item FROM taken)
"""
LEFT: Final = "CREATE OR REPLACE TABLE gone AS SELECT names.item FROM names JOIN known ON known.item = name WHERE gone"
"""Table `gone`: what is related to but never shown."""
HELD: Final = "CREATE OR REPLACE TABLE held AS SELECT names.item, pool FROM names JOIN known_pools ON known_pools.item = name"
"""Table `held`: which pool has which item."""


def acts(settings: RelationSettings) -> str:
    """Table `acts`: each event once, of each person and kind the latest ones."""
    return f"""
    CREATE OR REPLACE TABLE acts AS SELECT person, kind, weight, names.item, ms, fresh FROM
    (SELECT hash(person) AS person, type, item AS name, ms, bool_and(fresh) AS fresh FROM taken GROUP BY 1, 2, 3, 4)
    JOIN types USING (type) JOIN names USING (name)
    QUALIFY row_number() OVER (PARTITION BY kind, person ORDER BY ms DESC, names.item DESC) <= {settings.most_per_person}
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
    """Table `pairs`: what each ordered pair counts whose first item is in the shard."""
    half_life_ms = settings.half_life_s * 1000
    gap = f"CASE kind WHEN 0 THEN {settings.view_gap_s * 1000} ELSE {settings.purchase_gap_s * 1000} END"
    some = []
    for d in range(1, settings.window + 1):
        counted = f"pow(2, least(0, ms{d} - $now) / {half_life_ms}) / {d}"
        wanted = f"item{d} <> item AND ms{d} - ms <= {gap}{f' AND (fresh OR fresh{d})' if fresh_only else ''}"
        some.append(f"SELECT kind, item, item{d} AS other, {counted} AS part FROM ahead WHERE item % $shards = $shard AND {wanted}")
        if settings.backward_share > 0:
            back = f"{settings.backward_share} * {counted}"
            some.append(f"SELECT kind, item{d}, item, {back} FROM ahead WHERE item{d} % $shards = $shard AND {wanted}")
    return f"""
    CREATE OR REPLACE TABLE pairs AS SELECT kind, item, other, sum(part) AS pairs FROM ({" UNION ALL ".join(some)})
    WHERE other NOT IN (FROM gone) GROUP BY kind, item, other
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
    SELECT term, acts.item, sum(weight * pow(2, least(0, ms - $now) / {settings.half_life_s * 1000})) AS weight
    FROM acts JOIN names USING (item) JOIN known_terms ON known_terms.item = name
    WHERE acts.item NOT IN (FROM gone) {"AND fresh" if fresh_only else ""} GROUP BY term, acts.item
    HAVING sum(weight * pow(2, least(0, ms - $now) / {settings.half_life_s * 1000})) > 0
    """


def heaviest(settings: RelationSettings) -> str:
    """Table `heaviest`: of the shard's pairs those that come into lists, of the site and of pools, with their place. Acts may be so
    old that nothing is left of what they count: 0 of 0 times is no worth.
    """
    damping = settings.popularity_damping
    return f"""
    CREATE OR REPLACE TABLE heaviest AS
    WITH weighed AS (
        SELECT p.kind, p.item, p.other, p.pairs, o.count AS other_count,
            p.pairs / (pow(c.count, {1 - damping}) * pow(o.count, {damping})) AS weight
        FROM pairs p JOIN counts c ON c.kind = p.kind AND c.item = p.item JOIN counts o ON o.kind = p.kind AND o.item = p.other
        WHERE p.pairs > 0 AND c.count > 0 AND o.count > 0
    )
    SELECT *, row_number() OVER (PARTITION BY kind, item, pool ORDER BY weight DESC, other) AS place FROM
    (SELECT *, '' AS pool FROM weighed UNION ALL SELECT weighed.*, pool FROM weighed JOIN held ON held.item = other)
    QUALIFY place <= {settings.list_size}
    """


ITEM_LISTS: Final = """
SELECT kind, own.name, pool, count, names.name, weight, pairs, other_count FROM
(SELECT kind, item, coalesce(pool, '') AS pool, coalesce(place, 0) AS place, count, other, weight, pairs, other_count
 FROM counts LEFT JOIN (SELECT * FROM heaviest WHERE pool = '') USING (kind, item) WHERE item % $shards = $shard
 UNION ALL SELECT kind, item, pool, place, count, other, weight, pairs, other_count
 FROM heaviest JOIN counts USING (kind, item) WHERE pool <> '') listed
JOIN names own ON own.item = listed.item LEFT JOIN names ON names.item = other ORDER BY kind, listed.item, pool, place
"""
"""Rows (kind, item, pool, count, other item, weight, pairs, its count), list by list; of a list without entries one row without another."""


def term_lists(settings: RelationSettings) -> str:
    """Rows (term, pool, item, weight), list by list."""
    return f"""
    SELECT term, pool, name, weight FROM
    (SELECT *, row_number() OVER (PARTITION BY term, pool ORDER BY weight DESC, item) AS place FROM
     (SELECT *, '' AS pool FROM gains UNION ALL SELECT gains.*, pool FROM gains JOIN held USING (item))
     QUALIFY place <= {settings.term_list_size}) JOIN names USING (item) ORDER BY term, pool, place
    """


COUNTS_ADDED: Final = "SELECT kind, name, count FROM counts JOIN names USING (item)"
PAIRS_ADDED: Final = """
SELECT kind, own.name, pool, names.name, pairs FROM
(SELECT *, '' AS pool FROM pairs UNION ALL SELECT pairs.*, pool FROM pairs JOIN held ON held.item = other) added
JOIN names own ON own.item = added.item JOIN names ON names.item = other
"""
GAINS_ADDED: Final = """
SELECT term, pool, name, weight FROM
(SELECT *, '' AS pool FROM gains UNION ALL SELECT gains.*, pool FROM gains JOIN held USING (item)) JOIN names USING (item)
"""
