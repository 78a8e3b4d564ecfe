"""`smallpool import`: ready-made data into the stores, past the pipeline that usually makes it.

In: JSONL of wide items as another smallpool, or a generator, made them. Out: rows of the wide table; nothing is understood anew.
"""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from msgspec import Struct, field

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, screen
from smallpool_config.cli.sources import numbered_lines, readable
from smallpool_core.items import WideItem
from smallpool_core.versions import ENRICH_STRIPPED, MAX_ENRICH, MAX_VERSION

if TYPE_CHECKING:
    from smallpool_config.wiring import System

AT_ONCE = 2_000
LISTED = 20

app = typer.Typer(no_args_is_help=True, help="Load ready-made data.")


class RefusedLine(Struct, frozen=True):
    """A line that is no wide item: its number from 1, and why."""

    line: int
    reason: str


class Imported(Struct):
    """How many rows were newer than what was stored, how many were not, and the lines that are no wide items."""

    stored: int = 0
    older: int = 0
    rejected: list[RefusedLine] = field(default_factory=list)


@app.callback()
def _group() -> None:
    """Load ready-made data."""


@app.command("wide")
def import_wide(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Wide items, one JSON object a line; - reads stdin.", callback=readable)],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Load ready-made wide items straight into the wide table.

    The wide table has one writer, so this is refused while a server holds the directory. Rows older than the stored ones are left
    out. Which of the pools here an item is in, its rule decides and not the file; the names of other pools stay as they are.
    """
    from smallpool_config.cli.session import opened, turn_until_idle

    imported = Imported()
    with opened(ctx, data, create=True) as system, system.own_write_path():
        system.assigner.refresh()
        with numbered_lines(file, shown=not as_json) as lines:
            while batch := list(islice(lines, AT_ONCE)):
                _store(system, batch, imported)
        turn_until_idle(system, shown=not as_json)
    _tell(imported, as_json=as_json)


def _tell(imported: Imported, *, as_json: bool) -> None:
    if as_json:
        print_json(imported)
    else:
        for row in imported.rejected[:LISTED]:
            screen(stderr=True).print(f"line {row.line}: {plain(row.reason)}", markup=False, soft_wrap=True)
        screen().print(f"{imported.stored:,} items stored, {imported.older:,} not newer, {len(imported.rejected):,} rejected")
    if imported.rejected:
        raise typer.Exit(1)


def _store(system: "System", batch: list[tuple[int, bytes]], imported: Imported) -> None:
    newest: dict[str, WideItem] = {}
    for number, line in batch:
        item = _wide_item(line)
        if isinstance(item, str):
            imported.rejected.append(RefusedLine(number, item))
        elif item.item_id in newest and newest[item.item_id].order >= item.order:
            imported.older += 1
        else:
            imported.older += item.item_id in newest
            newest[item.item_id] = item
    newer = system.wide.append(_assigned(system, list(newest.values())))
    imported.stored += sum(newer)
    imported.older += len(newer) - sum(newer)


def _assigned(system: "System", items: list[WideItem]) -> list[WideItem]:
    """The items in those of the pools here whose rules hold for them. A pool that is made later is told of them by its backfill."""
    from msgspec.structs import replace

    assigned = []
    for before, item in zip(items, system.assigner.assign(items).out, strict=True):
        strange = [pool_id for pool_id in before.pools if item.state == "on_sale" and not system.assigner.knows(pool_id)]
        timed = {pool_id: before.intervals[pool_id] for pool_id in strange if pool_id in before.intervals}
        pools = tuple(sorted({*item.pools, *strange}))  # characters sort as their UTF-8 bytes do
        assigned.append(replace(item, pools=pools, intervals=item.intervals | timed) if strange else item)
    return assigned


def _wide_item(line: bytes) -> WideItem | str:
    """The item, or why it is none."""
    try:
        item = msgspec.json.decode(line, type=WideItem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return f"a wide item is one JSON object with the fields of docs/design.md, section 2: {error}"
    if not (item.item_id and 0 <= item.version <= MAX_VERSION and 0 <= item.enrich <= ENRICH_STRIPPED):
        return f"found (version {item.version}, enrich {item.enrich}) of item {item.item_id!r}; both are bounded, and the id is not empty"
    if (item.state == "on_sale") != (item.enrich <= MAX_ENRICH):
        return f"found enrich {item.enrich} of item {item.item_id!r}, which is {item.state}; above {MAX_ENRICH} it is a removal's"
    return item
