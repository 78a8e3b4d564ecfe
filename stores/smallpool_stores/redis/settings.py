"""What an engineer may set of Redis: where it is, how long an answer may take, how long and how much is kept.

Every key has a time to live; each default says what it is for.
"""

from typing import Annotated

from msgspec import Meta, Struct

DAY_S = 86_400

Positive = Annotated[int, Meta(ge=1)]


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the adapters over Redis.

    url: `redis://`, `rediss://` (TLS) or `unix://`, with user and password where Redis wants them.
    cluster: whether that server is one of a Redis Cluster, whose others are found through it and reached with the same user and
    password. A name that leads to any of them is best, since a process that starts asks this address alone.
    prefix: begins every key, so that two installations may share a server; without braces, which would end the hash tag.
    answer_timeout_ms: how long the read path waits for an answer, and for a free connection. A page asks Redis before its
    sources are asked and has 200 ms in all, 60 of them for that; this ends sooner, so that the reason given is the real one.
    connect_timeout_ms: how long it waits for a new connection; with the answer less than a page's 200 ms.
    write_timeout_ms: the same for the write path, where nobody waits and a server that saves or fails over may take a while.
    pause_after, pause_ms: after so many calls in a row without an answer the read path asks nothing for so long, then tries one.
    The three reads with which a page opens are enough, so that one page waits once and the next ones not at all.
    connections: the most connections of one process to one server.
    seen_kept_s, triggers_kept_s, profiles_kept_s: counted from the last claim, event or profile of that person.
    links_kept_s: for how long it is known whose a device is, from when that was first heard.
    page_slack_s: how much longer than promised a page is kept, because the clocks of two servers differ a little.
    marks_kept_s: for how long an event that comes again is recognised, and one of a person who was erased; as long as the log keeps
    the event itself.
    most_marks: the most events of one person that are recognised; the oldest go.
    statistics_kept_s: popularity of a pool in which nothing happens any more. hours_kept_s: hourly counters.
    most_items_of_pool, most_items_of_site, most_terms: entries kept in each ranking; the lightest go.
    """

    url: str = "redis://127.0.0.1:6379/0"
    cluster: bool = False
    prefix: Annotated[str, Meta(pattern=r"^[^{}]*$", max_length=64)] = "sp:"
    answer_timeout_ms: Positive = 50
    connect_timeout_ms: Positive = 100
    write_timeout_ms: Positive = 2_000
    pause_after: Positive = 3
    pause_ms: Positive = 500
    connections: Positive = 64
    seen_kept_s: Positive = 30 * DAY_S
    page_slack_s: Positive = 600
    triggers_kept_s: Positive = 90 * DAY_S
    marks_kept_s: Positive = 7 * DAY_S
    most_marks: Positive = 2_000
    profiles_kept_s: Positive = 365 * DAY_S
    links_kept_s: Positive = 730 * DAY_S
    statistics_kept_s: Positive = 30 * DAY_S
    hours_kept_s: Positive = 8 * DAY_S
    most_items_of_pool: Positive = 2_000
    most_items_of_site: Positive = 100_000
    most_terms: Positive = 1_000
