"""Which partition a key belongs to: as Kafka's own clients have it, so that every producer agrees with ours.

In: a key and the number of partitions. Out: a partition.
"""

from kafka.partitioner.default import murmur2


def partition_of(key: str, partitions: int) -> int:
    """murmur2 of the UTF-8 bytes, as the default partitioner of Kafka's Java client."""
    hashed: int = murmur2(key.encode())
    return (hashed & 0x7FFFFFFF) % partitions
