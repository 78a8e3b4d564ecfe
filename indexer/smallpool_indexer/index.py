"""Stage index: the tail of the wide table, and only that, into the wide index and the live view.

Whoever writes the wide table, this or another process, what is recallable follows from it alone; a crash between the
two steps repeats them, and both ignore what they have.
"""

from collections.abc import Sequence

from msgspec import Struct

from smallpool_core.items import WideItem
from smallpool_core.ports import ItemWriter, LiveView, WideRecord, WideTable
from smallpool_indexer.stage import Staged


class Indexes(Struct, frozen=True):
    """What is recalled from: the wide index, and the live view, whose `seq` is the place in the tail."""

    writer: ItemWriter
    live_view: LiveView

    def is_behind(self, wide: WideTable) -> bool:
        """Whether the wide table has records that cannot be recalled yet."""
        return self.live_view.seq() < wide.end()

    def index(self, tail: Sequence[WideRecord]) -> Staged[WideItem]:
        """Makes the records of a tail recallable, in order."""
        items = [record.item for record in tail]
        if tail:
            self.writer.index(items)
            self.live_view.apply(items, tail[-1].seq)
        return Staged(items)
