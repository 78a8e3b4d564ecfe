"""What lies in Elasticsearch beside the items: keys and experiments, each a small index of its own; and vectors, where they are to.

In: settings. Out: the connection, and stores over it; they open nothing before they are asked.
"""

from functools import cached_property

from smallpool_config.settings import Settings
from smallpool_stores.elasticsearch import experiments, keys, pool_documents
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.experiments import ElasticsearchExperimentStore
from smallpool_stores.elasticsearch.keys import ElasticsearchKeyStore
from smallpool_stores.elasticsearch.vector_index import ElasticsearchVectorIndex


class InElasticsearch:
    """The part of the distributed wiring that keeps what operators say."""

    settings: Settings

    @cached_property
    def connection(self) -> Connection:
        """Elasticsearch."""
        return Connection(self.settings.elasticsearch)

    @cached_property
    def keys(self) -> ElasticsearchKeyStore:
        """The API keys."""
        return ElasticsearchKeyStore(self.connection)

    @cached_property
    def experiment_store(self) -> ElasticsearchExperimentStore:
        """The experiments."""
        return ElasticsearchExperimentStore(self.connection)

    @cached_property
    def vectors_in_elasticsearch(self) -> ElasticsearchVectorIndex | None:
        """What is on sale by its vectors, where the settings say that the index of items holds them."""
        return ElasticsearchVectorIndex(self.connection) if self.settings.elasticsearch.vector_dimensions else None

    def ensure_small_indices(self) -> None:
        """Makes those of them that are not there, and that of the pools."""
        for part in (pool_documents, keys, experiments):
            part.ensure(self.connection.sync, self.settings.elasticsearch)
