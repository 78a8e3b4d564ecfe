"""Writes what people did, and the items that they did it with, from a running marketplace to files that trainings read.

In: the log `user-events` and the wide items. Out: JSONL with user, item, event and at (ms); wide items, one a line.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from smallpool_config.wiring.system import System
from smallpool_core.events import parse_user_event
from smallpool_core.users import UserEvent

AT_ONCE: Final = 5_000
ITEMS_AT_ONCE: Final = 500


def write_behaviour(system: System, folder: Path, since: int, until: int, told: Callable[[str, int, int], None]) -> tuple[Path, Path]:
    """The files of events and of items. A person is named by the key that the log has for them; items that are not known any more are left
    out.
    """
    events, items = folder / "events.jsonl", folder / "items.jsonl"
    touched: dict[str, None] = {}
    with events.open("wb") as file:
        for event, at in _events(system, since, until):
            file.write(
                msgspec.json.encode({"user": event.identity.key, "item": event.item_id, "event": event.type, "at": event.at}) + b"\n"
            )
            if event.item_id is not None:
                touched[event.item_id] = None
            told("reading", at - since, until - since)
    with items.open("wb") as file:
        names = iter(touched)
        while some := list(islice(names, ITEMS_AT_ONCE)):
            file.writelines(_line(item) for item in system.items.get(some).values() if item.terms)
    return events, items


def _events(system: System, since: int, until: int) -> Iterator[tuple[UserEvent, int]]:
    """Every event of the span, with when it came to the log."""
    passed: dict[int, int] = {}
    while records := asyncio.run(system.log.between("user-events", since, until, AT_ONCE, passed)):
        for record in records:
            passed[record.partition] = max(passed.get(record.partition, -1), record.offset)
            event = parse_user_event(record.value, record.at)
            if isinstance(event, UserEvent):
                yield event, record.at


def _line(item: Any) -> bytes:
    """A wide item on a line of its own; it is told from an item event by its words, which are there even where it has none."""
    return msgspec.json.encode({"title_words": [], **msgspec.to_builtins(item, builtin_types=(bytes,))}) + b"\n"
