"""What holds on every page, whatever the pool, the person's history and the settings; and a short page is never short for nothing."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import HOUR, NOW
from read_rig import World, ids, in_pool, is_listed
from smallpool_core.items import WideItem
from smallpool_core.users import Touched, TriggerState
from smallpool_service.page import Page
from smallpool_service.spread import cut_key

CATEGORIES = ["数码›手机", "数码›相机", "数码›手机›苹果", "文玩›手串", "文玩›壶", "书"]
TERMS = ["brand:a", "brand:b", "tag:x", "point:p", "category:书"]

items = st.builds(
    in_pool,
    item_id=st.integers(0, 99).map("i{:02}".format),
    category=st.sampled_from(CATEGORIES),
    state=st.sampled_from(["on_sale"] * 6 + ["sold"]),
    seller_id=st.sampled_from(["u1", "s1", "s2", "s3", "s4", None]),
    published_at=st.integers(NOW - 9, NOW + 1),
    expires_at=st.sampled_from([None, None, None, NOW, NOW + HOUR]),
    terms=st.lists(st.sampled_from(TERMS), unique=True, max_size=3).map(tuple),
    static_score=st.integers(0, 3),
    quality=st.integers(0, 1000),
    pools=st.sampled_from([("p",)] * 5 + [()]),
)
shelves = st.lists(items, max_size=60, unique_by=lambda item: item.item_id)
pools = st.fixed_dictionaries(
    {
        "max_per_category": st.integers(1, 4),
        "spread_level": st.sampled_from([None, None, 1, 2]),
        "seen_size": st.sampled_from([100, 200]),
        "when_exhausted": st.sampled_from(["stop", "stop", "repeat_oldest"]),
    }
)
histories = st.builds(
    TriggerState,
    bought=st.lists(st.integers(0, 99), max_size=4).map(lambda numbers: [Touched(f"i{number:02}", "purchase", NOW) for number in numbers]),
)
steps = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=150)
@given(shelf=shelves, pool=pools, history=histories, asked=steps)
def test_every_page_keeps_its_promises(
    shelf: list[WideItem], pool: dict[str, object], history: TriggerState, asked: list[tuple[int, bool]]
) -> None:
    world = World(*shelf)
    world.put_pool(**pool)  # type: ignore[arg-type]
    world.likes(brand__a=3.0, tag__x=2.0, category__书=1.0)
    world.triggers.states["u:u1"].bought = history.bought
    served: list[str] = []
    for size, sells in asked:
        page = world.recall(size=size)
        check_page(world, page, size, served, pool)
        served += ids(page)
        if sells and page.items:
            sold = page.items[0].item_id
            world.items[sold] = replace(world.items[sold], state="sold")


def check_page(world: World, page: Page, size: int, served: list[str], pool: dict[str, object]) -> None:
    cap, level = int(str(pool["max_per_category"])), pool["spread_level"]
    repeats = pool["when_exhausted"] == "repeat_oldest"
    chosen = ids(page)
    bought = {touched.item_id for touched in world.triggers.states["u:u1"].bought}
    eligible = {
        item_id
        for item_id, item in world.items.items()
        if is_listed(item, NOW) and "p" in item.pools and item.seller_id != "u1" and item_id not in bought
    }
    unseen = eligible - set(served)
    keys = Counter(key_of(world, item_id, level) for item_id in chosen)

    assert page.degraded == []
    assert len(chosen) == len(set(chosen)) <= size
    assert set(chosen) <= (eligible if repeats else unseen)
    assert max(keys.values(), default=0) <= cap
    assert (page.short is None) == (len(chosen) == size)
    fits = {item_id for item_id in (eligible if repeats else unseen) - set(chosen) if keys[key_of(world, item_id, level)] < cap}
    left = (eligible if repeats else unseen) - set(chosen)
    if page.short is not None:
        assert not fits
        assert page.short == ("category_cap" if left else "exhausted")
    if set(chosen) & set(served):
        assert not {item_id for item_id in unseen - set(chosen) if keys[key_of(world, item_id, level)] == 0}


def key_of(world: World, item_id: str, level: object) -> str:
    return cut_key(world.items[item_id].spread_key, level if isinstance(level, int) else None)
