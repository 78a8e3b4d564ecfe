"""Places in a log of several partitions: the newest offset that was reached, by partition; an absent one counts as -1.

Embedded there is the one partition 0.
"""

from collections.abc import Mapping

Places = Mapping[int, int]
"""Offset by partition."""


def behind(here: Places, awaited: Places) -> int:
    """How many offsets are left from `here` until every partition has reached `awaited`."""
    return sum(max(0, offset - here.get(partition, -1)) for partition, offset in awaited.items())


def has_reached(here: Places, awaited: Places) -> bool:
    """Whether no partition is left short of `awaited`."""
    return all(here.get(partition, -1) >= offset for partition, offset in awaited.items())


def farthest(some: Places, others: Places) -> dict[int, int]:
    """For each partition the later of the two places."""
    return {partition: max(some.get(partition, -1), others.get(partition, -1)) for partition in sorted({*some, *others})}
