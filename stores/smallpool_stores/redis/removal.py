"""Removes all that one installation has in Redis, for a trial that is over."""

from smallpool_stores.redis.connection import RedisConnection

_AT_ONCE = 1_000


def remove_all(connection: RedisConnection) -> None:
    """Every key under the prefix; others may write meanwhile, and what they write may stay. Of a cluster, this node's."""
    pattern, cursor = f"{_literal(connection.settings.prefix)}*", 0
    with connection.translated(f"remove every key that begins with {connection.settings.prefix!r}"):
        while True:
            [[cursor, found]] = connection.read_now(("SCAN", cursor, "MATCH", pattern, "COUNT", _AT_ONCE))
            if found:
                connection.write_now(*(("UNLINK", key) for key in found))
            if int(cursor) == 0:
                return


def _literal(text: str) -> str:
    """The text with everything escaped that a pattern gives a meaning."""
    return "".join(f"\\{character}" if character in "*?[]\\^-" else character for character in text)
