"""A fresh index of pools or of keys on the real server, for one test.

In: the module that makes the index. Out: a connection whose prefix nobody else uses; the index is gone afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from elasticsearch_rig import settings
from smallpool_stores.elasticsearch.connection import Connection


@contextmanager
def small_index(part: ModuleType) -> Iterator[Connection]:
    connection = Connection(settings(connections=4))
    part.ensure(connection.sync, connection.settings)
    try:
        yield connection
    finally:
        connection.sync.indices.delete(index=f"{part.index_of(connection.settings)}-1")
        connection.close()
