"""`smallpool import user-history`: what people did before smallpool knew of it, from files, through the log as if it came in now.

In: JSONL or Parquet, one act a row, sorted in any way. Out: acts on the log, each once however often the file is read; rows that are none,
and why.

An act of the last days is sent, and known again by its mark if it was applied before. Marks do not reach further back: there an act is new
if it is older than all that counts in the person's state, so that a second reading of the file finds nothing new. All that is sent of
one person is appended together, so that no reading can be broken off between two acts of theirs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from msgspec import Struct, field, json

from smallpool_config.cli.options import AsJson, Data, Wait
from smallpool_config.cli.screen import plain, print_json, progress, screen
from smallpool_core.behaviour import KEPT
from smallpool_core.events import encode_user_event, parse_user_event
from smallpool_core.row_reader import Rejection
from smallpool_core.users import Identity, TriggerState, UserEvent

if TYPE_CHECKING:
    from smallpool_config.wiring import System
    from smallpool_stores.duckdb.histories import Row

MARKED_MS: Final = 6 * 86_400_000
"""For so long marks tell an act that was applied from a new one; a day less than they are kept."""
MOST_OF_A_PERSON: Final = 1_000
"""Acts of one person that are read, the latest: half of those that marks remember of anybody."""
AT_ONCE: Final = 500
LISTED: Final = 20

_encode = json.Encoder().encode


class RefusedRow(Struct, frozen=True):
    """A row that is no act: its number from 1, and why."""

    row: int
    reason: str


class ImportedHistory(Struct):
    """What became of a file's rows. `sent` went onto the log, where one that was applied before changes nothing; `known` were applied for
    certain; `passed_over` are those of people with more than 1,000, of whom the latest count; of `refused` rows `rejected` has some.
    """

    rows: int = 0
    sent: int = 0
    known: int = 0
    passed_over: int = 0
    refused: int = 0
    rejected: list[RefusedRow] = field(default_factory=list)
    applied: bool = False


def import_user_history(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Acts: JSONL, or Parquet by a name that ends in .parquet.", exists=True)],
    wait: Wait = True,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Load what people did, so that they are no strangers: `user`, `item`, `event` and `at` (ms) a row.

    Their triggers, what they touched last and what they bought are then known. Reading a file again changes nothing, nor does a file that
    holds what came in as it happened. Import the items first: of an item that is not known only the id is kept. A row that is refused costs
    no other row; the command then ends with 1.
    """
    from smallpool_config.cli.session import catch_up, opened
    from smallpool_stores.duckdb.histories import histories

    imported = ImportedHistory()
    with opened(ctx, data, create=True) as system:
        catch_up(system, shown=not as_json)
        memory_mb = system.settings.relations.memory_mb
        with histories(file, memory_mb, MOST_OF_A_PERSON) as found, progress("reading", shown=not as_json) as show:
            imported.rows = found.count
            batch: list[UserEvent] = []
            read = 0
            for rows in found.people():
                batch += _new(system, rows, imported)
                read += len(rows)
                if len(batch) >= AT_ONCE:
                    _append(system, batch, imported)
                    show(read, found.count)
            _append(system, batch, imported)
            imported.passed_over = found.count - read
            imported.rejected.sort(key=lambda refused: refused.row)
        if wait:
            catch_up(system, shown=not as_json)
            imported.applied = True
    _tell(imported, as_json=as_json)


def _new(system: "System", rows: Sequence["Row"], imported: ImportedHistory) -> list[UserEvent]:
    """What is to be sent of one person's rows."""
    now = system.clock.now_ms()
    events = []
    for row in rows:
        event = _event(row, now)
        if isinstance(event, UserEvent):
            events.append(event)
        else:
            imported.refused += 1
            if len(imported.rejected) < LISTED:
                imported.rejected.append(RefusedRow(row.row, event))
    if not events:
        return []
    state = system.triggers.load(Identity(events[0].user_id, None).key)
    new = [event for event in events if event.at >= now - MARKED_MS or _precedes(event, state)]
    imported.known += len(events) - len(new)
    return new


def _precedes(event: UserEvent, state: TriggerState) -> bool:
    """Whether the event is older than all that counts in the state."""
    return not state.begins or event.at < state.begins


def _event(row: "Row", now: int) -> UserEvent | str:
    """The act, or why it is none."""
    if row.user_id is None and row.event is None and row.item_id is None and row.at is None:
        return "expected a JSON object with user, item, event and at (ms)"
    if row.event not in KEPT:
        return f"event: found {row.event!r}; {', '.join(sorted(KEPT))} are acts on an item"
    raw = {"type": row.event, "user_id": row.user_id, "item_id": row.item_id, "at": row.at}
    event = parse_user_event(_encode(raw), now)
    return event.message if isinstance(event, Rejection) else event


def _append(system: "System", batch: list[UserEvent], imported: ImportedHistory) -> None:
    if batch:
        records = [(event.identity.key, encode_user_event(event)) for event in batch]
        system.acknowledged_log.append_now("user-events", records, system.clock.now_ms())
        imported.sent += len(batch)
        batch.clear()


def _tell(imported: ImportedHistory, *, as_json: bool) -> None:
    if as_json:
        print_json(imported)
    else:
        for row in imported.rejected:
            screen(stderr=True).print(f"row {row.row}: {plain(row.reason)}", markup=False, soft_wrap=True)
        if imported.refused > len(imported.rejected):
            screen(stderr=True).print(f"… and {imported.refused - len(imported.rejected):,} further rows")
        screen().print(
            f"{imported.rows:,} rows: {imported.sent:,} sent, {imported.known:,} known before, {imported.passed_over:,} passed over"
            f" as older than the last {MOST_OF_A_PERSON:,} of their person, {imported.refused:,} refused",
            markup=False,
        )
    if imported.refused:
        raise typer.Exit(1)
