"""Removes all that one installation has in Elasticsearch, for a trial that is over."""

from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated


def remove_all(connection: Connection) -> None:
    """Every index under the prefix, each by its name: a cluster may refuse patterns."""
    pattern = f"{connection.settings.prefix}-*"
    with translated(f"delete the indices {pattern!r}"):
        for name in connection.sync.indices.get(index=pattern, features=["aliases"]).body:
            connection.sync.indices.delete(index=name)
