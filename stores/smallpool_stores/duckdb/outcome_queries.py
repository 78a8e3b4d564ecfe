"""What DuckDB is asked of pages and of what followed, as SQL.

In: records of the logs `served` and `user-events` as lines of JSON. Out: one line a page and item; acts, each with the line it belongs to.
"""

from typing import Final

PERSON: Final = "CASE WHEN user_id <> '' THEN 'u:' || user_id WHEN device_id <> '' THEN 'd:' || device_id ELSE '' END"
"""The key of an identity, as `Identity.key` makes it; empty for nobody."""

PAGES: Final = f"""
CREATE TABLE pages AS
SELECT DISTINCT ON (identity, request_id) coalesce({PERSON}, '') AS identity, request_id, pool_id, user_id, device_id, "at" AS made_at,
    bucket, coalesce(forced, false) AS forced, items
FROM read_ndjson($file, ignore_errors = true, columns = {{
    request_id: 'VARCHAR', pool_id: 'VARCHAR', user_id: 'VARCHAR', device_id: 'VARCHAR', "at": 'BIGINT', bucket: 'MAP(VARCHAR, VARCHAR)',
    forced: 'BOOLEAN', items: 'STRUCT(item_id VARCHAR, sources VARCHAR[], score DOUBLE, features MAP(VARCHAR, DOUBLE))[]'
}})
WHERE "at" >= $since AND "at" < $until ORDER BY "at"
"""

LINES: Final = """
CREATE TABLE lines AS
SELECT identity, request_id, made_at, unnest(range(1, len(items) + 1)) AS position, unnest(items, max_depth := 2) FROM pages
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

FOLLOWED: Final = """
CREATE TABLE followed AS
WITH named AS (
    SELECT acts.identity, acts.item_id, acts.type, acts.acted_at, lines.request_id
    FROM acts LEFT JOIN lines ON lines.identity = acts.identity AND lines.item_id = acts.item_id AND lines.request_id = acts.request_id
    WHERE acts.identity <> ''
)
SELECT identity, item_id, type, acted_at, request_id FROM named WHERE request_id IS NOT NULL
UNION ALL
SELECT named.identity, named.item_id, named.type, named.acted_at, lines.request_id
FROM (SELECT * FROM named WHERE request_id IS NULL) AS named
ASOF JOIN lines ON named.identity = lines.identity AND named.item_id = lines.item_id AND named.acted_at >= lines.made_at
WHERE named.acted_at - lines.made_at <= $window_ms
"""
"""Each act with the page that it belongs to; acts that belong to none are left out."""

OUTCOMES: Final = """
CREATE TABLE outcomes AS
SELECT lines.*, coalesce(exposes, 0) AS exposes, coalesce(views, 0) AS views, coalesce(clicks, 0) AS clicks,
    coalesce(favourites, 0) AS favourites, coalesce(carts, 0) AS carts, coalesce(bids, 0) AS bids,
    coalesce(purchases, 0) AS purchases, first_at
FROM lines LEFT JOIN (
    SELECT identity, request_id, item_id, count(*) FILTER (type = 'expose') AS exposes, count(*) FILTER (type = 'view') AS views,
        count(*) FILTER (type = 'click') AS clicks, count(*) FILTER (type = 'favourite') AS favourites,
        count(*) FILTER (type = 'cart') AS carts, count(*) FILTER (type = 'bid') AS bids, count(*) FILTER (type = 'purchase') AS purchases,
        min(acted_at) FILTER (type <> 'expose') AS first_at
    FROM followed GROUP BY ALL
) USING (identity, request_id, item_id)
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
    JOIN outcomes ON outcomes.identity = pages.identity AND outcomes.request_id = pages.request_id
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
FROM (SELECT *, max(exposes) OVER (PARTITION BY identity, request_id) > 0 AS reports FROM outcomes) WHERE reports GROUP BY position
"""
"""How often what lay at a position was shown, on pages of which clients tell what they showed; with a Jeffreys prior, so never 0."""

ROWS: Final = """
SELECT pages.request_id, pages.pool_id, pages.user_id, pages.device_id, pages.made_at AS "at", pages.bucket, pages.forced,
    outcomes.position, outcomes.item_id, outcomes.sources, outcomes.score, outcomes.features,
    coalesce(examined.propensity, 1.0) AS propensity,
    CASE WHEN examined.propensity IS NULL THEN 'assumed' ELSE 'exposures' END AS propensity_from,
    exposes > 0 AS exposed, views > 0 AS viewed, clicks > 0 AS clicked, favourites > 0 AS favourite, carts > 0 AS cart, bids > 0 AS bid,
    purchases > 0 AS purchased, (first_at - pages.made_at) / 1000.0 AS seconds
FROM outcomes JOIN pages ON pages.identity = outcomes.identity AND pages.request_id = outcomes.request_id
LEFT JOIN examined ON examined.position = outcomes.position
"""
