"""Whether the threads of a process come round as they should.

In: for how many seconds each has not come round. Out: what is wrong with those that hang.
"""

from collections.abc import Mapping

HANGS_S = 300.0
"""A thread that has not come round for so long hangs. One turn waits for its stores, each with a time-out of its own: a bulk of
writes that is offered again and again, with brokers that are silent on top, is over sooner."""


def hanging(silent_s: Mapping[str, float]) -> dict[str, str]:
    """What is wrong, by thread; nothing while all come round."""
    return {name: f"has not come round for {seconds:.0f} s" for name, seconds in silent_s.items() if seconds > HANGS_S}
