"""`smallpool dead-letters`: events that could not be taken in, with the reason; and sending them again once that is mended.

In: the log `dead-letters`. Out: a table; or the events on their own logs again, each once.
"""

from typing import Annotated

import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, screen, table, when
from smallpool_core.items import DeadLetter

app = typer.Typer(no_args_is_help=True, help="Look at events that could not be taken in, and send them again.")


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
    from smallpool_service.dead_letters import replayed_upto

    with opened(ctx, data) as system:
        letters = system.log.dead_letters(after, limit)
        replayed = replayed_upto(system.log)
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
    from smallpool_service.dead_letters import last_letter, letters_between, message_of, note_replayed, replayed_upto

    sent = cut = 0
    with opened(ctx, data) as system:
        log, last = system.log, last_letter(system.log)
        for offset, letter in letters_between(log, -1 if everything else replayed_upto(log), last):
            now = system.clock.now_ms()
            message = message_of(letter, now)
            with system.atomic.atomic():
                if message is None:
                    cut += 1
                else:
                    log.append_now(message.topic, [(message.key, message.value)], now)
                    sent += 1
                note_replayed(log, offset)
        catch_up(system, shown=not as_json)
        again = last_letter(log) - last
    if as_json:
        print_json({"sent": sent, "cut": cut, "dead_again": again})
        return
    screen().print(f"{sent:,} sent again, {again:,} of them dead letters once more, {cut:,} not kept whole and left")


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
