"""What DuckDB is asked of pages and of what followed, as SQL.

In: records of the logs `served` and `user-events` as lines of JSON. Out: one line a page and item; acts, each with the line it belongs to.
"""

from typing import Final

PERSON: Final = "CASE WHEN user_id <> '' THEN 'u:' || user_id WHEN device_id <> '' THEN 'd:' || device_id ELSE '' END"
"""The key of an identity, as `Identity.key` makes it; empty for nobody."""

GIVEN: Final = f"""
CREATE TABLE given AS
SELECT coalesce({PERSON}, '') AS identity, request_id, pool_id, user_id, device_id, "at" AS made_at, bucket,
    coalesce(forced, false) AS forced, items
FROM read_ndjson($file, ignore_errors = true, columns = {{
    request_id: 'VARCHAR', pool_id: 'VARCHAR', user_id: 'VARCHAR', device_id: 'VARCHAR', "at": 'BIGINT', bucket: 'MAP(VARCHAR, VARCHAR)',
    forced: 'BOOLEAN', items: 'STRUCT(item_id VARCHAR, sources VARCHAR[], score DOUBLE, features MAP(VARCHAR, DOUBLE))[]'
}})
WHERE "at" >= $since AND "at" < $until
"""
PAGES: Final = """
CREATE TABLE pages AS
SELECT rowid AS page, * FROM given
WHERE rowid IN (SELECT min_by(rowid, made_at) FROM given GROUP BY identity, request_id, pool_id)
"""
"""Each page once. What is grouped is its number alone: items that go through a group, or a sort of pages, do not fit in memory. One
request_id may name a page in each of several pools, so from here on a page is known by its number.
"""
GIVEN_NO_MORE: Final = "DROP TABLE given"

LINES: Final = """
CREATE TABLE lines AS
SELECT page, identity, request_id, made_at, unnest(range(1, len(items) + 1)) AS position, unnest(items, max_depth := 2) FROM pages
"""
"""A page's items one by one; positions count from 1."""

ACTS: Final = f"""
CREATE TABLE acts AS
SELECT DISTINCT coalesce({PERSON}, '') AS identity, type, item_id, "at" AS acted_at, request_id
FROM read_ndjson($file, ignore_errors = true, columns = {{
    type: 'VARCHAR', "at": 'BIGINT', user_id: 'VARCHAR', device_id: 'VARCHAR', item_id: 'VARCHAR', request_id: 'VARCHAR'
}})
WHERE item_id IS NOT NULL AND type IN ('view', 'click', 'favourite', 'cart', 'bid', 'purchase', 'expose')
"""

NAMED: Final = """
CREATE TABLE named AS
SELECT acts.rowid AS act, max_by(lines.rowid, (lines.made_at <= acts.acted_at, lines.made_at)) AS line
FROM acts JOIN lines ON lines.identity = acts.identity AND lines.item_id = acts.item_id AND lines.request_id = acts.request_id
WHERE acts.identity <> '' GROUP BY acts.rowid
"""
"""Acts that name a page of theirs, each with one line: where the request_id is that of pages in several pools, of the last before it."""

FOLLOWED: Final = """
CREATE TABLE followed AS
SELECT named.line, acts.type, acts.acted_at FROM named JOIN acts ON acts.rowid = named.act
UNION ALL
SELECT numbered.line, unnamed.type, unnamed.acted_at
FROM (SELECT * FROM acts WHERE identity <> '' AND rowid NOT IN (SELECT act FROM named)) AS unnamed
ASOF JOIN (SELECT rowid AS line, identity, item_id, made_at FROM lines) AS numbered
    ON unnamed.identity = numbered.identity AND unnamed.item_id = numbered.item_id AND unnamed.acted_at >= numbered.made_at
WHERE unnamed.acted_at - numbered.made_at <= $window_ms
"""
"""Each act with the line that it belongs to; acts that belong to none are left out."""

OUTCOMES: Final = """
CREATE TABLE outcomes AS
SELECT lines.*, coalesce(exposes, 0) AS exposes, coalesce(views, 0) AS views, coalesce(clicks, 0) AS clicks,
    coalesce(favourites, 0) AS favourites, coalesce(carts, 0) AS carts, coalesce(bids, 0) AS bids,
    coalesce(purchases, 0) AS purchases, first_at
FROM lines LEFT JOIN (
    SELECT line, count(*) FILTER (type = 'expose') AS exposes, count(*) FILTER (type = 'view') AS views,
        count(*) FILTER (type = 'click') AS clicks, count(*) FILTER (type = 'favourite') AS favourites,
        count(*) FILTER (type = 'cart') AS carts, count(*) FILTER (type = 'bid') AS bids, count(*) FILTER (type = 'purchase') AS purchases,
        min(acted_at) FILTER (type <> 'expose') AS first_at
    FROM followed GROUP BY line
) AS acted ON acted.line = lines.rowid
"""

TAKING_PART: Final = """
CREATE OR REPLACE TEMP TABLE taking_part AS
SELECT identity, min(bucket[$layer]) AS bucket, count(DISTINCT bucket[$layer]) AS buckets
FROM pages WHERE identity <> '' AND NOT forced AND starts_with(bucket[$layer], $prefix) GROUP BY identity
"""
PEOPLE: Final = "SELECT substr(bucket, length($prefix) + 1), count(*) FROM taking_part WHERE buckets = 1 GROUP BY ALL"
MIXED: Final = "SELECT count(*) FROM taking_part WHERE buckets > 1"
FORCED: Final = "SELECT count(*) FROM pages WHERE forced AND starts_with(bucket[$layer], $prefix)"

OWN: Final = """
own AS (
    SELECT taking_part.bucket AS own_bucket, outcomes.*
    FROM taking_part JOIN pages ON taking_part.identity = pages.identity AND NOT pages.forced AND pages.bucket[$layer] = taking_part.bucket
    JOIN outcomes ON outcomes.page = pages.page
    WHERE taking_part.buckets = 1
)
"""
"""Lines that were served to people as a part of the experiment."""

_SUMS: Final = """
SELECT substr(bucket, length($prefix) + 1), figure, source, any_value(people), sum(x), sum(y), sum(x * x), sum(y * y), sum(x * y)
FROM figures JOIN (SELECT bucket, count(*) AS people FROM taking_part WHERE buckets = 1 GROUP BY bucket) USING (bucket)
GROUP BY bucket, figure, source ORDER BY ALL
"""

OF_PAGES: Final = f"""
WITH {OWN}, sums AS (
    SELECT taking_part.bucket, taking_part.identity, count(own.item_id) AS lines, coalesce(sum(clicks), 0) AS clicks,
        coalesce(sum(bids), 0) AS bids, coalesce(sum(purchases), 0) AS orders, count(*) FILTER (own.clicks > 0) AS clicked,
        count(*) FILTER (own.bids > 0) AS bidden
    FROM taking_part LEFT JOIN own ON own.identity = taking_part.identity
    WHERE taking_part.buckets = 1 GROUP BY ALL
), figures AS (
    SELECT bucket, '' AS source, unnest([
        {{figure: 'clicks_per_user', x: clicks::DOUBLE, y: 1.0::DOUBLE}},
        {{figure: 'click_users', x: (clicks > 0)::INT::DOUBLE, y: 1.0::DOUBLE}},
        {{figure: 'bids_per_user', x: bids::DOUBLE, y: 1.0::DOUBLE}},
        {{figure: 'orders_per_user', x: orders::DOUBLE, y: 1.0::DOUBLE}},
        {{figure: 'click_rate', x: clicked::DOUBLE, y: lines::DOUBLE}},
        {{figure: 'bid_rate', x: bidden::DOUBLE, y: lines::DOUBLE}}
    ], recursive := true) FROM sums
) {_SUMS}
"""

OF_SOURCES: Final = f"""
WITH {OWN}, sums AS (
    SELECT own_bucket AS bucket, identity, source, count(*) AS lines, count(*) FILTER (clicks > 0) AS clicked,
        count(*) FILTER (bids > 0) AS bidden
    FROM (SELECT *, unnest(sources) AS source FROM own) GROUP BY ALL
), figures AS (
    SELECT bucket, source, unnest([
        {{figure: 'click_rate', x: clicked::DOUBLE, y: lines::DOUBLE}}, {{figure: 'bid_rate', x: bidden::DOUBLE, y: lines::DOUBLE}}
    ], recursive := true) FROM sums
) {_SUMS}
"""

EXAMINED: Final = """
CREATE OR REPLACE TEMP TABLE examined AS
SELECT position, (count(*) FILTER (exposes > 0 OR clicks > 0) + 0.5) / (count(*) + 1) AS propensity
FROM outcomes WHERE page IN (SELECT page FROM outcomes WHERE exposes > 0) GROUP BY position
"""
"""How often what lay at a position was shown, on pages of which clients tell what they showed; with a Jeffreys prior, so never 0."""

ROWS: Final = """
SELECT pages.request_id, pages.pool_id, pages.user_id, pages.device_id, pages.made_at AS "at", pages.bucket, pages.forced,
    outcomes.position, outcomes.item_id, outcomes.sources, outcomes.score, outcomes.features,
    coalesce(examined.propensity, 1.0) AS propensity,
    CASE WHEN examined.propensity IS NULL THEN 'assumed' ELSE 'exposures' END AS propensity_from,
    exposes > 0 AS exposed, views > 0 AS viewed, clicks > 0 AS clicked, favourites > 0 AS favourite, carts > 0 AS cart, bids > 0 AS bid,
    purchases > 0 AS purchased, (first_at - pages.made_at) / 1000.0 AS seconds
FROM outcomes JOIN pages ON pages.page = outcomes.page
LEFT JOIN examined ON examined.position = outcomes.position
"""
IN_ORDER: Final = "pages.made_at, pages.request_id, pages.pool_id, outcomes.position"
