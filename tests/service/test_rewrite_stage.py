from read_rig import World
from smallpool_service.rewrite import deeper, rewrite


def test_ten_candidates_are_wanted_for_each_item_and_what_was_seen_goes_into_the_query() -> None:
    world = World()
    world.put_pool(max_per_category=2, spread_level=1)
    world.ports.catalogue.refresh()
    query = rewrite(7, world.ports.catalogue.live("p"), {"seen", "bought"}, now=5, per_item=10)
    assert (query.limit, query.cap, query.spread_level, query.now) == (70, 2, 1, 5)
    assert query.excluded == {"seen", "bought"}
    assert query.scope.pool_id == "p"


def test_a_deeper_query_asks_for_more_and_leaves_out_what_was_dealt_with() -> None:
    world = World()
    world.ports.catalogue.refresh()
    query = rewrite(10, world.ports.catalogue.live("p"), {"a"}, now=0, per_item=10)
    again = deeper(query, {"b"}, 4)
    assert (again.limit, again.excluded) == (400, {"a", "b"})
    assert (again.cap, again.scope) == (query.cap, query.scope)
