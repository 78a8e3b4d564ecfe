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

AT_ONCE: Final = 2_000
"""So many items of the pool are looked at, those first that share most with what was bought."""
NOTHING: Final = Answer((), exhausted=True)


def is_alike(terms: AbstractSet[str], likenesses: Sequence[AbstractSet[str]]) -> bool:
    """Whether an item of these terms is like one of the purchases."""
    return any(likeness <= terms for likeness in likenesses)


async def bought_alike(likenesses: Sequence[frozenset[str]], query: Query, run: Run, ports: ReadPorts) -> frozenset[str]:
    """Items in the query's scope that are like a purchase; one question for all of them, none where there are none. Of purchases with more
    than 20 terms together the older ones wait until the newer are no longer among the last.
    """
    asked: dict[str, int] = {}
    held: list[frozenset[str]] = []
    for likeness in likenesses:
        terms = asked | dict.fromkeys(sorted(likeness), 1)
        if len(terms) > MAX_TRIGGERS:
            break
        asked = terms
        held.append(likeness)
    if not held:
        return frozenset()
    wide = replace(query, cap=AT_ONCE, limit=AT_ONCE)
    answer = await run.attempt("wide_index", ports.reader.recall(wide, asked), NOTHING)
    return frozenset(hit.item_id for hit in answer.hits if is_alike(set(hit.terms), held))
