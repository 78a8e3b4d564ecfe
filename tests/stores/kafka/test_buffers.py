"""What is read and not yet passed."""

from smallpool_stores.kafka.buffers import Buffers
from smallpool_stores.kafka.clients import Record

KB = 1_000


def record(partition: int, offset: int, size: int = 1) -> Record:
    return Record(partition, offset, "k", b"x" * size, 5)


def opened(*partitions: int, max_bytes: int = 1_000 * KB) -> Buffers:
    buffers = Buffers(max_bytes)
    for partition in partitions:
        buffers.open(partition, -1)
    return buffers


def extend(buffers: Buffers, partition: int, *offsets: int, reached: int | None = None, size: int = 1) -> None:
    end = offsets[-1] if reached is None else reached
    buffers.extend(partition, [record(partition, offset, size) for offset in offsets], end, end)


def taken(buffers: Buffers, limit: int = 100) -> list[tuple[int, int]]:
    return [(some.partition, some.offset) for some in buffers.take(limit)]


def test_the_same_records_are_handed_out_until_they_are_passed() -> None:
    buffers = opened(0)
    extend(buffers, 0, 0, 1, 2)
    assert taken(buffers, 2) == taken(buffers, 2) == [(0, 0), (0, 1)]
    buffers.passed(0, 1)
    assert taken(buffers) == [(0, 2)]


def test_partitions_take_turns_when_one_is_passed() -> None:
    buffers = opened(0, 1, 2)
    for partition in (2, 0):
        extend(buffers, partition, 0, 1, 2)
    seen = []
    for _ in range(4):
        [(partition, offset)] = taken(buffers, 1)
        seen.append(partition)
        buffers.passed(partition, offset)
    assert seen == [0, 2, 0, 2]


def test_all_partitions_at_once_come_in_order_the_same_until_they_are_passed_and_take_turns_to_be_first() -> None:
    buffers = opened(0, 1, 2)
    for partition in (0, 1, 2):
        extend(buffers, partition, 0, 1)

    def all_taken(limit: int) -> list[tuple[int, int]]:
        return [(some.partition, some.offset) for some in buffers.take_all(limit)]

    assert all_taken(3) == all_taken(3) == [(0, 0), (0, 1), (1, 0)]
    buffers.passed(0, 1)
    buffers.passed(1, 0)
    assert all_taken(9) == [(2, 0), (2, 1), (1, 1)]
    buffers.passed(2, 1)
    buffers.passed(1, 1)
    assert all_taken(9) == []


def test_a_partition_that_was_closed_gives_and_takes_nothing() -> None:
    buffers = opened(0, 1)
    extend(buffers, 0, 0)
    buffers.close(0)
    extend(buffers, 0, 1)
    assert taken(buffers) == []
    assert buffers.places() == {1: -1}
    buffers.open(0, 5)
    assert buffers.places() == {0: 5, 1: -1}


def test_what_was_passed_and_is_read_again_is_not_handed_out() -> None:
    buffers = opened(0)
    buffers.passed(0, 1)
    extend(buffers, 0, 0, 1, 2)
    assert taken(buffers) == [(0, 2)]


def test_a_place_counts_markers_that_follow_what_was_passed() -> None:
    buffers = opened(0)
    extend(buffers, 0, 0, 1, reached=1)
    assert buffers.places() == {0: -1}
    assert buffers.place_after(0, 1) == 1
    extend(buffers, 0, reached=2)
    assert buffers.place_after(0, 0) == 0
    assert buffers.place_after(0, 1) == 2
    buffers.passed(0, 1)
    assert buffers.places() == {0: 2}
    extend(buffers, 0, 5)
    assert buffers.places() == {0: 4}
    assert buffers.waiting() == 1


def test_single_records_can_be_taken_out_between_their_neighbours() -> None:
    buffers = opened(0)
    extend(buffers, 0, 0, 1, 2)
    buffers.remove([record(0, 1)])
    assert taken(buffers) == [(0, 0), (0, 2)]


def test_a_partition_with_too_much_waiting_is_to_be_held_back_until_half_of_it_is_passed() -> None:
    buffers = opened(0, 1, max_bytes=20 * KB)
    extend(buffers, 0, *range(12), size=KB)
    assert buffers.crowded() == ({0}, {1})
    buffers.passed(0, 4)
    assert buffers.crowded() == (set(), {1})
    buffers.passed(0, 9)
    assert buffers.crowded() == (set(), {0, 1})
