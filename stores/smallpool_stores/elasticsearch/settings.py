"""What an operator may set of Elasticsearch: where it is, who asks, how indices are laid out, how long is waited."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1)]


class ElasticsearchSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where Elasticsearch is and how it is used.

    url: address of a node, or of several with commas between them.
    api_key: an encoded API key. username, password: basic authentication, where there is no api_key.
    ca_certs: file of the certificate authority that signed the nodes' certificates; empty means the system's.
    verify: whether certificates are checked at all.
    prefix: what the name of every index begins with; two wirings on one cluster need two.
    shards, replicas: of the index of items; replicas of the small indices too. Shards of an index that exists do not change.
    refresh_interval_ms: how soon Elasticsearch makes a written item recallable by itself.
    connections: kept to each node, by each process.
    read_timeout_ms: a question takes no longer, all its round trips together.
    pause_after, pause_ms: after so many questions in a row without an answer pages ask nothing for so long at most, then one of them
    tries; the live view goes on answering what it knows.
    write_timeout_ms: a request that writes takes no longer.
    bulk_bytes: a bulk request is at most this long, unless one item alone is longer.
    retry_ms: for so long a bulk request is offered again to a cluster that is too busy to take it.
    vector_dimensions: of the vectors of items that the index of items holds too, searched there instead of in each process; 0 for none. An
    index that exists is laid out otherwise: `smallpool rebuild` makes another.
    vector_search: `exact`, which reads every vector inside a constraint, or `graph`, which is fast among millions and may miss some.
    """

    url: str = "http://127.0.0.1:9200"
    api_key: str = ""
    username: str = ""
    password: str = ""
    ca_certs: str = ""
    verify: bool = True
    prefix: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,99}$")] = "smallpool"
    shards: Count = 1
    replicas: Annotated[int, Meta(ge=0)] = 1
    refresh_interval_ms: Annotated[int, Meta(ge=50)] = 1_000
    connections: Count = 32
    read_timeout_ms: Count = 5_000
    pause_after: Count = 6
    pause_ms: Count = 1_000
    write_timeout_ms: Count = 30_000
    bulk_bytes: Annotated[int, Meta(ge=10_000, le=90_000_000)] = 4_000_000
    retry_ms: Count = 30_000
    vector_dimensions: Annotated[int, Meta(ge=0, le=4_096)] = 0
    vector_search: Literal["exact", "graph"] = "exact"

    @property
    def urls(self) -> list[str]:
        """The address of each node."""
        return [url.strip() for url in self.url.split(",") if url.strip()]
