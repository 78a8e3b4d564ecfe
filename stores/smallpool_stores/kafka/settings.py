"""Settings of the log on Kafka: where it is, how it is spoken to, how much is held in memory."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(gt=0)]


class KafkaSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the log is, and its bounds.

    bootstrap: brokers to begin with, `host:port` with commas between. prefix: stands before the names of topics, groups and
    transactional ids, so that several installations share one cluster.
    partitions: of every topic but `dead-letters`, fixed when the topics are made; at most so many processes take in events.
    replication: copies of each partition; 3 in production, with 2 of them in sync before a write counts.
    security, sasl_mechanism, username, password, ca_file, certificate_file, key_file: as the brokers ask for them.
    request_timeout_ms: how long one answer of a broker may take. delivery_timeout_ms: after which an append that was not
    acknowledged is refused; longer than a cluster takes to make another broker the leader of a dead one's partitions, which is
    9 s by default and an election. transaction_timeout_ms: after which brokers abort a transaction whose owner is silent.
    session_timeout_ms: after which a silent process loses its partitions to others.
    poll_records: records fetched in one go. buffer_mb: fetched and not yet passed, a reader. pending_mb: accepted and not yet
    acknowledged by brokers; beyond it an append is refused at once. max_message_mb: the largest record.
    compression: of what is written; `gzip` costs this process a good part of its time.
    state_directory: where the owner of items keeps what it knows of them, one process a directory;
    a copy of `item-wide`, which may be deleted.
    """

    bootstrap: str = "127.0.0.1:9092"
    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = "smallpool."
    partitions: Positive = 4
    replication: Positive = 1
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    username: str = ""
    password: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    request_timeout_ms: Annotated[int, Meta(ge=1_000)] = 5_000
    delivery_timeout_ms: Annotated[int, Meta(ge=1_000)] = 30_000
    transaction_timeout_ms: Annotated[int, Meta(ge=1_000)] = 5_000
    session_timeout_ms: Annotated[int, Meta(ge=6_000)] = 10_000
    poll_records: Positive = 500
    buffer_mb: Positive = 16
    pending_mb: Positive = 32
    max_message_mb: Positive = 9
    compression: Literal["none", "gzip"] = "none"
    state_directory: str = "smallpool-state"

    @property
    def max_message_bytes(self) -> int:
        """The largest record, in bytes."""
        return self.max_message_mb << 20
