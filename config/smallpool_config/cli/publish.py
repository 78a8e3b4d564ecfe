"""`smallpool publish`: item events, or plain titles, onto the log, and on until they are recallable.

In: JSONL, one item event a line, or text with one title a line. Out: how many were taken in; every line that was not, and why.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct, field

from smallpool_config.cli.options import AsJson, Data, Wait
from smallpool_config.cli.screen import plain, print_json, screen
from smallpool_config.cli.sources import STDIN, named, numbered_lines, readable
from smallpool_core.events import encode_item_event, parse_item_event
from smallpool_core.items import Given, ItemEvent
from smallpool_core.row_reader import Rejection

if TYPE_CHECKING:
    from smallpool_config.wiring import System

APPENDED_AT_ONCE = 500
LISTED = 20
"""Rejected lines that are shown one by one; `--json` has them all."""
TITLE_ID_DIGITS = 12

_EVENTS = "Item events, one JSON object a line; - reads stdin."
_TITLES = "Titles instead, one a line; - reads stdin."
_File = Annotated[Path | None, typer.Argument(metavar="FILE", help=_EVENTS, callback=readable)]
_Titles = Annotated[Path | None, typer.Option("--titles", metavar="FILE", help=_TITLES, callback=readable)]


class RejectedLine(Struct, frozen=True):
    """A line that was not taken in: its number from 1, the field, and what was found there and is allowed."""

    line: int
    field: str
    reason: str


class Published(Struct):
    """What became of a file; `offsets` holds the newest offset by partition, `applied` whether everything is recallable.

    `counts` says how many fields were ignored (`unknown_field`), titles and descriptions cut (`title_cut`, `description_cut`).
    """

    accepted: int = 0
    rejected: list[RejectedLine] = field(default_factory=list)
    applied: bool = False
    offsets: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def publish(
    ctx: typer.Context,
    file: _File = None,
    titles: _Titles = None,
    seller: Annotated[str | None, typer.Option("--seller", metavar="ID", help="With --titles: who sells the items.")] = None,
    city: Annotated[str | None, typer.Option("--city", help="With --titles: where the items are.")] = None,
    wait: Wait = True,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Publish listings: item events as JSONL, or titles as plain text.

    A line that is refused costs no other line; the command then ends with 1. A title becomes an item with an id of its own, made
    of the text and the seller, so that publishing a file twice changes nothing.
    """
    from smallpool_config.cli.session import catch_up, opened

    if (file is None) == (titles is None):
        raise typer.BadParameter("name either a FILE of item events or --titles FILE")
    if file is not None and (seller or city):
        raise typer.BadParameter("--seller and --city go with --titles; an item event names its own")
    source = file or titles or STDIN
    with opened(ctx, data, create=True) as system:
        now = system.clock.now_ms()
        with numbered_lines(source, shown=not as_json) as lines:
            published, like = Published(), Given("", seller_id=seller, city=city)
            counts = published.counts
            _append(system, _as_events(lines, now, counts) if titles is None else _titles_as_events(lines, now, like, counts), published)
        if wait:
            catch_up(system, shown=not as_json)
            published.applied = True
    _tell(published, named(source), as_json=as_json)


def import_items(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_EVENTS, callback=readable)],
    wait: Wait = True,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Load listings from a file of item events: the same as `smallpool publish FILE`, by the name that the other imports have."""
    publish(ctx, file, wait=wait, data=data, as_json=as_json)


def _tell(published: Published, source: str, *, as_json: bool) -> None:
    if as_json:
        print_json(published)
    else:
        for row in published.rejected[:LISTED]:
            screen(stderr=True).print(f"line {row.line}: {plain(row.reason)}", markup=False, soft_wrap=True)
        further = len(published.rejected) - LISTED
        if further > 0:
            screen(stderr=True).print(f"… and {further} further lines; --json lists them all")
        where = "taken in" if published.applied else "on the log"
        rejected = f", {len(published.rejected):,} rejected" if published.rejected else ""
        events = "event" if published.accepted == 1 else "events"
        noted = "".join(f", {count:,} {name.replace('_', ' ')}" for name, count in published.counts.items())
        screen().print(f"{published.accepted:,} {events} from {source} {where}{rejected}{noted}", markup=False)
    if published.rejected:
        raise typer.Exit(1)


def _as_events(lines: Iterator[tuple[int, bytes]], now: int, counts: dict[str, int]) -> Iterator[tuple[int, ItemEvent | Rejection]]:
    for number, line in lines:
        yield number, parse_item_event(line, now, internal=False, counts=counts)


def _titles_as_events(
    lines: Iterator[tuple[int, bytes]], now: int, like: Given, counts: dict[str, int]
) -> Iterator[tuple[int, ItemEvent | Rejection]]:
    """Each title as the listing of one item. The same title in a file twice is two items, since two people may write the same."""
    from msgspec.structs import replace

    times: Counter[str] = Counter()
    for number, line in lines:
        title = line.decode("utf-8", "replace")
        times[title] += 1
        digest = sha256("\0".join((like.seller_id or "", title, str(times[title]))).encode()).hexdigest()[:TITLE_ID_DIGITS]
        event = ItemEvent("published", f"t-{digest}", 1, now, replace(like, title=title))
        yield number, parse_item_event(encode_item_event(event), now, internal=False, counts=counts)


def _append(system: "System", events: Iterator[tuple[int, ItemEvent | Rejection]], published: Published) -> None:
    """Appends what is sound, in durable batches; the newest offset stands for all before it."""
    batch = list[ItemEvent]()
    for number, event in events:
        if isinstance(event, Rejection):
            published.rejected.append(RejectedLine(number, event.field, event.message))
            continue
        batch.append(event)
        if len(batch) == APPENDED_AT_ONCE:
            _append_batch(system, batch, published)
    _append_batch(system, batch, published)


def _append_batch(system: "System", batch: list[ItemEvent], published: Published) -> None:
    records = [(event.item_id, encode_item_event(event)) for event in batch]
    reached = system.acknowledged_log.append_now("item-events", records, system.clock.now_ms())
    published.accepted += len(records)
    published.offsets |= {str(partition): offset for partition, offset in reached.items()}
    batch.clear()
