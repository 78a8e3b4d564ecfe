"""Decides, of a page that is not full, whether deeper candidates could fill it, and if not, why it stays short.

In: what a round recalled, and the page so far. Out: yes or no; the items that need not be recalled again; the reason.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet

from smallpool_core.pages import Dropped, Entry, Hit, Short, SourceFailure
from smallpool_service.candidates import Recalled
from smallpool_service.recall import LATE
from smallpool_service.spread import cut_key


def settled(recalled: Recalled, spread_out: Sequence[Dropped]) -> frozenset[str]:
    """Items that a round has dealt with for good; what the spread stage left out may still have its turn."""
    waiting = {dropped.item_id for dropped in spread_out}
    return frozenset(hit.item_id for answer in recalled.answers.values() for hit in answer.hits) - waiting


def may_hold_more(recalled: Recalled, dealt_with: AbstractSet[str], entries: Sequence[Entry], cap: int, level: int | None) -> bool:
    """Whether asking again, deeper and without what was dealt with, could bring an item that fits on the page.

    Sources give at most `cap` rows per spread key. An exhausted answer therefore still hides rows behind those that were
    left out afterwards (the person's own, or claimed by another request meanwhile), unless their key is full on the page.
    """
    if not dealt_with:
        return False
    if not recalled.exhausted:
        return True
    counts = Counter(entry.spread_key for entry in entries)
    on_page = {entry.item_id for entry in entries}
    return any(
        counts[cut_key(hit.spread_key, level)] < cap
        for answer in recalled.answers.values()
        for hit in answer.hits
        if hit.item_id not in on_page
    )


def short_reason(
    left: Collection[Hit] | None, failures: Sequence[SourceFailure], entries: Sequence[Entry], cap: int, level: int | None
) -> Short | None:
    """Why a page stays short, given some of what this person could still be shown (`left`; None if that cannot be told).

    None where a failed source may be the reason: `degraded` names it, and none of the three reasons would be true.
    """
    if any(failure.reason == LATE for failure in failures):
        return "deadline"
    if left is None:
        return None
    counts = Counter(entry.spread_key for entry in entries)
    if any(counts[cut_key(hit.spread_key, level)] >= cap for hit in left):
        return "category_cap"
    return None if failures else "exhausted"
