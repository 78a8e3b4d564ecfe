"""Whatever a pool is, its file says the same."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smallpool_config.cli.pool_files import changes, read_pools, write_pools
from smallpool_core.catalogue import Catalogue
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import DIMENSIONS, Ordering, Pool, PoolSettings
from smallpool_core.row_reader import MAX_ID
from smallpool_stores.sqlite.pools import SqlitePoolStore
from smallpool_stores.sqlite.schema import open_database
from strategies import ATTRIBUTES, rule_values

IDS = st.text(min_size=1, max_size=MAX_ID).filter(lambda text: text_problem(text, MAX_ID) is None) | st.sampled_from(
    ["null", "1", "yes", "~", "- a", "a: b", "..", "a/b", "\u2028x", "x\u00a0y", "é" * MAX_ID, "\U0001f44d" * MAX_ID]
)
WEIGHTS = st.dictionaries(st.sampled_from(DIMENSIONS), st.floats(0, 10))


@given(
    pool_ids=st.lists(IDS, min_size=1, max_size=4, unique=True),
    name=IDS,
    rule=rule_values(),
    weights=WEIGHTS,
    level=st.none() | st.integers(1, 8),
)
def test_a_pool_that_was_written_and_read_back_changes_nothing(
    pool_ids: list[str], name: str, rule: dict[str, Any], weights: dict[str, float], level: int | None
) -> None:
    pools = [Pool(pool_id, name, rule, 3, "draft", PoolSettings(5, 300, level), Ordering(weights), 9) for pool_id in sorted(pool_ids)]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        database = open_database(folder / "smallpool.db", synchronous="off")
        catalogue = Catalogue(SqlitePoolStore(database), ATTRIBUTES)
        assert [written for _, _, written in write_pools(pools, folder / "pools")] == [True] * len(pools)
        read = read_pools(folder / "pools", catalogue)
        assert [one.pool_id for one in read] == [pool.pool_id for pool in pools]
        assert [changes(one.draft, pool) for one, pool in zip(read, pools, strict=True)] == [{}] * len(pools)
        assert [written for _, _, written in write_pools(pools, folder / "pools")] == [False] * len(pools)
        database.close()
