"""Faults of what is asked: late, oversized, absurd, or text that would like to be code. Numbers are those of docs/reliability.md."""

import json
import logging
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from builders import NOW, FakeClock, given, item_event, user_event
from http_rig import Api, assert_problem, click, paths_of, shelf
from read_rig import ids
from smallpool_core.errors import DeadlinePassed, Refused, StoreUnavailable
from smallpool_core.events import encode_item_event, parse_item_event, parse_user_event
from smallpool_core.items import ItemEvent
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import MAX_NAME
from smallpool_core.row_reader import Rejection
from smallpool_core.users import Identity
from smallpool_service.context import Context
from smallpool_service.metrics import MAX_LABEL_VALUES, Metrics
from system_rig import EVERYTHING, Marketplace, field, knowledge_understander, listing, listings


class RunningClock(FakeClock):
    """A clock that a test may set going: then each look at it takes `tick` ms."""

    tick = 0

    def now_ms(self) -> int:
        self.now += self.tick
        return self.now


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Marketplace, RunningClock]]:
    clock = RunningClock()
    with Marketplace(tmp_path, clock=clock) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*listings(60))
        yield market, clock


async def down(*_values: object, **_options: object) -> NoReturn:
    raise StoreUnavailable("could not read the test's index: it is down; bring it up")


def test_case_18_with_every_source_down_the_answer_is_empty_and_names_them(market: Marketplace, monkeypatch: pytest.MonkeyPatch) -> None:
    market.put_pool("p", EVERYTHING, settings={"sources": {"explore": 0.05}})
    market.take(*listings(20), user_event("click", "i0001"))
    with monkeypatch.context() as broken:
        for question in ("recall", "browse", "pick"):
            broken.setattr(market.system.reader, question, down)
        broken.setattr(market.system.stats, "exposures", down)
        page = market.recall()
    assert (page.items, page.short) == ([], None)
    assert {"source:terms", "source:popular", "source:newest", "source:explore"} <= set(page.degraded)
    assert len(market.page()) == 10


def test_case_18_with_one_source_down_the_others_fill_in_and_a_short_page_gives_no_reason(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.take(*listings(12, per_category=1))
    monkeypatch.setattr(market.system.stats, "popular", down)
    full, short = market.recall(), market.recall()
    assert [(len(page.items), page.short, page.degraded) for page in (full, short)] == [
        (10, None, ["source:popular"]),
        (2, None, ["source:popular"]),
    ]


def test_case_19_a_request_after_its_deadline_asks_no_store(running: tuple[Marketplace, RunningClock]) -> None:
    market, clock = running
    market.page()
    market.system.database.close()
    with pytest.raises(DeadlinePassed, match="0 ms after its deadline"):
        market.recall(deadline_ms=clock.now_ms())


@pytest.mark.parametrize("tick", [1, 2, 5, 10])
def test_case_19_a_deadline_of_5_ms_gives_what_is_there_by_then_and_says_so(running: tuple[Marketplace, RunningClock], tick: int) -> None:
    market, clock = running
    before = clock.now_ms()
    clock.tick = tick
    page = market.recall(deadline_ms=before + tick + 5)
    clock.tick = 0
    assert page.short == "deadline"
    assert len(page.items) < 10
    assert market.seen() == ids(page), "what was given is remembered all the same"
    again = market.recall(size=20)
    assert set(ids(again)).isdisjoint(ids(page))


BODY = '{"type":"published","item_id":"a","version":1,"at":0,"item":{"title":"x","price_cents":%s}}'


@pytest.mark.parametrize(
    "number", ["1e308", "1E400", "NaN", "Infinity", "-Infinity", "-1", "-0.0", "1.5", "9223372036854775808", "9" * 4000, "true", '"1"']
)
def test_case_22_a_number_that_is_no_price_is_refused_by_its_field(number: str) -> None:
    rejection = parse_item_event((BODY % number).encode(), NOW, internal=False)
    assert isinstance(rejection, Rejection)
    assert rejection.field == "item.price_cents"
    assert len(rejection.message) < 300


@pytest.mark.parametrize("number", ["0", "-0", "1000000000000"])
def test_case_22_a_number_within_its_limits_is_taken(number: str) -> None:
    event = parse_item_event((BODY % number).encode(), NOW, internal=False)
    assert isinstance(event, ItemEvent)
    assert event.given is not None
    assert event.given.price_cents == int(number)


@pytest.mark.parametrize("depth", [100, 10_000, 200_000])
@pytest.mark.parametrize("parse", ["item", "user"])
def test_case_22_an_event_of_any_depth_is_refused(depth: int, parse: str) -> None:
    raw = b'{"type":' + b"[" * depth + b"]" * depth + b"}"
    rejection = parse_item_event(raw, NOW, internal=False) if parse == "item" else parse_user_event(raw, NOW)
    assert isinstance(rejection, Rejection)


def test_case_22_an_event_of_50_mb_is_refused_without_being_copied() -> None:
    raw = b'{"type":"published","item_id":"' + b"x" * 50_000_000 + b'"}'
    tracemalloc.start()
    rejection = parse_item_event(raw, NOW, internal=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(rejection, Rejection)
    assert "50000033 bytes" in rejection.message
    assert peak < 1_000_000


@pytest.mark.parametrize("size", ["0", "-1", "1000000000", '"ten"', "1.5", "true", "[]", "NaN", "9" * 400])
def test_case_23_a_size_that_is_none_is_refused_by_name(api: Api, size: str) -> None:
    api.make_pool("p")
    reply = api.post("/v1/pools/p/recall", content=f'{{"user_id": "u1", "size": {size}}}', headers={"Content-Type": "application/json"})
    assert paths_of(assert_problem(reply, 422, "refused")) == ["size"]


TEXTS = {
    "Lucene": 'title:(苹果 OR 华为) AND price:[0 TO *] +must -not "phrase"~2 /re.*gex/ \\',
    "everything": "*:*",
    "SQL": "'; DROP TABLE items; --\" OR 1=1 %_",
    "10 KB": "手机" * 5_000,
    "emoji": "👩‍👩‍👧‍👦🧿手串🔥",
    "NUL": "苹果\x00手机",
    "right to left": "\u202eمرحبا\u202c 手机",
    "full width": "ＩＰＨＯＮＥ　１３　Ｐｒｏ",
    "combining": "e\u0301" * 300,
    "control": "\x1f\x1b[31m\u2028\u2029\ufeff",
    "markup": "<script>alert(1)</script>{{7*7}}${jndi:ldap://x}=cmd|' /C calc'!A0",
    "regex": "(a+)+$" + "a" * 190,
}


@pytest.fixture(scope="module")
def understanding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marketplace]:
    """A marketplace that understands as it is shipped, with a phone of each awkward title."""
    with Marketplace(tmp_path_factory.mktemp("market"), understander=knowledge_understander()) as market:
        market.put_pool("p", EVERYTHING)
        titles = {name: text + " 手机" for name, text in TEXTS.items()}
        market.take(*(item_event(name, given=given(title, category=("数码", name))) for name, title in titles.items()))
        yield market


@pytest.mark.parametrize("name", TEXTS)
def test_case_24_the_text_of_a_query_is_data(understanding: Marketplace, name: str) -> None:
    market, text = understanding, TEXTS[name]
    person = Identity(f"u {name} '; --", None)
    market.take(user_event("search", query=text, user_id=person.user_id))
    page = market.recall(identity=person, size=len(TEXTS))
    assert set(ids(page)) == set(TEXTS), "every title was taken in, and no query keeps one of them away"
    assert page.degraded == []
    assert market.dead_letters() == []


@pytest.mark.parametrize("name", TEXTS)
def test_case_24_the_query_text_of_a_request_is_data_or_refused(understanding: Marketplace, name: str) -> None:
    request: dict[str, Any] = {"identity": Identity("somebody", None), "size": len(TEXTS), "dry_run": True}
    if text_problem(TEXTS[name], MAX_NAME) is not None:
        with pytest.raises(Refused, match=r"context\.query"):
            understanding.recall(context=Context(query=TEXTS[name]), **request)
        return
    page = understanding.recall(context=Context(query=TEXTS[name]), **request)
    assert set(ids(page)) == set(TEXTS), "it keeps no title away"
    assert page.degraded == []


@pytest.mark.parametrize("name", TEXTS)
def test_case_24_a_rule_on_any_text_is_that_text_or_refused(understanding: Marketplace, name: str) -> None:
    rule = field("category", "eq", ["数码", name])
    understanding.put_pool("one", rule)
    assert understanding.glance(pool_id="one", identity=Identity(name, None)) == [name]


HOSTILE = 'a\nERROR forged line\r\n2025-01-01 smallpool\x1b[2J{evil="1"}'


def test_case_36_no_text_of_a_caller_begins_a_line_of_the_log(market: Marketplace, caplog: pytest.LogCaptureFixture) -> None:
    whole = json.loads(encode_item_event(listing("a")))
    hostile = [
        whole | {"item_id": HOSTILE},
        whole | {"type": HOSTILE},
        whole | {"version": HOSTILE},
        whole | {"item": whole["item"] | {"seller_id": HOSTILE}},
        whole | {"item": whole["item"] | {"attributes": {HOSTILE: HOSTILE}}},
        whole | {"item": whole["item"] | {"category": [HOSTILE]}},
        whole | {"item": whole["item"] | {"title": HOSTILE}},
        whole | {"item": whole["item"] | {"title": HOSTILE + "2"}},
        whole | {HOSTILE: HOSTILE},
        HOSTILE,
    ]
    with caplog.at_level(logging.DEBUG, "smallpool"):
        market.take(*[json.dumps(one).encode() for one in hostile], HOSTILE.encode())
    assert len(market.dead_letters()) == 8
    assert len(caplog.records) == 10, "a line for each dead letter, and for two second bodies"
    for record in caplog.records:
        assert record.getMessage().isprintable(), record.getMessage()


def test_case_36_a_hundred_thousand_names_make_a_bounded_number_of_series() -> None:
    metrics = Metrics()
    for number in range(100_000):
        metrics.count(f"name {number}\n")
        metrics.count(f"degraded.{number}")
    lines = metrics.text().decode().splitlines()
    for name in ("smallpool_counts_total{", "smallpool_degraded_total{"):
        assert sum(line.startswith(name) for line in lines) == MAX_LABEL_VALUES + 1
    assert 'smallpool_degraded_total{part="other"} 99800.0' in lines


def test_case_36_what_callers_name_is_no_label(api: Api) -> None:
    api.make_pool("p")
    api.publish(*shelf(2))
    series = []
    for number in range(50):
        api.post("/v1/pools/p/recall", {"user_id": f"u{number}", "request_id": f"r{number}", "size": 1})
        api.post("/v1/user-events?wait=none", {"events": [click(user_id=f"u{number}", pool_id=f"p{number}")]})
        api.get(f"/v1/items/none{number}")
        series.append(len(api.get("/metrics").text.splitlines()))
    assert len(set(series[1:])) == 1, "the first caller makes the series of these routes, the others make none"


def test_case_36_ids_that_hold_control_characters_are_refused(api: Api) -> None:
    api.make_pool("p")
    body: dict[str, Any] = {"user_id": HOSTILE, "request_id": "r\n"}
    problem = assert_problem(api.post("/v1/pools/p/recall", body), 422, "refused")
    assert sorted(paths_of(problem)) == ["request_id", "user_id"]
    assert all("\n" not in one["found"] for one in problem["errors"])
