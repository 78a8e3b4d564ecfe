"""The ports of what many processes write and any may read within a page's time: Redis behind them.

In: the settings. Out: the connection, and adapters over it.
"""

from functools import cached_property

from smallpool_config.wiring.system import System
from smallpool_core.market_ports import RepostIndex, SellerRecords
from smallpool_core.ports import PoolFigures
from smallpool_core.relation_ports import Relations
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.pool_figures import RedisPoolFigures
from smallpool_stores.redis.relations import RedisRelations
from smallpool_stores.redis.reposts import RedisRepostIndex
from smallpool_stores.redis.sellers import RedisSellerRecords


class OverRedis(System):
    """Adapters open nothing before they are asked."""

    @cached_property
    def redis(self) -> RedisConnection:
        """Redis."""
        return RedisConnection(self.settings.redis)

    @cached_property
    def repost_index(self) -> RepostIndex:
        return RedisRepostIndex(self.redis, kept_s=self.settings.reposts.kept_s)

    @cached_property
    def seller_records(self) -> SellerRecords:
        asked = self.settings.sellers
        return RedisSellerRecords(self.redis, kept_s=asked.kept_s, watched_s=asked.watched_s)

    @cached_property
    def pool_figures(self) -> PoolFigures:
        return RedisPoolFigures(self.redis)

    @cached_property
    def relations(self) -> Relations:
        asked = self.settings.relations
        return RedisRelations(self.redis, kept_s=asked.kept_s, files_kept_s=asked.files_kept_s)
