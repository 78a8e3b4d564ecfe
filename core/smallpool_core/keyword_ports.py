"""The port of related keywords: what people may type next who typed something. `encoder_ports.py` goes on here.

In: what somebody typed, listings on sale. Out: keywords of this marketplace.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from smallpool_core.items import WideItem


class Keyword(Struct, frozen=True):
    """A keyword as people write it; `score` is the cosine of what it and the query mean, above 0 and at most 1."""

    keyword: str
    score: float


class Keywords(Protocol):
    """The keywords of a marketplace, by what they mean. Computes inline, asks nobody; safe for threads. Callers fail open."""

    @property
    def model(self) -> str:
        """The version of the model that says what words mean; empty where there is none, and then nothing is related to anything."""
        ...

    def has_turn(self, now: int) -> bool:
        """Whether the caller is to `take` listings: those from before are too old as of `now` (ms), and nobody else was told so of late."""
        ...

    def take(self, listed: Sequence[WideItem] | None) -> None:
        """Replaces what listings were known by that of these, which are on sale; None leaves it. What the knowledge base names stays. Some
        tenths of a second: not for an event loop.
        """
        ...

    def related(self, query: str, size: int) -> list[Keyword]:
        """The nearest by descending score, then by keyword; neither the query nor another spelling of it or of one before. Any text is a
        query; of one that says nothing, nothing.
        """
        ...


class NoKeywords:
    """The keywords of a process that has no model of intent."""

    model = ""

    def has_turn(self, now: int) -> bool:
        """Never."""
        return False

    def take(self, listed: Sequence[WideItem] | None) -> None:
        """Nothing."""

    def related(self, query: str, size: int) -> list[Keyword]:
        """None."""
        return []
