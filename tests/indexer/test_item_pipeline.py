"""The write path of item events from the log to what can be recalled."""

import logging
from typing import NoReturn

import pytest

from builders import HOUR, NOW, given, item_event, wide_item
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import Given, WideRecord
from smallpool_core.versions import ENRICH_SOLD
from smallpool_indexer.settings import IndexerSettings
from write_rig import POISON, Rig, power_cut

PHONES = {"field": "category", "op": "prefix", "value": ["数码", "手机"]}


def is_on_sale(rig: Rig, item_id: str = "i1", pool_id: str = "phones") -> bool:
    [live] = rig.live_view.look([item_id], pool_id, rig.clock.now_ms())
    return live is not None and live.is_on_sale and live.in_pool and not live.is_expired


def test_a_listing_goes_in_and_is_on_sale_in_its_pool(rig: Rig) -> None:
    rig.put_pool("phones", PHONES)
    rig.take(item_event())
    assert rig.item().pools == ("phones",)
    assert is_on_sale(rig)
    assert [stage for stage, _, _ in rig.figures.stages] == [
        "parse",
        "understand",
        "reposts",
        "sellers",
        "order",
        "assign",
        "record",
        "index",
    ]


def test_a_batch_is_taken_whole_and_no_larger_than_set(rig: Rig) -> None:
    rig.send(*(item_event(f"i{n}") for n in range(130)))
    assert [rig.indexer.run_once() for _ in range(4)] == [64, 64, 2, 0]


def test_a_sold_item_leaves_at_once_and_only_a_higher_version_lists_it_again(rig: Rig) -> None:
    rig.put_pool("phones", PHONES)
    rig.take(item_event(version=1), item_event(type="sold", version=2))
    assert not is_on_sale(rig)
    rig.take(item_event(version=1), item_event(type="updated", version=2))
    assert not is_on_sale(rig)
    assert rig.item().order == (2, ENRICH_SOLD)
    rig.take(item_event(type="updated", version=3))
    assert is_on_sale(rig)
    assert rig.item().pools == ("phones",)


def test_an_auction_leaves_at_its_second(rig: Rig) -> None:
    rig.put_pool("phones", PHONES)
    rig.take(item_event(given=given(sale="auction", expires_at=NOW + 6 * HOUR)))
    rig.clock.advance(6 * HOUR - 1)
    assert is_on_sale(rig)
    rig.clock.advance(1)
    assert not is_on_sale(rig)


def test_a_listing_ahead_of_its_publication_is_not_on_sale_yet(rig: Rig) -> None:
    rig.put_pool("phones", PHONES)
    rig.take(item_event(given=given(published_at=NOW + HOUR)))
    assert not is_on_sale(rig)
    rig.clock.advance(HOUR)
    assert is_on_sale(rig)


def test_poison_of_every_kind_never_costs_a_neighbour(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    poison = [b"\xff\xfe", b"{", b"[" * 20_000 + b"]" * 20_000, b"x" * 5_000_000, b'{"type":"published","item_id":"p"}']
    with caplog.at_level(logging.WARNING, "smallpool.indexer"):
        rig.take(item_event("a"), *poison, item_event("b"), item_event("q", given=given(POISON)), item_event("c"))
    assert rig.wide.get(["a", "b", "c", "p", "q"]).keys() == {"a", "b", "c"}
    letters = rig.dead_letters()
    assert [letter.offset for letter in letters] == [1, 2, 3, 4, 5, 7]
    assert [letter.field for letter in letters] == ["(event)"] * 4 + ["version", "item"]
    assert rig.figures.counts["dead_letter"] == len(letters) == len(caplog.records)
    assert rig.log.committed("item-events", INDEXER_GROUP) == rig.log.end("item-events")


def test_a_poisoned_version_leaves_the_older_listing_of_its_batch(rig: Rig) -> None:
    rig.take(item_event(version=1), item_event(version=2, given=given(POISON)), item_event("b", "sold"))
    assert rig.item().order == (1, 0)
    assert rig.item("b").state == "sold"


def test_a_title_of_10_kb_is_cut_and_counted(rig: Rig) -> None:
    raw = b'{"type":"published","item_id":"i1","version":1,"at":0,"item":{"title":"' + "长".encode() * 3_413 + b'"}}'
    rig.take(raw)
    assert rig.item().given == Given(title="长" * 1_000)
    assert rig.figures.counts["title_cut"] == 1


def test_a_second_body_of_a_version_is_ignored_counted_and_logged(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "smallpool.indexer"):
        rig.take(item_event(given=given("甲")), item_event(given=given("乙")))
    assert rig.item().given == given("甲")
    assert rig.figures.counts["conflict"] == 1
    assert "a second body (offset 1) is ignored" in caplog.text


def test_a_crash_between_record_and_commit_replays_without_visible_change(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.put_pool("phones", PHONES)
    rig.send(item_event("a"), b"{", item_event("b"), item_event("a", "sold", version=2))

    with monkeypatch.context() as broken:
        broken.setattr(rig.log, "commit", power_cut)
        with pytest.raises(KeyboardInterrupt):
            rig.turn()
    assert rig.wide.get(["a", "b"]) == {}
    assert rig.dead_letters() == []
    rig.drain()
    assert rig.item("a").state == "sold"
    assert is_on_sale(rig, "b")
    assert len(rig.dead_letters()) == 1


def test_a_log_replayed_from_its_start_changes_nothing(rig: Rig) -> None:
    rig.put_pool("phones", PHONES)
    events = [item_event("a"), item_event("b", version=4), item_event("a", "sold", version=2), item_event("c", "withdrawn")]
    rig.take(*events)
    before = (rig.wide.end(), rig.wide.get(["a", "b", "c"]))
    rig.take(*events)
    assert (rig.wide.end(), rig.wide.get(["a", "b", "c"])) == before


def test_a_crash_after_the_record_leaves_nothing_unindexed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.put_pool("phones", PHONES)

    with monkeypatch.context() as broken:
        broken.setattr(rig.columns, "index", power_cut)
        with pytest.raises(KeyboardInterrupt):
            rig.take(item_event())
    assert not is_on_sale(rig)
    assert rig.indexer.drain() == 0
    rig.drain()
    assert is_on_sale(rig)


def test_what_another_process_recorded_is_indexed_from_the_tail(rig: Rig) -> None:
    rig.wide.append([wide_item(pools=("phones",)), wide_item("b", pools=("phones",))])
    rig.turn()
    assert is_on_sale(rig)
    assert rig.tail.place() == rig.wide.end()


def test_the_tail_is_indexed_in_bounded_pieces_and_drain_takes_them_all(rig: Rig) -> None:
    settings = IndexerSettings(tail_size=10)
    rig.tail_indexer._settings = settings
    rig.wide.append([wide_item(f"i{n}") for n in range(25)])
    rig.tail_indexer.run_once()
    assert rig.tail.place() == {0: 9}
    rig.tail_indexer.drain()
    assert rig.tail.place() == {0: 24}
    assert rig.tail.poll(1) == list[WideRecord]()


def test_a_retag_changes_pools_alone_and_understands_nothing(rig: Rig) -> None:
    rig.take(item_event())
    asked = rig.understander.asked
    rig.put_pool("phones", PHONES)
    rig.take(item_event(type="enrich", version=0, reason="retag"))
    assert rig.understander.asked == asked
    assert (rig.item().pools, rig.item().enrich) == (("phones",), 1)
    assert is_on_sale(rig)


def test_a_new_understander_shows_in_what_is_understood_again(rig: Rig) -> None:
    rig.take(item_event())
    rig.understander.version = "plain-2"
    rig.take(item_event(type="enrich", version=0, reason="understand"))
    assert (rig.item().order, rig.item().versions) == ((1, 1), {"understander": "plain-2"})
    rig.take(item_event(type="enrich", version=0, reason="understand"))
    assert rig.item().order == (1, 1)
    assert rig.figures.counts["unchanged"] == 1


def test_nothing_is_taken_in_before_the_pools_were_read_and_everything_after_once_they_were(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_values: object) -> NoReturn:
        raise StoreUnavailable("could not read the pools")

    rig.send(item_event("a"))
    with monkeypatch.context() as patched:
        patched.setattr(rig.pools, "epoch", away)
        with pytest.raises(StoreUnavailable):
            rig.indexer.run_once()
    assert rig.wide.get(["a"]) == {}
    rig.put_pool("phones", PHONES)
    with monkeypatch.context() as patched:
        patched.setattr(rig.pools, "changes", away)
        with pytest.raises(StoreUnavailable):
            rig.indexer.run_once()
    assert rig.wide.get(["a"]) == {}, "that pools changed is not yet what they are"
    rig.drain()
    assert is_on_sale(rig, "a")
    monkeypatch.setattr(rig.pools, "epoch", away)
    rig.take(item_event("a", "sold", version=2), item_event("b"))
    assert [is_on_sale(rig, item_id) for item_id in ("a", "b")] == [False, True]
