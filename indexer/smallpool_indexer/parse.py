"""Stage parse: log records -> item events, or a dead letter with the reason for each that is none."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from smallpool_core.events import parse_item_event
from smallpool_core.items import Given, ItemEvent, Understood
from smallpool_core.ports import LogRecord
from smallpool_core.row_reader import Rejection, shown
from smallpool_core.sellers import SellerScore
from smallpool_indexer.dead_letters import dead_letter
from smallpool_indexer.stage import Staged


class Taken(Struct, frozen=True):
    """An event on its way through the stages, the record it came in, what `understood` made of which listing, and of its seller."""

    record: LogRecord
    event: ItemEvent
    given: Given | None = None
    understood: Understood | None = None
    seller: SellerScore | None = None


def parse(records: Sequence[LogRecord], now: int) -> Staged[Taken]:
    """The events in their order.

    Whether `at` lies ahead is judged by when the record was appended, not by now: what was acknowledged stays good when
    the clock is set back. An event under another key than its item's id may have come to an owner who does not know the item.
    """
    taken, letters, counts = [], [], Counter[str]()
    for record in records:
        event = parse_item_event(record.value, record.at, internal=True, counts=counts)
        if isinstance(event, ItemEvent) and record.key != event.item_id:
            event = Rejection("(key)", shown(record.key), f"the record's key must be the item's id, {shown(event.item_id)}")
        if isinstance(event, Rejection):
            letters.append(dead_letter(record, event, now))
        else:
            taken.append(Taken(record, event))
    return Staged(taken, letters, counts)
