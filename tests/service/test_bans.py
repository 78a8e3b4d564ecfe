"""What is banned everywhere, while no tag says it yet: told by the rule, on the items as they are now, and failing closed."""

from msgspec.structs import replace

from read_rig import World, in_pool, shelf

SELLER = {"field": "seller_id", "op": "eq", "value": "bad"}


def world(*, trusted: bool) -> World:
    """Three items of a trusted pool, one of a seller who is banned since just now."""
    made = World(*shelf(2), in_pool("theirs", "丙", seller_id="bad"))
    made.put_pool("banned", SELLER, trusted=trusted)
    return made


def test_a_candidate_that_the_rule_of_what_is_banned_holds_for_is_dropped_with_that_reason() -> None:
    made = world(trusted=False)
    page = made.recall(explain=True)
    assert {item.item_id for item in page.items} == {"i000", "i001"}
    assert [(drop.item_id, drop.stage, drop.reason) for drop in page.trace.drops] == [("theirs", "filter", "banned")]  # type: ignore[union-attr]
    assert page.short == "exhausted"


def test_once_the_tag_says_it_no_item_is_read_for_it() -> None:
    made = world(trusted=True)
    made.items["theirs"] = replace(made.items["theirs"], pools=("banned",))
    made.reader.get = None  # type: ignore[assignment, method-assign]
    assert set(made.page()) == {"i000", "i001"}


def test_without_the_items_nothing_is_served_while_a_ban_is_pending() -> None:
    made = world(trusted=False)

    async def down(_: object) -> dict[str, object]:
        made.reader.is_down = True
        made.reader.use()
        return {}

    made.reader.get = down  # type: ignore[assignment, method-assign]
    page = made.recall()
    assert page.items == []
    assert "items" in page.degraded


def test_an_item_that_changed_since_it_was_read_is_not_served_while_a_ban_is_pending() -> None:
    made = world(trusted=False)
    made.live.items = made.items | {"i000": replace(made.items["i000"], version=2, seller_id="bad")}
    assert made.page() == ["i001"]


def test_while_what_is_banned_is_a_draft_nothing_is() -> None:
    made = world(trusted=False)
    made.put_pool("banned", SELLER, trusted=False, state="draft")
    assert set(made.page()) == {"i000", "i001", "theirs"}
