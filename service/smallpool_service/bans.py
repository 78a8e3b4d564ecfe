"""Which candidates are banned everywhere, while the tags do not say it yet.

In: candidates, and the rule of the pool `banned` until a reader may trust its tag. Out: ids to leave out. Once the tag says it, nothing
is asked: a banned item has no other tag. A ban fails closed: what cannot be read, or changed after what was read, is left out.
"""

from collections.abc import Collection

from smallpool_core.items import WideItem
from smallpool_core.pages import LiveItem
from smallpool_core.pools import BANNED
from smallpool_core.rules import Rule, matches
from smallpool_service.run import ReadPorts, Run


async def banned_meanwhile(item_ids: Collection[str], run: Run, ports: ReadPorts) -> frozenset[str]:
    """Of the items those for which it is not known that the rule does not hold for them as they are now."""
    rule, asked = run.pending_bans, list(item_ids)
    if rule is None or not asked:
        return frozenset()
    items = await run.attempt("items", ports.reader.get(asked), {})
    now = run.now()
    known = zip(asked, ports.live.look(asked, BANNED, now), strict=True)
    return frozenset(item_id for item_id, live in known if not _is_free(items.get(item_id), live, rule, now))


def _is_free(item: WideItem | None, live: LiveItem | None, rule: Rule, now: int) -> bool:
    if item is None or (live is not None and (live.version, live.enrich) > item.order):
        return False
    return not matches(rule, item, now)
