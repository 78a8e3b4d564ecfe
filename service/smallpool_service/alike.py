"""Which items of a pool are like what a person bought, so that whoever has a thing is not offered it again.

In: the last purchases, with what makes another item like them. Out: ids to leave out. Without the setting nothing is asked.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec.structs import replace

from smallpool_core.pages import Answer, Query
from smallpool_core.terms import MAX_TRIGGERS
from smallpool_service.run import ReadPorts, Run

AT_ONCE: Final = 500
"""So many items of the pool are looked at, those first that share most with what was bought: every page waits for them."""
NOTHING: Final = Answer((), exhausted=True)


def is_alike(terms: AbstractSet[str], likenesses: Sequence[AbstractSet[str]]) -> bool:
    """Whether an item of these terms is like one of the purchases."""
    return any(likeness <= terms for likeness in likenesses)


def held_together(likenesses: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Those of the purchases, newest first, whose like is left out: of purchases with more than 20 terms together, which is what one
    question may ask for, the older ones wait until the newer are no longer among the last.
    """
    held: list[frozenset[str]] = []
    for likeness in likenesses:
        if len(likeness.union(*held)) > MAX_TRIGGERS:
            break
        held.append(likeness)
    return held


async def bought_alike(likenesses: Sequence[frozenset[str]], query: Query, run: Run, ports: ReadPorts, share: float) -> frozenset[str]:
    """Items in the query's scope that are like a purchase; one question for all of them, none where there are none, with `share` of the
    time left.
    """
    held = held_together(likenesses)
    if not held:
        return frozenset()
    asked = dict.fromkeys(sorted(frozenset[str]().union(*held)), 1)
    # A cap that cannot hold anything back: one that might makes the wide index fetch three times as many rows.
    wide = replace(query, cap=AT_ONCE + 1, limit=AT_ONCE)
    answer = await run.attempt("wide_index", ports.reader.recall(wide, asked), NOTHING, share)
    return frozenset(hit.item_id for hit in answer.hits if is_alike(set(hit.terms), held))
