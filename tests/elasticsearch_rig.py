"""A fresh index of items on the real Elasticsearch, under a prefix of its own, dropped when the tests are done with it.

In: the attributes that the mapping declares, settings. Out: a connection, its writer and its reader.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from servers import address
from smallpool_core.fields import Attributes
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.indices import ItemIndices
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.elasticsearch.removal import remove_all
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter

NO_ATTRIBUTES = Attributes({})


def settings(**changes: Any) -> ElasticsearchSettings:
    """The server of the tests, a prefix that nothing else has, no replicas; a refresh comes when a test asks for it."""
    sound = {"url": address("elasticsearch"), "prefix": f"test-{uuid4().hex}", "replicas": 0, "refresh_interval_ms": 3_600_000}
    return ElasticsearchSettings(**sound | changes)


@contextmanager
def item_indices(attributes: Attributes = NO_ATTRIBUTES, **changes: Any) -> Iterator[tuple[Connection, ItemIndices]]:
    """A connection and the indices of items under its prefix, of which there are none yet."""
    connection = Connection(settings(**changes))
    indices = ItemIndices(connection, attributes)
    try:
        yield connection, indices
    finally:
        connection.close()
        # Straight to the server: a test may have left what stands before it in any state.
        direct = Connection(settings(prefix=connection.settings.prefix))
        remove_all(direct)
        direct.close()


@contextmanager
def item_index(attributes: Attributes = NO_ATTRIBUTES, **changes: Any) -> Iterator[tuple[ElasticsearchItemWriter, ElasticsearchItemReader]]:
    """Both sides of an empty index of items."""
    with item_indices(attributes, **changes) as (connection, indices):
        indices.ensure()
        yield ElasticsearchItemWriter(connection, attributes), ElasticsearchItemReader(connection)
