"""How often one address may try API keys that nobody knows; whoever guesses is told to wait before any store is asked.

In: addresses, and the attempts that failed from them. Out: how long an address has to wait. Memory is bounded: of very many addresses
those that tried longest ago are forgotten.
"""

from collections import OrderedDict
from ipaddress import ip_address
from math import ceil
from typing import Final

from msgspec import Struct

from smallpool_core.ports import Clock

MAX_ADDRESSES: Final = 10_000
MINUTE_MS: Final = 60_000
IPV6_NETWORK: Final = len("2001:0db8:0000:0000")


class _Left(Struct, frozen=True):
    attempts: float
    at: int


class FailedKeys:
    """A bucket of `per_minute` attempts an address, which fills up again over a minute."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._left: OrderedDict[str, _Left] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """Seconds until the address may try again, 0 where it may now."""
        missing = 1 - self._attempts(_origin(address))
        return ceil(missing * MINUTE_MS / self._per_minute / 1000) if missing > 0 else 0

    def note(self, address: str) -> None:
        """An attempt from the address has failed."""
        origin = _origin(address)
        self._left[origin] = _Left(max(0.0, self._attempts(origin) - 1), self._clock.now_ms())
        self._left.move_to_end(origin)
        if len(self._left) > MAX_ADDRESSES:
            self._left.popitem(last=False)

    def _attempts(self, origin: str) -> float:
        left = self._left.get(origin)
        if left is None:
            return self._per_minute
        passed = max(0, self._clock.now_ms() - left.at)
        return min(self._per_minute, left.attempts + passed * self._per_minute / MINUTE_MS)


def _origin(address: str) -> str:
    """The address; of IPv6 its network of 64 bits, since one caller has all addresses in it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return parsed.exploded[:IPV6_NETWORK] if parsed.version == 6 else address
