"""Removes all that one installation has in Redis, for a trial that is over."""

from smallpool_stores.redis.connection import RedisConnection

_AT_ONCE = 1_000


def remove_all(connection: RedisConnection) -> None:
    """Every key under the prefix, on every server of a cluster; others may write meanwhile, and what they write may stay."""
    with connection.translated(f"remove every key that begins with {connection.settings.prefix!r}"):
        for server in connection.servers_now():
            _remove_at(connection, server)


def _remove_at(connection: RedisConnection, server: str) -> None:
    pattern, cursor = f"{_literal(connection.settings.prefix)}*", 0
    while True:
        [[cursor, found]] = connection.read_now(("SCAN", cursor, "MATCH", pattern, "COUNT", _AT_ONCE), at=server)
        connection.write_now(*(("UNLINK", key) for key in found))
        if int(cursor) == 0:
            return


def _literal(text: str) -> str:
    """The text with everything escaped that a pattern gives a meaning."""
    return "".join(f"\\{character}" if character in "*?[]\\^-" else character for character in text)
