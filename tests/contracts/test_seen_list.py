"""The promises of the port `SeenList`, on every adapter."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import MINUTE, NOW
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.errors import RequestIdReused
from smallpool_core.pages import Claimed, ClaimRequest, Entry, SeenEntry, StoredPage
from smallpool_core.ports import SeenList
from smallpool_stores.memory.seen import MemorySeenList
from smallpool_stores.redis.seen import RedisSeenList
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.seen import SqliteSeenList

SECOND = 1_000


@contextmanager
def memory_seen_list(_: Path) -> Iterator[SeenList]:
    yield MemorySeenList()


@contextmanager
def sqlite_seen_list(folder: Path) -> Iterator[SeenList]:
    database = open_database(folder / "smallpool.db")
    yield SqliteSeenList(database)
    database.close()


@contextmanager
def redis_seen_list(_: Path, opened: Opened = shared_redis) -> Iterator[SeenList]:
    with opened() as connection:
        yield RedisSeenList(connection)


ADAPTERS = {
    "memory": memory_seen_list,
    "sqlite": sqlite_seen_list,
    "redis": redis_seen_list,
    "redis cluster": partial(redis_seen_list, opened=shared_cluster),
}


@pytest.fixture(params=ADAPTERS)
def seen_list(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeenList]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


def entry(item_id: str, spread_key: str | None = None, expires_at: int | None = None) -> Entry:
    """A candidate with a spread key of its own unless the test says otherwise."""
    return Entry(item_id, spread_key or f"key of {item_id}", expires_at, f'{{"item_id": "{item_id}"}}'.encode())


def entries(*item_ids: str) -> tuple[Entry, ...]:
    return tuple(entry(item_id) for item_id in item_ids)


def request(ordered: Sequence[Entry], **changes: Any) -> ClaimRequest:
    """The first and last round of user u1's request r1 in pool p1, for a page as long as what is offered."""
    whole = ClaimRequest(
        identity="u:u1",
        pool_id="p1",
        request_id="r1",
        round=0,
        ordered=tuple(ordered),
        n=max(1, len(ordered)),
        cap=3,
        seen_size=200,
        allow_seen=False,
        now=NOW,
        deadline=NOW + 200,
        final=True,
        fingerprint="f1",
    )
    return msgspec.structs.replace(whole, **changes)


def claim(seen_list: SeenList, ordered: Sequence[Entry], **changes: Any) -> Claimed:
    return asyncio.run(seen_list.claim(request(ordered, **changes)))


def ids(claimed: Claimed) -> list[str]:
    return [entry.item_id for entry in claimed.entries]


def seen(seen_list: SeenList, identity: str = "u:u1", pool_id: str = "p1") -> list[SeenEntry]:
    return list(asyncio.run(seen_list.open(identity, pool_id, "another", NOW)).seen)


def seen_ids(seen_list: SeenList, identity: str = "u:u1", pool_id: str = "p1") -> list[str]:
    return [entry.item_id for entry in seen(seen_list, identity, pool_id)]


def stored(seen_list: SeenList, now: int, request_id: str = "r1") -> StoredPage | None:
    return asyncio.run(seen_list.open("u:u1", "p1", request_id, now)).page


def test_a_stranger_has_seen_nothing_and_has_no_page(seen_list: SeenList) -> None:
    opening = asyncio.run(seen_list.open("u:nobody", "p1", "r1", NOW))
    assert (opening.seen, opening.page) == ((), None)


def test_a_claim_takes_the_first_n_in_the_order_offered(seen_list: SeenList) -> None:
    claimed = claim(seen_list, entries("c", "a", "d", "b"), n=3, final=False)
    assert claimed == Claimed(entries("c", "a", "d"), rounds=1, closed=True, closed_now=True)


def test_what_was_served_is_on_the_seen_list_in_page_order_with_its_time(seen_list: SeenList) -> None:
    claim(seen_list, entries("b", "a"), now=NOW)
    claim(seen_list, entries("d", "c"), request_id="r2", now=NOW + 5)
    assert seen(seen_list) == [SeenEntry("b", NOW), SeenEntry("a", NOW), SeenEntry("d", NOW + 5), SeenEntry("c", NOW + 5)]


def test_what_was_seen_is_not_served_again(seen_list: SeenList) -> None:
    claim(seen_list, entries("a", "b"))
    assert ids(claim(seen_list, entries("a", "c", "b", "d"), request_id="r2")) == ["c", "d"]


def test_the_seen_list_belongs_to_one_person_in_one_pool(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"))
    assert ids(claim(seen_list, entries("a"), pool_id="p2")) == ["a"]
    assert ids(claim(seen_list, entries("a"), identity="d:u1")) == ["a"]
    assert seen_ids(seen_list) == seen_ids(seen_list, pool_id="p2") == seen_ids(seen_list, identity="d:u1") == ["a"]


def test_twenty_pages_of_ten_do_not_repeat(seen_list: SeenList) -> None:
    pool = entries(*(f"item-{number:03}" for number in range(200)))
    pages = [ids(claim(seen_list, pool, request_id=f"r{page}", n=10)) for page in range(20)]
    assert sorted(item_id for page in pages for item_id in page) == [entry.item_id for entry in pool]


def test_a_round_applies_only_if_that_many_rounds_are_stored(seen_list: SeenList) -> None:
    first = claim(seen_list, entries("a"), n=3, final=False)
    assert claim(seen_list, entries("b"), round=2, n=3, final=False) == msgspec.structs.replace(first, closed_now=False)
    assert claim(seen_list, entries("b"), round=0, n=3, final=False) == msgspec.structs.replace(first, closed_now=False)
    assert ids(claim(seen_list, entries("b"), round=1, n=3, final=False)) == ["a", "b"]
    assert seen_ids(seen_list) == ["a", "b"]


def test_a_later_round_of_a_page_that_is_not_stored_changes_nothing(seen_list: SeenList) -> None:
    assert claim(seen_list, entries("a"), round=1) == Claimed((), rounds=0, closed=False, closed_now=False)
    assert (seen_ids(seen_list), stored(seen_list, NOW)) == ([], None)


def test_rounds_fill_one_page_and_what_the_page_holds_does_not_block_it(seen_list: SeenList) -> None:
    claim(seen_list, entries("a", "b"), n=4, final=False)
    claimed = claim(seen_list, entries("b", "c", "a", "d", "e"), round=1, n=4, final=False)
    assert claimed == Claimed(entries("a", "b", "c", "d"), rounds=2, closed=True, closed_now=True)


def test_a_later_round_leaves_place_and_time_of_what_earlier_rounds_served(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"), n=3, final=False)
    claim(seen_list, entries("x"), request_id="r2", now=NOW + 1)
    claim(seen_list, entries("b"), n=3, round=1, now=NOW + 2)
    assert seen(seen_list) == [SeenEntry("a", NOW), SeenEntry("x", NOW + 1), SeenEntry("b", NOW + 2)]


@pytest.mark.parametrize("allow_seen", [False, True])
def test_an_item_is_on_a_page_once(seen_list: SeenList, allow_seen: bool) -> None:
    claim(seen_list, entries("a", "a", "b"), n=9, final=False, allow_seen=allow_seen)
    assert ids(claim(seen_list, entries("b", "c", "c", "a"), round=1, n=9, allow_seen=allow_seen)) == ["a", "b", "c"]


def test_an_item_is_served_until_the_instant_before_it_expires(seen_list: SeenList) -> None:
    offered = [entry("gone", expires_at=NOW - 1), entry("now", expires_at=NOW), entry("soon", expires_at=NOW + 1), entry("never")]
    assert ids(claim(seen_list, offered)) == ["soon", "never"]


def test_the_cap_holds_over_the_whole_page_with_its_earlier_rounds(seen_list: SeenList) -> None:
    phones = [entry(f"phone-{number}", "phones") for number in range(6)]
    watches = [entry(f"watch-{number}", "watches") for number in range(2)]
    assert ids(claim(seen_list, phones[:3], n=9, cap=2, final=False)) == ["phone-0", "phone-1"]
    assert ids(claim(seen_list, [*phones[3:], *watches], round=1, n=9, cap=2, final=False)) == ["phone-0", "phone-1", "watch-0", "watch-1"]


def test_the_cap_starts_anew_on_the_next_page(seen_list: SeenList) -> None:
    phones = [entry(f"phone-{number}", "phones") for number in range(4)]
    assert ids(claim(seen_list, phones, cap=2)) == ["phone-0", "phone-1"]
    assert ids(claim(seen_list, phones, cap=2, request_id="r2")) == ["phone-2", "phone-3"]


def test_the_seen_list_forgets_the_oldest_first(seen_list: SeenList) -> None:
    claim(seen_list, entries("a", "b", "c"), seen_size=4)
    claim(seen_list, entries("d", "e"), seen_size=4, request_id="r2")
    assert seen_ids(seen_list) == ["b", "c", "d", "e"]
    assert ids(claim(seen_list, entries("b", "a"), seen_size=4, request_id="r3")) == ["a"]


def test_a_smaller_seen_size_holds_from_the_next_claim_even_one_that_adds_nothing(seen_list: SeenList) -> None:
    claim(seen_list, entries("a", "b", "c"))
    claim(seen_list, (), seen_size=2, request_id="r2")
    assert seen_ids(seen_list) == ["b", "c"]


def test_a_seen_item_that_may_repeat_moves_to_the_newest_place(seen_list: SeenList) -> None:
    claim(seen_list, entries("a", "b", "c"))
    claimed = claim(seen_list, entries("b"), request_id="r2", allow_seen=True, now=NOW + 1)
    assert ids(claimed) == ["b"]
    assert seen(seen_list) == [SeenEntry("a", NOW), SeenEntry("c", NOW), SeenEntry("b", NOW + 1)]


def test_a_seen_item_that_repeats_makes_no_other_one_go(seen_list: SeenList) -> None:
    claim(seen_list, entries("a", "b", "c"), seen_size=3)
    claim(seen_list, entries("b"), request_id="r2", allow_seen=True, seen_size=3)
    assert seen_ids(seen_list) == ["a", "c", "b"]


def test_a_page_closes_at_n_or_when_final_and_says_so_once(seen_list: SeenList) -> None:
    assert not claim(seen_list, entries("a"), n=3, final=False).closed
    assert not claim(seen_list, entries("b"), round=1, n=3, final=False).closed
    closing = claim(seen_list, entries("c"), round=2, n=3, final=False)
    repeated = claim(seen_list, entries("c"), round=2, n=3, final=False)
    assert (closing.closed, closing.closed_now) == (True, True)
    assert (repeated.closed, repeated.closed_now) == (True, False)
    assert claim(seen_list, entries("x"), request_id="r2", n=3, final=True).closed_now


@pytest.mark.parametrize("again", [0, 1, 2])
def test_a_closed_page_never_changes(seen_list: SeenList, again: int) -> None:
    closed = claim(seen_list, entries("a"), n=3, final=True, short="exhausted")
    repeated = claim(seen_list, entries("b", "c"), round=again, n=3, now=NOW + 1)
    assert repeated == msgspec.structs.replace(closed, closed_now=False)
    assert seen_ids(seen_list) == ["a"]


def test_a_closed_page_is_replayed_verbatim_for_ten_minutes_even_with_what_expired(seen_list: SeenList) -> None:
    served = (entry("a", expires_at=NOW + 1), Entry("b", "k", None, b"\x00\xff any bytes"))
    claim(seen_list, served)
    expected = StoredPage("r1", "f1", 1, closed=True, entries=served)
    assert stored(seen_list, NOW + 10 * MINUTE) == expected
    assert claim(seen_list, entries("c"), now=NOW + 10 * MINUTE) == Claimed(served, 1, closed=True, closed_now=False)
    assert stored(seen_list, NOW + 10 * MINUTE + 1) is None


def test_a_page_is_there_for_a_server_whose_clock_is_behind(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"))
    claim(seen_list, entries("b"), request_id="r2", now=NOW + 10 * MINUTE + 5 * SECOND)
    assert stored(seen_list, NOW + 10 * MINUTE) is not None


def test_ten_minutes_count_from_the_round_that_closed_the_page(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"), n=2, final=False, deadline=NOW + MINUTE)
    claim(seen_list, entries("b"), n=2, round=1, now=NOW + MINUTE, deadline=NOW + MINUTE)
    assert stored(seen_list, NOW + 11 * MINUTE) is not None
    assert stored(seen_list, NOW + 11 * MINUTE + 1) is None


def test_an_open_page_is_resumed_until_two_seconds_past_its_deadline(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"), n=2, final=False, deadline=NOW + 200)
    last = NOW + 200 + 2 * SECOND
    assert stored(seen_list, last) == StoredPage("r1", "f1", 1, closed=False, entries=entries("a"))
    resumed = claim(seen_list, entries("a", "b"), round=1, n=2, now=last, deadline=last + 200)
    assert ids(resumed) == ["a", "b"]
    assert resumed.closed_now


def test_each_round_of_an_open_page_brings_its_own_deadline(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"), n=3, final=False, deadline=NOW + 200)
    claim(seen_list, entries("b"), n=3, final=False, round=1, now=NOW + SECOND, deadline=NOW + SECOND + 200)
    assert stored(seen_list, NOW + 3 * SECOND + 200) is not None
    assert stored(seen_list, NOW + 3 * SECOND + 201) is None


def test_a_page_left_open_too_long_is_dropped_and_its_items_stay_seen(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"), n=2, final=False, deadline=NOW + 200)
    late = NOW + 200 + 2 * SECOND + 1
    assert stored(seen_list, late) is None
    assert claim(seen_list, entries("b"), round=1, n=2, now=late) == Claimed((), rounds=0, closed=False, closed_now=False)
    assert ids(claim(seen_list, entries("a", "b", "c"), n=2, now=late)) == ["b", "c"]
    assert seen_ids(seen_list) == ["a", "b", "c"]


def test_a_request_id_with_another_body_is_refused_and_changes_nothing(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"), n=2, final=False)
    with pytest.raises(RequestIdReused, match="'r1'"):
        claim(seen_list, entries("b"), round=1, n=2, fingerprint="f2")
    assert seen_ids(seen_list) == ["a"]
    assert stored(seen_list, NOW) == StoredPage("r1", "f1", 1, closed=False, entries=entries("a"))


def test_a_request_id_is_free_again_once_its_page_is_gone(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"))
    with pytest.raises(RequestIdReused):
        claim(seen_list, entries("b"), now=NOW + 10 * MINUTE, fingerprint="f2")
    assert ids(claim(seen_list, entries("b"), now=NOW + 10 * MINUTE + 1, fingerprint="f2")) == ["b"]


def test_a_request_id_is_one_persons_in_one_pool(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"))
    assert ids(claim(seen_list, entries("b"), identity="u:u2", fingerprint="f2")) == ["b"]
    assert ids(claim(seen_list, entries("c"), pool_id="p2", fingerprint="f2")) == ["c"]


def test_short_is_kept_with_a_page_that_closes_below_n(seen_list: SeenList) -> None:
    assert claim(seen_list, entries("a"), n=3, final=False, short="deadline").short is None
    closed = claim(seen_list, entries("b"), n=3, round=1, short="category_cap")
    assert closed.short == "category_cap"
    assert claim(seen_list, (), n=3, round=1, short="deadline").short == "category_cap"
    page = stored(seen_list, NOW)
    assert page is not None
    assert page.short == "category_cap"


def test_a_full_page_is_not_short(seen_list: SeenList) -> None:
    assert claim(seen_list, entries("a", "b"), n=2, short="exhausted").short is None


def test_an_empty_page_closes_and_is_replayed(seen_list: SeenList) -> None:
    closed = claim(seen_list, (), n=3, short="exhausted")
    assert closed == Claimed((), rounds=1, closed=True, closed_now=True, short="exhausted")
    assert claim(seen_list, entries("a"), n=3) == msgspec.structs.replace(closed, closed_now=False)


def test_erasing_one_pool_leaves_the_others(seen_list: SeenList) -> None:
    claim(seen_list, entries("a"))
    claim(seen_list, entries("a"), pool_id="p2")
    asyncio.run(seen_list.erase("u:u1", "p1"))
    assert (seen_ids(seen_list), stored(seen_list, NOW)) == ([], None)
    assert seen_ids(seen_list, pool_id="p2") == ["a"]
    assert ids(claim(seen_list, entries("a"))) == ["a"]


def test_erasing_a_person_leaves_the_others(seen_list: SeenList) -> None:
    for identity in ("u:u1", "u:u2"):
        for pool_id in ("p1", "p2"):
            claim(seen_list, entries("a"), identity=identity, pool_id=pool_id)
    asyncio.run(seen_list.erase("u:u1", None))
    assert [seen_ids(seen_list, pool_id=pool_id) for pool_id in ("p1", "p2")] == [[], []]
    assert [seen_ids(seen_list, "u:u2", pool_id) for pool_id in ("p1", "p2")] == [["a"], ["a"]]
    assert stored(seen_list, NOW) is None


def test_erasing_a_stranger_is_no_error(seen_list: SeenList) -> None:
    asyncio.run(seen_list.erase("u:nobody", None))
    asyncio.run(seen_list.erase("u:nobody", "p1"))


def test_concurrent_requests_of_one_person_never_share_an_item(seen_list: SeenList) -> None:
    pool = entries(*(f"item-{number:02}" for number in range(50)))
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda number: claim(seen_list, pool, request_id=f"r{number}", n=2), range(25)))
    assert sorted(item_id for page in pages for item_id in ids(page)) == [entry.item_id for entry in pool]
    assert sorted(seen_ids(seen_list)) == [entry.item_id for entry in pool]


def test_the_same_request_made_concurrently_is_one_page_that_closes_once(seen_list: SeenList) -> None:
    pool = entries(*(f"item-{number}" for number in range(9)))
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: claim(seen_list, pool, n=3), range(25)))
    assert {tuple(ids(page)) for page in pages} == {("item-0", "item-1", "item-2")}
    assert sum(page.closed_now for page in pages) == 1
