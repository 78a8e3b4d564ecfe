"""`smallpool dead-letters`: events that could not be taken in, with the reason; and sending them again once that is mended.

In: the log `dead-letters`. Out: a table; or the events on their own logs again, each once.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, screen, table, when
from smallpool_core.events import encode_item_event
from smallpool_core.items import DeadLetter, ItemEvent

if TYPE_CHECKING:
    from smallpool_config.wiring import System
    from smallpool_core.ports import Topic

app = typer.Typer(no_args_is_help=True, help="Look at events that could not be taken in, and send them again.")
REPLAY_GROUP: Final = "replay"
"""Remembers up to which letter everything was sent again."""
PARTITION: Final = 0
"""Dead letters have the one."""
AT_ONCE = 500


@app.command("list")
def list_letters(
    ctx: typer.Context,
    after: Annotated[int, typer.Option("--after", min=-1, help="Only letters past this offset.")] = -1,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first: the log, partition and offset each came from, which field was wrong, what was found and what is
    allowed.
    """
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        letters = system.log.dead_letters(after, limit)
        replayed = _replayed(system)
    if as_json:
        print_json([_shown(offset, letter, replayed) for offset, letter in letters])
        return
    if not letters:
        screen().print("no dead letters")
        return
    rows = table("offset", "at", "from", "key", "why", "sent again", right=("offset",))
    for offset, letter in letters:
        place, again = f"{letter.topic} {letter.partition}:{letter.offset}", "yes" if offset <= replayed else ""
        rows.add_row(str(offset), when(letter.at), place, plain(letter.key), Text(plain(letter.reason)), again)
    screen().print(rows)


@app.command("replay")
def replay(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were sent again before.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again to the logs that they came from, after what was wrong with them has been mended.

    Each is sent once, unless with --all. One that is still wrong becomes a dead letter again. A message of which only the
    beginning was kept cannot be sent, and is counted.
    """
    from smallpool_config.cli.session import catch_up, opened

    sent = cut = 0
    with opened(ctx, data) as system:
        last = _last(system)
        for offset, letter in _letters(system, -1 if everything else _replayed(system), last):
            with system.atomic.atomic():
                if letter.size > len(letter.value):
                    cut += 1
                else:
                    _send(system, letter)
                    sent += 1
                system.log.commit("dead-letters", REPLAY_GROUP, {PARTITION: offset})
        catch_up(system, shown=not as_json)
        again = _last(system) - last
    if as_json:
        print_json({"sent": sent, "cut": cut, "dead_again": again})
        return
    screen().print(f"{sent:,} sent again, {again:,} of them dead letters once more, {cut:,} not kept whole and left")


def _last(system: "System") -> int:
    return system.log.end("dead-letters").get(PARTITION, -1)


def _replayed(system: "System") -> int:
    return system.log.committed("dead-letters", REPLAY_GROUP).get(PARTITION, -1)


def _send(system: "System", letter: DeadLetter) -> None:
    """Puts the message back on its log. What the wide index refused has its item understood anew: the record itself is in order."""
    now = system.clock.now_ms()
    if letter.topic == "item-wide":
        again = encode_item_event(ItemEvent("enrich", letter.key, 0, now, reason="understand"))
        system.log.append_now("item-events", [(letter.key, again)], now)
    else:
        system.log.append_now(cast("Topic", letter.topic), [(letter.key, letter.value)], now)


def _letters(system: "System", after: int, last: int) -> Iterator[tuple[int, DeadLetter]]:
    """The letters past `after`, up to `last`."""
    while letters := system.log.dead_letters(after, AT_ONCE):
        for offset, letter in letters:
            if offset > last:
                return
            yield offset, letter
        after = letters[-1][0]


def _shown(offset: int, letter: DeadLetter, replayed: int) -> dict[str, object]:
    """The letter as JSON, its message as text."""
    return {
        "offset": offset,
        "topic": letter.topic,
        "partition": letter.partition,
        "from_offset": letter.offset,
        "key": letter.key,
        "field": letter.field,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "at": letter.at,
        "size": letter.size,
        "value": letter.value.decode("utf-8", "backslashreplace"),
        "sent_again": offset <= replayed,
    }
