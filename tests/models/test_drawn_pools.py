from smallpool_models.evaluation.drawn_pools import draw_pools, sampled_sessions
from smallpool_models.evaluation.sessions import Session, Site, SiteItem

ITEMS = {f"i{number:02d}": SiteItem((f"c{number % 5}",)) for number in range(50)}
SITE = Site("made", ITEMS, [("u", f"i{number:02d}") for number in range(40)], [Session(("i00",), f"i{number:02d}") for number in range(50)])


def test_a_pool_of_categories_holds_whole_categories_but_for_the_last() -> None:
    (pool,) = draw_pools(SITE, "categories", 25, 1, seed=3)
    counts = sorted(sum(ITEMS[one].category == (f"c{number}",) for one in pool.item_ids) for number in range(5))
    assert counts == [0, 0, 5, 10, 10]


def test_the_newest_pool_holds_what_came_up_last_and_first_of_all_what_never_did() -> None:
    (pool,) = draw_pools(SITE, "newest", 15, 4, seed=3)
    assert set(pool.item_ids[:10]) == {f"i{number}" for number in range(40, 50)}
    assert pool.item_ids[10:] == ("i39", "i38", "i37", "i36", "i35")
    assert pool.share == 15 / 50


def test_a_random_pool_is_another_one_for_another_number_and_the_same_for_the_same_seed() -> None:
    first, second = draw_pools(SITE, "random", 10, 2, seed=3)
    assert set(first.item_ids) != set(second.item_ids)
    assert draw_pools(SITE, "random", 10, 2, seed=3) == [first, second]


def test_a_session_counts_where_its_target_is_in_the_pool() -> None:
    (pool,) = draw_pools(SITE, "random", 10, 1, seed=3)
    sessions = sampled_sessions(SITE.test, pool, 100, seed=1)
    assert {session.target for session in sessions} == set(pool.item_ids)
    assert len(sampled_sessions(SITE.test, pool, 4, seed=1)) == 4
