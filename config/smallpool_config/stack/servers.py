"""The kinds of servers, each made by a module of its own, in the order in which they are started: the slowest first."""

from collections.abc import Mapping
from typing import Protocol

from smallpool_config.stack import elasticsearch, kafka, redis
from smallpool_config.stack.kit import Kit
from smallpool_config.stack.state import Found, Kind, Server, Stack


class Maker(Protocol):
    """What a server's module offers; `PORTS` names what it listens for."""

    @property
    def PORTS(self) -> tuple[str, ...]:  # noqa: N802  # a constant of each module
        """What each of its ports is for."""
        ...

    def url(self, ports: Mapping[str, int], /) -> str:
        """Where clients go."""
        ...

    def prepare(self, kit: Kit, stack: Stack, server: Server, /) -> list[str]:
        """Writes what the server reads when it starts, and gives its command."""
        ...

    def answers(self, server: Server, together: int, /) -> bool:
        """Whether it truly serves, in a cluster of at least so many; never raises for one that does not."""
        ...

    def look(self, server: Server, /) -> Found:
        """What the server says of itself; raises `OSError` where it does not answer."""
        ...


MAKERS: Mapping[Kind, Maker] = {"elasticsearch": elasticsearch, "kafka": kafka, "redis": redis}
