"""`smallpool recall --explain`: a table that a person enjoys, at 100 columns and in a pipe."""

import asyncio
import re
from unicodedata import east_asian_width

import pytest

from builders import given, user_event, wide_item
from cli_rig import Shell, listing
from smallpool_config.cli.explained import Names, parts_text, sources_table
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_core.events import encode_user_event
from smallpool_core.pages import SourceFailure
from smallpool_service.page import Explained, SourceTrace, TraceReport

WEIGHTS = {"match": 1.0, "quality": 0.5, "freshness": 0.5}
NAMES = Names({"apple": "苹果"}, {"i1": wide_item("i1", given=given("手机\x1b[31m红"))})


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


@pytest.fixture
def narrow(shell: Shell) -> Shell:
    shell.environment["COLUMNS"] = "100"
    shell.publish(
        [listing(f"i{place:02}", category=["数码", f"类{place % 7}"], title=f"苹果手机 {place} 95新 128g 国行 " * 3) for place in range(30)]
    )
    shell.make_pool()
    system = open_system(Settings(store=StoreSettings(directory=str(shell.data))))
    now = system.clock.now_ms()
    clicks = [("u:u1", encode_user_event(user_event("click", f"i{place:02}", user_id="u1", at=now - place))) for place in range(3)]
    asyncio.run(system.log.append("user-events", clicks, now))
    system.close()
    return shell


def test_an_explained_page_fits_a_hundred_columns_and_has_no_colours_in_a_pipe(narrow: Shell) -> None:
    printed = narrow.run("recall", "p", "--user", "u1", "--explain").out
    assert max(cells(line.rstrip()) for line in printed.splitlines()) <= 100
    assert "\x1b" not in printed
    assert printed.startswith("p  for u1\nasked by what they did\n")


def test_names_stand_where_keys_are_ugly(narrow: Shell) -> None:
    printed = narrow.run("recall", "p", "--user", "u1", "--explain").out
    assert "brand apple" not in printed
    assert re.search(r"matched .*brand 苹果 \d+", printed)
    assert "数码 › 类" in printed


def test_every_item_says_what_its_score_is_the_sum_of(narrow: Shell) -> None:
    page = narrow.run("recall", "p", "--user", "u1", "--explain", "--dry-run", "--json").json
    printed = narrow.run("recall", "p", "--user", "u1", "--explain", "--dry-run").out
    sums = re.findall(r"match \.\d\d \+ .*", printed)
    assert len(sums) == len(page["items"]) == 10
    scores = [item["score"] for item in page["items"]]
    totals = [sum(map(float, re.findall(r"\.\d\d", line))) for line in sums]
    # The two pages may differ by what chance explores, which has one place in twenty.
    assert sum(any(total == pytest.approx(score, abs=0.04) for score in scores) for total in totals) >= 9


def test_what_was_typed_is_part_of_the_request(narrow: Shell) -> None:
    page = narrow.run(
        "recall", "p", "--user", "stranger", "--query", "苹果 手机", "--city", "杭州", "--hour", "9", "--explain", "--json"
    ).json
    assert page["trace"]["origin"] == "prior"
    assert page["trace"]["triggers"]["city:杭州"] > 0
    assert max(page["trace"]["triggers"], key=page["trace"]["triggers"].get) == "category:数码›手机"
    assert "--hour" in narrow.run("recall", "p", "--hour", "24", code=2).err


def test_a_page_that_explains_nothing_is_short(narrow: Shell) -> None:
    printed = narrow.run("recall", "p", "--user", "u1").out
    assert "claim" not in printed
    assert "matched" not in printed


def test_the_parts_of_a_score_add_up_to_it() -> None:
    explain = Explained({}, {}, {"match": 0.5, "quality": 0.8})
    assert parts_text(explain, 0.6, WEIGHTS) == "match .33 + quality .27"


def test_a_boosted_score_says_by_what() -> None:
    explain = Explained({}, {}, {"match": 0.5, "quality": 0.8}, factor=2.0)
    assert parts_text(explain, 1.2, WEIGHTS) == "(match .33 + quality .27) × 2, which the pool boosts it by"


def test_a_score_that_was_made_otherwise_shows_its_parts_as_they_are() -> None:
    explain = Explained({}, {}, {"match": 0.5, "price_fit": 0.8})
    assert parts_text(explain, 0.9, WEIGHTS) == "match 0.50, price 0.80"


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ("brand:apple", "brand 苹果"),
        ("brand:nobody", "brand nobody"),
        ("category:数码›手机", "category 数码 › 手机"),
        ("price_band:数码:3", "price band 数码 3"),
        ("point:\x1b[31m红", "point �[31m红"),
    ],
)
def test_a_term_is_called_what_people_call_it(term: str, name: str) -> None:
    assert NAMES.of_term(term) == name


def test_nothing_that_a_seller_wrote_is_obeyed_in_a_title() -> None:
    assert NAMES.title("i1") == "手机�[31m红"
    assert NAMES.title("gone") == "gone"


def test_a_source_that_failed_says_why() -> None:
    sources = [SourceTrace("terms", 100, 0, 0, 0, 0, 0), SourceTrace("newest", 25, 25, 25, 20, 20, 9)]
    trace = TraceReport(stages=[], sources=sources, failed=[SourceFailure("terms", "late")], bucket={}, age_ms=0, rounds=1, candidates=25)
    last = list(sources_table(trace).columns[-1].cells)
    assert [str(cell) for cell in last] == ["failed: late", "━" * 12]
