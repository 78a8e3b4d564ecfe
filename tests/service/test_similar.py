"""Items like one item: of the pool, on sale, most alike first, and nobody is served anything."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from builders import NOW
from read_rig import World, in_pool, request
from smallpool_core.errors import NotFound, PoolNotLive, Refused, StoreUnavailable, VectorRefused
from smallpool_core.pools import HOME
from smallpool_core.vectors import stored_vector
from smallpool_service.similar import ASKED_AT_LEAST, SimilarItems, similar
from smallpool_service.term_vectors import as_item

PHONE = ("category:数码›手机", "category:数码", "brand:apple", "point:128g")


def phones(*more: Any) -> World:
    return World(
        in_pool("one", terms=PHONE),
        in_pool("same", terms=PHONE),
        in_pool("less", terms=PHONE[:3]),
        in_pool("brand-alone", category="数码›耳机", terms=("brand:apple",)),
        in_pool("other", category="家具", terms=("category:家具",)),
        *more,
    )


def asked(world: World, item_id: str = "one", **changes: Any) -> SimilarItems:
    return asyncio.run(similar(world.recaller, item_id, request(dry_run=True, **changes)))


def ids(found: SimilarItems) -> list[str]:
    return [item.item_id for item in found.items]


def test_what_shares_most_with_the_item_comes_first_and_what_shares_nothing_does_not_come() -> None:
    found = asked(phones())
    assert ids(found) == ["same", "less", "brand-alone"]
    assert found.items[0].score == 1.0
    assert found.items[1].score > found.items[2].score > 0
    assert (found.short, found.degraded) == ("exhausted", [])


def test_an_explanation_names_the_shared_terms() -> None:
    found = asked(phones(), explain=True)
    explained = found.items[2].explain
    assert explained.triggers == {"brand:apple": 819}  # type: ignore[union-attr]
    assert explained.sources == {"terms": 3}  # type: ignore[union-attr]


@pytest.mark.parametrize("state", ["sold", "withdrawn", "expired"])
def test_an_item_that_is_gone_is_asked_by_what_it_was_and_is_not_offered_itself(state: Any) -> None:
    world = phones()
    world.items["one"] = replace(world.items["one"], state=state, pools=())
    assert ids(asked(world)) == ["same", "less", "brand-alone"]
    assert ids(asked(world, "same")) == ["less", "brand-alone"]


def test_an_item_outside_the_pool_is_asked_by_too_and_only_what_lies_in_the_pool_comes() -> None:
    world = phones(in_pool("elsewhere", terms=PHONE, pools=()))
    world.live.items = dict(world.items)
    assert ids(asked(world, "elsewhere")) == ["one", "same", "less", "brand-alone"]
    assert "elsewhere" not in ids(asked(world))
    assert "elsewhere" in ids(asked(world, pool_id=HOME))


def test_what_left_since_it_was_indexed_does_not_come() -> None:
    world = phones()
    world.live.items = dict(world.items)
    world.live.apply([in_pool("same", version=9, state="sold")])
    assert ids(asked(world)) == ["less", "brand-alone"]


def test_what_ends_too_soon_to_be_opened_does_not_come() -> None:
    world = phones(in_pool("ending", terms=PHONE, expires_at=NOW + 4_000), in_pool("lasting", terms=PHONE, expires_at=NOW + 6_000))
    world.recaller.settings = replace(world.recaller.settings, least_left_s=5)
    assert ids(asked(world)) == ["lasting", "same", "less", "brand-alone"]


def test_more_of_one_category_than_a_page_may_hold_come_and_no_more_than_asked_for() -> None:
    world = phones(*[in_pool(f"p{place}", terms=PHONE, published_at=NOW - place) for place in range(9)])
    found = asked(world, size=8)
    assert len(found.items) == 8
    assert {tuple(item.category) for item in found.items} == {("数码", "手机")}
    assert found.short is None


def test_nothing_is_claimed_written_or_remembered() -> None:
    world = phones()
    assert ids(asked(world)) == ids(asked(world))
    assert (world.seen.claims, world.log.records) == ([], [])


def test_a_wide_index_that_fails_is_named_and_gives_nothing() -> None:
    world = phones()
    world.reader.is_down = True
    found = asked(world)
    assert (found.items, found.short, found.degraded) == ([], None, ["items"])


def test_an_unknown_item_an_unknown_pool_and_a_draft_are_refused() -> None:
    world = phones()
    world.put_pool("draft", state="draft")
    with pytest.raises(NotFound, match="item"):
        asked(world, "nothing")
    with pytest.raises(NotFound, match="pool"):
        asked(world, pool_id="nowhere")
    with pytest.raises(PoolNotLive):
        asked(world, pool_id="draft")
    with pytest.raises(Refused):
        asked(world, size=101)


def test_an_item_without_terms_is_like_nothing() -> None:
    assert asked(phones(in_pool("bare", terms=()))).items != []
    assert asked(phones(in_pool("bare", terms=())), "bare").items == []


def test_an_item_with_a_vector_is_asked_by_that_too_and_each_item_says_what_brought_it() -> None:
    world = phones(in_pool("near", "耳机", terms=("category:数码",)))
    encoders = world.embeds()
    vector = stored_vector(encoders.items.encode([as_item(*PHONE)])[0], encoders.items.dimensions)
    world.items["one"] = replace(world.items["one"], vector=vector, versions={"vectors": encoders.items.model})
    found = asked(world, explain=True)
    brought = {item.item_id: item.sources for item in found.items}
    assert (brought["same"], brought["near"]) == (["terms", "vectors"], ["terms", "vectors"])
    parts = found.items[0].explain.score  # type: ignore[union-attr]
    assert parts["vector"] > 0.9
    assert found.items[0].score == pytest.approx((parts["match"] + parts["vector"]) / 2)
    assert [item.score for item in found.items] == sorted([item.score for item in found.items], reverse=True)


def test_an_item_that_came_by_its_vector_alone_scores_by_the_terms_that_it_shares_too() -> None:
    world = phones(*[in_pool(f"same{place}", terms=PHONE) for place in range(ASKED_AT_LEAST)])
    encoders = world.embeds()
    [vector] = encoders.items.encode([as_item(*PHONE[:3])])
    stored, versions = stored_vector(vector, encoders.items.dimensions), {"vectors": encoders.items.model}
    world.items["one"] = replace(world.items["one"], vector=stored, versions=versions)
    opposite = bytes([-value % 256 for value in stored])
    for name in ("same", *(f"same{place}" for place in range(ASKED_AT_LEAST))):
        world.items[name] = replace(world.items[name], vector=opposite, versions=versions)
    less = asked(world, explain=True).items[0]
    assert less.item_id == "less"
    assert less.sources == ["vectors"]
    parts = less.explain.score  # type: ignore[union-attr]
    assert parts["match"] > 0.5
    assert set(less.explain.triggers) == set(PHONE[:3])  # type: ignore[union-attr]


def test_an_item_whose_vector_is_of_another_model_is_asked_by_its_terms_alone() -> None:
    world = phones()
    world.embeds()
    world.items["one"] = replace(world.items["one"], vector=bytes([127] * 64), versions={"vectors": "the one before"})
    assert asked(world).items[0].sources == ["terms"]


@pytest.mark.parametrize("failure", [StoreUnavailable("it is down"), VectorRefused("another model is in force by now")])
def test_vectors_that_fail_cost_what_they_alone_would_have_brought(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    world = phones()
    encoders = world.embeds()
    vector = stored_vector(encoders.items.encode([as_item(*PHONE)])[0], encoders.items.dimensions)
    world.items["one"] = replace(world.items["one"], vector=vector, versions={"vectors": encoders.items.model})

    def fails() -> None:
        raise failure

    monkeypatch.setattr(world.vectors, "use", fails)
    found = asked(world)
    assert ids(found) == ["same", "less", "brand-alone"]
    assert found.degraded == ["vectors"]
