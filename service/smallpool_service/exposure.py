"""Which items were shown often enough: to one person, or in one pool to all, without anybody touching them.

In: candidates, the person's behaviour, the counts of the pool. Out: ids to leave out. Without the settings nothing is asked.
"""

from collections.abc import Collection

from smallpool_service.run import ReadPorts, Run
from smallpool_service.settings import ReadSettings
from smallpool_service.sources.popular import stats_pool


async def ignored_in_pool(item_ids: Collection[str], run: Run, ports: ReadPorts, settings: ReadSettings) -> frozenset[str]:
    """Of the items those that the pool showed too often for the touches they got; none where the counts cannot be read."""
    most = settings.max_exposures_without_click
    if most <= 0 or not item_ids:
        return frozenset()
    asked = ports.stats.ignored(stats_pool(run.known.scope), item_ids, most, run.started)
    return await run.attempt("stats", asked, frozenset())
