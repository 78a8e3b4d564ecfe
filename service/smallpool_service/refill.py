"""Decides, of a page that is not full, whether deeper candidates could fill it, and if not, why it stays short.

In: what a round recalled, and the page so far. Out: yes or no; the items that need not be recalled again; the reason.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from smallpool_core.pages import Dropped, Entry, Short, SourceFailure
from smallpool_service.candidates import Recalled
from smallpool_service.recall import LATE
from smallpool_service.room import Placed, Room, placed


def settled(recalled: Recalled, spread_out: Sequence[Dropped]) -> frozenset[str]:
    """Items that a round has dealt with for good; what the spread stage left out may still have its turn."""
    waiting = {dropped.item_id for dropped in spread_out}
    return frozenset(hit.item_id for answer in recalled.answers.values() for hit in answer.hits) - waiting


def may_hold_more(recalled: Recalled, dealt_with: AbstractSet[str], entries: Sequence[Entry], room: Room, level: int | None) -> bool:
    """Whether asking again, deeper and without what was dealt with, could bring an item that fits on the page.

    Sources give at most `cap` rows per spread key. An exhausted answer therefore still hides rows behind those that were
    left out afterwards (such as what another request claimed meanwhile), unless there is no room for such on the page.
    """
    if not dealt_with:
        return False
    if not recalled.exhausted:
        return True
    on_page = {entry.item_id for entry in entries}
    return any(
        room.full(placed(hit, level)) is None for answer in recalled.answers.values() for hit in answer.hits if hit.item_id not in on_page
    )


def short_reason(left: Sequence[Placed] | None, failures: Sequence[SourceFailure], room: Room) -> Short | None:
    """Why a page stays short, given some of what this person could still be shown (`left`; None if that cannot be told).

    None where a failed source may be the reason: `degraded` names it, and none of the reasons would be true.
    """
    if any(failure.reason == LATE for failure in failures):
        return "deadline"
    if left is None:
        return None
    full = next((reason for one in left if (reason := room.full(one)) is not None), None)
    return full or (None if failures else "exhausted")
