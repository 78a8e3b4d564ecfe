"""Keys go where Kafka's own clients would put them."""

import pytest

from smallpool_stores.kafka.partitioner import partition_of


@pytest.mark.parametrize(
    ("key", "hashed"),
    [  # the values that Kafka's own tests hold its Java client to
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_a_key_goes_where_the_java_client_puts_it(key: str, hashed: int) -> None:
    for partitions in (1, 4, 7, 1_000):
        assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


def test_keys_are_hashed_as_utf8_and_spread_over_all_partitions() -> None:
    found = {partition_of(f"手机 {number}", 8) for number in range(200)}
    assert found == set(range(8))
