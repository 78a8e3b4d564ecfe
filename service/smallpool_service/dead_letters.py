"""Events that could not be taken in, sent again once what was wrong with them is mended; for the command line and the console.

In: the log `dead-letters`. Out: each letter as the message that it was, or nothing where only its beginning was kept; and how far
everything was sent again.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, cast

from smallpool_core.events import encode_item_event
from smallpool_core.items import DeadLetter, ItemEvent
from smallpool_core.ports import EventLog, Topic

REPLAY_GROUP: Final = "replay"
"""Remembers up to which letter everything was sent again."""
PARTITION: Final = 0
"""Dead letters have the one."""
AT_ONCE: Final = 500


class Message(NamedTuple):
    """What goes back onto a log."""

    topic: Topic
    key: str
    value: bytes


def last_letter(log: EventLog) -> int:
    """The offset of the newest letter, -1 where there is none."""
    return log.end("dead-letters").get(PARTITION, -1)


def replayed_upto(log: EventLog) -> int:
    """The offset up to which every letter was sent again."""
    return log.committed("dead-letters", REPLAY_GROUP).get(PARTITION, -1)


def note_replayed(log: EventLog, offset: int) -> None:
    """Everything up to this letter was sent again."""
    log.commit("dead-letters", REPLAY_GROUP, {PARTITION: offset})


def letters_between(log: EventLog, after: int, last: int) -> Iterator[tuple[int, DeadLetter]]:
    """The letters past `after`, up to `last`."""
    while letters := log.dead_letters(after, AT_ONCE):
        for offset, letter in letters:
            if offset > last:
                return
            yield offset, letter
        after = letters[-1][0]


def message_of(letter: DeadLetter, now: int) -> Message | None:
    """The message once more, None where it was not kept whole.

    What the wide index refused has its item understood anew: the record itself is in order.
    """
    if letter.size > len(letter.value):
        return None
    if letter.topic == "item-wide":
        return Message("item-events", letter.key, encode_item_event(ItemEvent("enrich", letter.key, 0, now, reason="understand")))
    return Message(cast("Topic", letter.topic), letter.key, letter.value)
